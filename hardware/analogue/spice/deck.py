"""Cells as a deck of ngspice: one file, which runs by itself and writes its readings.

Node `v1` is the voltage of the first cell, and so on, and `f1`, `f2`, ... are what its force is made of. Every cell has
a noise source of its own, `trnoise`, with a new value every `step` seconds and straight lines between (see `band`).
ngspice draws these from pools that it fills by the number of its process: no run repeats another, and the power of all
sources of a run is off by about 1 %, another for each run. Several short runs are worth more than a long one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from ppl.hardware.analogue.band import times
from ppl.hardware.analogue.cells import Cells
from ppl.hardware.analogue.components import GROUND, Network, quantity
from ppl.hardware.analogue.spice.expressions import number, sources, weighted
from ppl.hardware.emitted import Emitted
from ppl.hardware.laws.evaluation import function

DECK, READINGS = "deck.cir", "readings.raw"
_LINE = 110
# Of the fastest change there is, the noise's step. White noise would make a mode's variance, at its own rate, larger by
# about half of that: the rest of what a coarser step saves is not worth its bias.
FINE = 0.05


@dataclass(frozen=True)
class Transient:
    """step: of the noise, in s; every: steps from one reading to the next; burn_in: readings that are dropped;
    readings: that are kept."""

    step: float
    every: int
    burn_in: int
    readings: int

    @property
    def seconds(self) -> float:
        """Of the circuit's time, the burn-in included."""
        return self.step * self.every * (self.burn_in + self.readings)


def transient(cells: Cells, readings: int, fine: float = FINE, apart: float = 1.0, burn_in: float = 10.0) -> Transient:
    """fine: the noise's step in the circuit's shortest time; apart: readings in its slowest; burn_in: in that too."""
    slowest, fastest = times(cells)
    step = fine * fastest
    every = max(1, round(apart * slowest / step))
    return Transient(step, every, max(1, round(burn_in / apart)), readings)


def emit_deck(cells: Cells, run: Transient, name: str) -> Emitted:
    """Raises PplError: the force has an operation that ngspice has no word for (E709)."""
    lines = [*_head(cells, name), *_array(cells), *_noise(cells, run), *_force(cells), *_control(cells, run)]
    rows = (
        ("cells", f"{cells.size}, `{cells.kind}`, tau {quantity(cells.tau, 's')}"),
        ("active", f"{cells.active} couplings and two-poles to ground"),
        ("left out", f"{cells.left_out} couplings, worth {cells.lost:.2g} nats"),
        ("noise", f"a new value every {quantity(run.step, 's')}"),
    )
    data = {
        "kind": cells.kind,
        "tau": cells.tau,
        "location": cells.location.tolist(),
        "scale": cells.scale.tolist(),
        "active": cells.active,
        "left_out": cells.left_out,
        "lost": cells.lost,
        "step": run.step,
        "every": run.every,
        "burn_in": run.burn_in,
        "readings": run.readings,
    }
    return Emitted({DECK: "".join(f"{line}\n" for line in lines).encode("utf-8")}, rows, data)


def _head(cells: Cells, name: str) -> Iterator[str]:
    # The first line is a title whatever it says.
    yield f"{_shown(name)}: {cells.size} modes as cells of kind {cells.kind}"
    yield f"* A time of 1 of the model takes {quantity(cells.tau, 's')}. What voltages show:"
    for at, (mode, location, scale) in enumerate(zip(cells.names, cells.location, cells.scale, strict=True), 1):
        yield f"*   {_shown(mode)} = {_value(location)} + {number(scale)} * v(v{at})"


def _array(cells: Cells) -> Iterator[str]:
    yield "* The array; values below 0 are of active circuits."
    if cells.coupling is None or cells.inductance is None or cells.resistance is None:
        yield from _two_poles("c", cells.capacitance)
        yield from _two_poles("r", cells.conductance)
        for at in range(cells.size):
            if cells.inductance is not None:
                yield f"l{at + 1} v{at + 1} 0 {_value(cells.inductance[at])}"
            if cells.bias[at] != 0:
                yield f"ib{at + 1} 0 v{at + 1} dc {_value(cells.bias[at])}"
        return
    yield from _two_poles("c", cells.capacitance)
    for at in range(cells.size):
        # Round the loop: sources, resistor, inductor, and the capacitor that is the mode.
        yield f"r{at + 1} u{at + 1} w{at + 1} {_value(cells.resistance[at])}"
        yield f"l{at + 1} w{at + 1} v{at + 1} {_value(cells.inductance[at])}"
        terms = [(float(gain), f"v(v{of + 1})") for of, gain in enumerate(cells.coupling[at]) if gain != 0]
        yield from _wrapped(f"bu{at + 1} u{at + 1} n{at + 1} v = {weighted(terms, float(cells.bias[at]))}")


def _two_poles(kind: str, network: Network) -> Iterator[str]:
    for (one, other), value in zip(network.ends.tolist(), network.values.tolist(), strict=True):
        ends = f"v{one + 1} {'0' if other == GROUND else f'v{other + 1}'}"
        name = f"{one + 1}" if other == GROUND else f"{one + 1}_{other + 1}"
        if kind == "c":
            yield f"c{name} {ends} {_value(value)}"
        elif value > 0:
            yield f"r{name} {ends} {_value(1 / value)}"
        else:
            # A negative conductance: a current that its own voltage controls.
            yield f"g{name} {ends} {ends} {_value(value)}"


def _noise(cells: Cells, run: Transient) -> Iterator[str]:
    yield f"* Noise: normal numbers every {quantity(run.step, 's')}, joined by straight lines."
    for at, density in enumerate(cells.noise, 1):
        before = "0" if cells.force is None else f"d{at}"
        source = f"in{at} 0 v{at}" if cells.coupling is None else f"vn{at} n{at} {before}"
        yield f"{source} dc 0 trnoise({_value((density / run.step) ** 0.5)} {_value(run.step)} 0 0)"


def _force(cells: Cells) -> Iterator[str]:
    if cells.force is None:
        return
    yield "* The force."
    inputs = [
        weighted([(float(scale), f"v(v{at})")], float(location))
        for at, (location, scale) in enumerate(zip(cells.location, cells.scale, strict=True), 1)
    ]
    found = sources(cells.force, inputs)
    for node in found.nodes:
        yield from _wrapped(f"b{node.name} {node.name} 0 v = {node.text}")
    if found.nodes:
        yield "* Where nodes begin, since Newton's method need not find it from 0."
        begin = function(replace(cells.force, outputs=tuple(node.of for node in found.nodes)))
        with jax.enable_x64(True):
            values = np.asarray(jax.jit(begin)(jnp.asarray(cells.location)))
        held = " ".join(f"v({node.name})={_value(one)}" for node, one in zip(found.nodes, values, strict=True))
        yield from _wrapped(f".ic {held}")
    for at, (text, gain) in enumerate(zip(found.outputs, cells.drive, strict=True), 1):
        driven = f"{number(gain)}*{text}"
        yield from _wrapped(
            f"bd{at} 0 v{at} i = {driven}" if cells.coupling is None else f"bd{at} d{at} 0 v = {driven}"
        )


def _control(cells: Cells, run: Transient) -> Iterator[str]:
    spacing = run.step * run.every
    shown = " ".join(f"v(v{at + 1})" for at in range(cells.size))
    yield from _wrapped(f".save {shown}")
    yield ".control"
    yield "set filetype=binary"
    yield "* Readings lie at corners of the noise, and only they are kept."
    yield "set interp"
    # Half a reading too far, so that rounding does not lose the last.
    times = (spacing, run.seconds + 0.5 * spacing, spacing * run.burn_in, run.step)
    yield f"tran {' '.join(map(_value, times))} uic"
    yield f"write {READINGS} all"
    # Without it ngspice looks for an analysis outside, and fails.
    yield "quit"
    yield ".endc"
    yield ".end"


def _value(value: float) -> str:
    return repr(float(value))


def _shown(text: str) -> str:
    """Of a model's name, whose labels are data's: a comment of one line."""
    return "".join(one if one.isprintable() else "?" for one in text)


def _wrapped(line: str) -> list[str]:
    """Lines that `+` continues, broken at blanks and after operators."""
    if len(line) <= _LINE:
        return [line]
    pieces: list[str] = []
    text = ""
    for one in line:
        text += one
        if one in " *+?:,(" and len(text) > _LINE - 30:
            pieces.append(text)
            text = ""
    pieces.append(text)
    return [piece if not at else f"+ {piece}" for at, piece in enumerate(piece for piece in pieces if piece)]
