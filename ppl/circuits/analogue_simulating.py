"""Simulated modes as draws of the quantities of their model."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.circuits.simulated import checked_numbers, invalid, layout_of, least_whole
from ppl.hardware.analogue.modes import Floats, Modes
from ppl.hardware.analogue.sim.bias import regulated_law
from ppl.hardware.analogue.sim.ledger import Ledger, Spent, ledger
from ppl.hardware.analogue.sim.methods import METHODS, Plan, plan
from ppl.hardware.analogue.sim.scales import Rest, Times, energy, gradient, rest, spread
from ppl.hardware.analogue.sim.scheme import Replicas
from ppl.hardware.laws.evaluation import function
from ppl.inference.contract import Remark, Remedy
from ppl.inference.placing import working_on
from ppl.results.container import Groups
from ppl.running.devices import find_place
from ppl.running.interrupts import Requests
from ppl.running.progress import Progress
from ppl.running.record import ended, provenance, remark_attrs
from ppl.source import Source

# Relaxation times of the slowest mode before the first draw, where nothing is said.
BURN_IN = 20
# How far the effective temperature may be from 1: by so many standard errors, and by this besides.
MOST_ERRORS = 5.0
SMALL = 0.02


@dataclass(frozen=True)
class ModesSimulation:
    """draws: of each replica; replicas: independent copies, the chains of the result; method: `ou`, exact, for linear
    motion; `euler` or `second-order`, step by step (None: `ou` where it can be); interval: model time from one draw to
    the next; step: model time of a step; noise: model time from one normal number to the next of noise that is
    band-limited (None: it is white); burn_in: relaxation times before the first draw (None, for each: chosen by
    the stiffness); tau: seconds that a circuit takes for a model time of 1; devices: see `find_place`."""

    draws: int = 1000
    replicas: int = 16
    seed: int = 1
    method: str | None = None
    interval: float | None = None
    step: float | None = None
    noise: float | None = None
    burn_in: int = BURN_IN
    tau: float = 1e-5
    devices: str | None = None

    def __post_init__(self) -> None:
        least_whole(self, {"draws": 1, "replicas": 1, "burn_in": 0})
        checked_numbers(self, ("interval", "step", "noise", "tau"))
        if self.method is not None and self.method not in METHODS:
            raise invalid("method", self.method, "for modes one of " + ", ".join(METHODS))


class Temperature(NamedTuple):
    """<(x - c)·∇E> / n, which is kT = 1 in equilibrium, and its standard error; expected: what a regulator makes of it
    near a minimum."""

    value: float
    error: float
    expected: float | None


@dataclass(frozen=True)
class SimulatedModes:
    """groups, attrs: ArviZ's; temperature: None of a single replica; stopped: why the run ended early, if it did."""

    groups: Groups
    attrs: dict[str, Any]
    temperature: Temperature | None
    ledger: Ledger
    stopped: str | None

    def numbers(self) -> dict[str, Any]:
        """What is printed beside the summary, as data."""
        warm = None if self.temperature is None else self.temperature._asdict()
        return {"effective_temperature": warm, "ledger": self.ledger.data()}

    def rows(self) -> list[tuple[str, str]]:
        """What is printed below it, in words."""
        return self.ledger.rows()


def simulated_modes(modes: Modes, options: ModesSimulation, progress: Progress, requests: Requests) -> SimulatedModes:
    """Runs a netlist of modes and reads it out.

    Raises:
        PplError: a Gaussian without a minimum (E731), a method that cannot simulate it (E711), a motion without bounds
            (E733); there are no such devices (E608).
    """
    began = time.perf_counter()
    place = find_place(options.devices)
    try:
        progress.stage("looking for minima")
        with working_on(place), requests.impatient():
            resting = rest(modes, options.replicas, options.seed)
            found = resting.times(modes.motion)
            chosen = plan(modes, found, options.method, options.interval, options.step, options.noise)
            progress.stage("compiling")
            replicas = Replicas(modes, chosen.scheme, resting.scattered(options.seed), options.seed)
            run = _read(modes, resting, found, chosen, replicas, options, progress, requests)
    finally:
        progress.close()
    draws = run.elements.shape[1]
    layout = layout_of(modes.source, modes.readout.readings)
    stats = {"lp": -run.energy, "virial": run.virial}
    groups = {
        "posterior": layout.dataset(
            modes.readout.named(run.elements), {one.name: one.dims for one in modes.readout.readings}
        ),
        "sample_stats": layout.dataset(stats, dict.fromkeys(stats, ())),
    }
    temperature = _temperature(modes, resting, run.virial)
    stopped = requests.word if requests.stop else None
    seconds = time.perf_counter() - began
    accounts = ledger(modes, run.spent, found.slowest, options.tau, seconds)
    model = modes.source.get("model")
    settings = {**asdict(options), "method": chosen.method, "step": chosen.scheme.time, "every": chosen.every}
    attrs = provenance(Source(modes.name, model if isinstance(model, str) else ""), options.seed)
    attrs |= {"engine": "simulate", "draws_are": "correlated", "chains": options.replicas}
    attrs |= {"settings": json.dumps(settings), "ledger": json.dumps(accounts.data())}
    if temperature is not None:
        attrs |= {"effective_temperature": temperature.value, "effective_temperature_error": temperature.error}
    attrs |= remark_attrs(_remarks(modes, chosen, temperature, draws, options.draws))
    attrs |= ended(stopped, {"total": seconds})
    return SimulatedModes(groups, attrs, temperature, accounts, stopped)


class _Run(NamedTuple):
    """elements: (replicas, draws, elements of readings); energy, virial: (replicas, draws)."""

    elements: Floats
    energy: Floats
    virial: Floats
    spent: Spent


def _read(
    modes: Modes,
    resting: Rest,
    found: Times,
    chosen: Plan,
    replicas: Replicas,
    options: ModesSimulation,
    progress: Progress,
    requests: Requests,
) -> _Run:
    shown, value, slope = function(modes.readout.law), energy(modes), gradient(modes)
    centre = resting.points.mean(axis=0)

    @jax.jit
    def look(x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        return shown(x), value(x), jnp.sum((x - spread(centre, x)) * slope(x), axis=-1) / modes.size

    steps = math.ceil(options.burn_in * found.slowest / chosen.scheme.time)
    # So that one looks now and then at whether the user wants to stop.
    for done in range(0, steps, 64 * chosen.every):
        replicas.advance(min(64 * chosen.every, steps - done))
        progress.iterations(done, steps, True, 0)
        if requests.stop:
            raise KeyboardInterrupt
    spent = Spent.at(replicas)
    kept: list[tuple[NDArray[Any], ...]] = []
    for number in range(options.draws):
        replicas.advance(chosen.every)
        with jax.enable_x64(True):
            kept.append(tuple(np.asarray(one) for one in look(jnp.asarray(replicas.positions()))))
        progress.iterations(number + 1, options.draws, False, 0)
        if requests.stop:
            break
    elements, energies, virial = (np.stack(one, axis=1) for one in zip(*kept, strict=True))
    return _Run(elements, energies, virial, spent.until(replicas, chosen.every * len(kept)))


def _temperature(modes: Modes, resting: Rest, virial: Floats) -> Temperature | None:
    replicas = len(virial)
    if replicas < 2:
        return None
    means = virial.mean(axis=1)
    law = None if modes.regulator is None else regulated_law(modes, resting.stiffness[0])
    error = float(means.std(ddof=1) / np.sqrt(replicas))
    return Temperature(float(means.mean()), error, None if law is None else law.temperature)


def _remarks(modes: Modes, chosen: Plan, warm: Temperature | None, draws: int, wanted: int) -> list[Remark]:
    said = []
    if draws < wanted:
        said.append(Remark("few draws", "note", f"Only {draws} of {wanted} draws of each replica were made."))
    if warm is None:
        return said
    shown = f"kT = {warm.value:.4g} ± {warm.error:.2g}"
    values = {"temperature": warm.value, "error": warm.error}
    if abs(warm.value - 1) <= MOST_ERRORS * warm.error + SMALL:
        return [
            *said,
            Remark("temperature", "good", f"The modes are as warm as they should be: {shown}.", values=values),
        ]
    title, remedies = f"The modes are not as warm as they should be: {shown}, not 1.", list[Remedy]()
    if modes.regulator is not None:
        by = "" if warm.expected is None else f" ({warm.expected:.4g} is expected near a minimum)"
        title = f"The regulator warms or cools the modes: {shown}, not 1{by}."
        sooner = {"period": modes.regulator.period / 4}
        remedies.append(Remedy("it should observe more often, and act sooner: compile with {}", sooner))
    elif chosen.method == "banded":
        title = f"Noise of so narrow a band leaves the modes at {shown}, not 1."
        remedies.append(Remedy("make its normals come more often: {}", {"noise": chosen.scheme.time / 4}))
    elif chosen.method != "ou":
        remedies.append(Remedy("take shorter steps: {}", {"step": chosen.scheme.time / 4}))
    return [*said, Remark("temperature", "bad", title, remedies=tuple(remedies), values=values)]
