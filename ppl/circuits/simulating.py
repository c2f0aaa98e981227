"""A simulated netlist as draws of the quantities of its model."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.circuits.simulated import invalid, layout_of, least_whole
from ppl.errors import Diagnostic, PplError
from ppl.hardware.energies import energies
from ppl.hardware.formats.gset import MINUS_CUT
from ppl.hardware.netlist.netlist import Netlist, Variable
from ppl.hardware.readout import decoded, values
from ppl.hardware.sim.annealing import Annealed
from ppl.hardware.sim.chromatic import Chromatic
from ppl.hardware.sim.packed import Packed
from ppl.hardware.sim.schedules import QUENCH
from ppl.hardware.sim.simulator import Simulator
from ppl.hardware.sim.temperature import Estimate, effective_beta
from ppl.hardware.sim.tempering import Tempered
from ppl.inference.contract import Remark, Remedy
from ppl.inference.placing import working_on
from ppl.results.container import Groups
from ppl.results.wording import on_command_line
from ppl.running.devices import find_place
from ppl.running.interrupts import Requests
from ppl.running.progress import Progress
from ppl.running.record import ended, provenance, remark_attrs
from ppl.source import Source


@dataclass(frozen=True)
class Method:
    """make: a simulator from netlist, replicas, seed and β; draws, sweeps: what is meant where nothing is said (None:
    as the netlist's schedule says); searches: each draw is where a search ended, not one of a chain."""

    make: Callable[[Netlist, int, int, NDArray[np.float64]], Simulator]
    draws: int = 1000
    sweeps: int | None = None
    searches: bool = False


METHODS = {
    "gibbs": Method(Chromatic),
    "packed": Method(Packed),
    "tempering": Method(Tempered, sweeps=5),
    "anneal": Method(Annealed, draws=1, sweeps=1000, searches=True),
}
# Readouts for each draw that is wanted, beyond which the search for valid ones ends; and where a replica has ten times
# fewer of them than the others, for it is stuck.
MOST_READOUTS = 200
MOST_IF_STUCK = 5
# Standard errors by which the effective β may differ from the one asked for.
MOST_ERRORS = 5.0
_BURNT_AT_ONCE = 64  # sweeps between two looks at whether the user wants to stop
_KEPT = 64  # readouts that the effective temperature is estimated from


@dataclass(frozen=True)
class SimulationOptions:
    """draws: of each replica, valid ones; replicas: independent copies, the chains of the result; sweeps: from one
    readout to the next, and of a search of `anneal`; burn_in: sweeps before the first readout (None, for each: as the
    method and the netlist's schedule say); beta: β in place of the schedule's; method: `gibbs`; `packed`, which is fast
    with many replicas of p-bits with small integer weights; `tempering`, over a ladder of β, for units that are slow
    to forget; `anneal`, which looks for the least energy; devices: what replicas are shared out over (see
    `find_place`)."""

    draws: int | None = None
    replicas: int = 16
    sweeps: int | None = None
    burn_in: int | None = None
    beta: float | None = None
    seed: int = 1
    method: str = "gibbs"
    devices: str | None = None

    def __post_init__(self) -> None:
        least_whole(self, {"draws": 1, "replicas": 1, "sweeps": 1, "burn_in": 0})
        if self.method not in METHODS:
            raise invalid("method", self.method, "one of " + ", ".join(METHODS))
        given_beta: object = self.beta
        if given_beta is not None and not (isinstance(given_beta, int | float) and 0 <= given_beta <= QUENCH):
            raise invalid("beta", self.beta, f"a number from 0 to {QUENCH:g}")


@dataclass(frozen=True)
class Simulated:
    """groups, attrs: ArviZ's; acceptance: of the readouts, the share that was valid; temperature: the effective β and
    its error; stopped: why the run ended early, if it did; best: of searches, the least `energy`, or largest `cut`, and
    the `count` of those that found it."""

    groups: Groups
    attrs: dict[str, Any]
    acceptance: float
    temperature: Estimate | None
    stopped: str | None
    best: Mapping[str, Any] | None

    def rows(self) -> list[tuple[str, str]]:
        """What is printed below it, in words."""
        return []

    def numbers(self) -> dict[str, Any]:
        """What is printed beside the summary, as data."""
        beta = None if self.temperature is None else self.temperature._asdict()
        return {"acceptance": self.acceptance, "effective_beta": beta, "best": self.best}


def in_simulate(**settings: Any) -> str:
    """Settings as options of `ppl simulate`, those that `ppl sample` calls otherwise too."""
    here = {"chains": "replicas", "warmup": "burn_in"}
    return on_command_line(**{here.get(name, name): value for name, value in settings.items()})


def simulated(netlist: Netlist, options: SimulationOptions, progress: Progress, requests: Requests) -> Simulated:
    """Runs a netlist and reads it out.

    Raises:
        PplError: no readout of some replica was valid (E710); there are no such devices (E608); stopped before each
            replica had a draw.
    """
    began = time.perf_counter()
    netlist = netlist if netlist.variables else _of_units(netlist)
    schedule = netlist.schedule
    betas = np.ones(1) if schedule is None else schedule.betas
    if options.beta is not None:
        betas = np.array([float(options.beta)])
    burn_in = options.burn_in if options.burn_in is not None else 100 if schedule is None else schedule.burn_in
    place = find_place(options.devices)
    method = METHODS[options.method]
    thin = options.sweeps or method.sweeps or (1 if schedule is None else schedule.thin)
    options = replace(options, draws=options.draws or method.draws)
    warmup = 0 if method.searches else burn_in + len(betas) - 1
    try:
        progress.stage("compiling")
        with working_on(place), requests.impatient():
            simulator = method.make(netlist, options.replicas, options.seed, betas)
            readings = _read(netlist, simulator, options, warmup, thin, progress, requests)
        progress.stage("estimating the temperature")
        kept = np.stack(readings.kept)
        temperature = None if method.searches else effective_beta(netlist, kept, float(betas[-1]))
    finally:
        progress.close()
    draws = int(readings.counts.min())
    layout = layout_of(netlist.source, [*netlist.variables, *(netlist.computed.readings if netlist.computed else ())])
    shown = {v.name: _shown(v, readings.states[v.name][:, :draws]) for v in netlist.variables}
    dims = {v.name: v.dims for v in netlist.variables}
    if netlist.computed is not None:
        inputs = [
            values(v, readings.states[v.name][:, :draws]).reshape(options.replicas, draws, v.size)
            for v in netlist.variables
        ]
        shown |= netlist.computed.values(np.concatenate(inputs, axis=-1, dtype=np.float64))
        dims |= {one.name: one.dims for one in netlist.computed.readings}
    lp = (-1 if method.searches else -float(betas[-1])) * readings.energy[:, :draws]
    groups = {
        "posterior": layout.dataset(shown, dims),
        "sample_stats": layout.dataset({"lp": lp}, {"lp": ()}),
    }
    acceptance = readings.valid / readings.all
    stopped = requests.word if requests.stop else None
    model = netlist.source.get("model")
    attrs = provenance(Source(netlist.name, model if isinstance(model, str) else ""), options.seed)
    attrs |= {
        "engine": "simulate",
        "draws_are": "a mode" if method.searches else "correlated",
        "chains": options.replicas,
    }
    attrs |= {"settings": json.dumps({**asdict(options), "sweeps": thin, "burn_in": burn_in, "betas": betas.tolist()})}
    attrs |= {"acceptance_of_readout": acceptance}
    if temperature is not None:
        attrs |= {"effective_beta": temperature.beta, "effective_beta_error": temperature.error}
    wanted = draws if stopped else options.draws or draws
    remarks = _remarks(netlist, acceptance, draws, wanted, options, temperature, float(betas[-1]))
    best = _found(netlist, readings.energy[:, :draws]) if method.searches else None
    remarks += [] if best is None else [best]
    attrs |= remark_attrs(remarks)
    attrs |= ended(stopped, {"total": time.perf_counter() - began})
    return Simulated(groups, attrs, acceptance, temperature, stopped, None if best is None else best.values)


@dataclass
class _Readings:
    """states: by variable, (replicas, draws, elements); energy: (replicas, draws); counts: (replicas,), how many draws
    each has; kept: some readouts, (replicas, n) each, valid or not; valid, all: readouts."""

    states: dict[str, NDArray[np.int16]]
    energy: NDArray[np.float64]
    counts: NDArray[np.int64]
    kept: list[NDArray[np.integer[Any]]]
    valid: int = 0
    all: int = 0


def _read(
    netlist: Netlist,
    simulator: Simulator,
    options: SimulationOptions,
    burn_in: int,
    thin: int,
    progress: Progress,
    requests: Requests,
) -> _Readings:
    """The first valid readouts of each replica, as many as draws are wanted: what is left of a chain after rejection
    is a chain of the law of valid states."""
    replicas, draws = options.replicas, options.draws or 1
    for at in range(0, burn_in, _BURNT_AT_ONCE):
        simulator.advance(min(_BURNT_AT_ONCE, burn_in - at))
        progress.iterations(at, burn_in, True, 0)
        if requests.stop:
            raise KeyboardInterrupt
    out = _Readings(
        {v.name: np.zeros((replicas, draws, v.size), np.int16) for v in netlist.variables},
        np.zeros((replicas, draws)),
        np.zeros(replicas, np.int64),
        [],
    )
    every = max(1, draws // _KEPT)
    for number in range(MOST_READOUTS * draws):
        simulator.advance(thin)
        states = simulator.states()
        found, good = decoded(netlist, states)
        energy = energies(netlist, states)
        good &= np.isfinite(energy)  # a start may be in states that tables forbid
        out.valid, out.all = out.valid + int(good.sum()), out.all + replicas
        if number % every == 0:
            out.kept = [*out.kept[-2 * _KEPT :], states]
        rows = np.flatnonzero(good & (out.counts < draws))
        for name, own in found.items():
            out.states[name][rows, out.counts[rows]] = own[rows]
        out.energy[rows, out.counts[rows]] = energy[rows]
        out.counts[rows] += 1
        done = int(out.counts.min())
        progress.iterations(done, draws, False, 0, out.valid / out.all if out.valid < out.all else None)
        if done == draws:
            return out
        stuck = number >= MOST_IF_STUCK * draws and 10 * done < out.valid / replicas
        if stuck or (requests.stop and (done or requests.count > 1)):
            break
    if not out.counts.min():
        if requests.stop:
            raise KeyboardInterrupt
        raise _none_valid(out.valid, out.all)
    return out


def _of_units(netlist: Netlist) -> Netlist:
    """A netlist that says nothing of a model: its units, those with equally many states together."""
    variables = []
    coordinates = {}
    for k in np.unique(netlist.states):
        units = np.flatnonzero(netlist.states == k)
        values, element, name = (np.array([-1, 1]), "spin", "s") if k == 2 else (np.arange(k), "int", f"z{k}")
        coordinates[f"unit_{name}"] = [netlist.names[u] for u in units]
        fixed = np.full(len(units), -1)
        shape = (len(units),)
        variables.append(Variable(name, (f"unit_{name}",), shape, element, values, "direct", units[:, None], fixed))
    return replace(netlist, variables=tuple(variables), source={**netlist.source, "coordinates": coordinates})


def _none_valid(valid: int, count: int) -> PplError:
    if valid:
        title = f"of {count} readouts {valid} were valid, but of some replica none: it is stuck"
        hints = ("let it burn in for longer, `--burn-in 10000`, or exchange replicas, `--method tempering`",)
    else:
        title = f"of {count} readouts none was valid"
        hints = ("the penalties of the code are too weak, or the units too hot: compile with another `--encoding`",)
    return PplError([Diagnostic("E710", title, hints=hints)])


def _shown(variable: Variable, states: NDArray[np.int16]) -> NDArray[np.generic]:
    """In the smallest signed integers that hold the values, truth values as such."""
    found = values(variable, states)
    if variable.element == "bool":
        return found.astype(np.bool_)
    least, most = variable.values.min(initial=0), variable.values.max(initial=0)
    kind = next(
        t for t in (np.int8, np.int16, np.int32, np.int64) if np.iinfo(t).min <= least and most <= np.iinfo(t).max
    )
    return found.astype(kind)


def _remarks(
    netlist: Netlist,
    acceptance: float,
    draws: int,
    wanted: int,
    options: SimulationOptions,
    temperature: Estimate | None,
    beta: float,
) -> list[Remark]:
    said = []
    if netlist.schedule is not None and netlist.schedule.discipline == "synchronous":
        title = "All units were updated at once, which does not sample the law of the netlist."
        remedy = Remedy("take a netlist whose schedule is chromatic or sequential")
        said.append(Remark("synchronous", "bad", title, remedies=(remedy,)))
    if acceptance == 1:
        said.append(Remark("acceptance of readout", "good", "Every readout was valid."))
    else:
        title = f"{100 * acceptance:.3g} % of the readouts were valid; the others were rejected."
        said.append(Remark("acceptance of readout", "note", title, values={"acceptance": acceptance}))
    if draws < wanted:
        title = f"Only {draws} of {wanted} draws of each replica were found."
        said.append(Remark("few valid", "note", title, values={"draws": draws}))
    if temperature is not None:
        found = {"beta": temperature.beta, "error": temperature.error}
        shown = f"β = {temperature.beta:.4g} ± {temperature.error:.2g}"
        if abs(temperature.beta - beta) <= MOST_ERRORS * temperature.error + 1e-6:
            said.append(Remark("temperature", "good", f"The units are as warm as asked for: {shown}.", values=found))
        else:
            title = f"The units are not as warm as asked for: {shown}, not {beta:g}."
            remedy = Remedy("a longer burn-in may cool them: {}", {"burn_in": 10 * (options.burn_in or 100)})
            said.append(Remark("temperature", "bad", title, remedies=(remedy,), values=found))
    return said


def _found(netlist: Netlist, energy: NDArray[np.float64]) -> Remark:
    """Of searches, how many ended at the least energy; of a max-cut, what it cuts."""
    least = float(energy.min())
    count = int((energy <= least + 1e-9 * max(abs(least), 1.0)).sum())
    said, found = f"The least energy that was found is {least:.6g}", {"energy": least, "count": count}
    if netlist.source.get("energy") == MINUS_CUT:
        said, found = f"The largest cut that was found is {-least:.10g}", {"cut": -least, **found}
    return Remark("least energy", "good", f"{said}, by {count} of {energy.size} searches.", values=found)
