"""What a run takes: time, heat and work by Sekimoto's definitions, a regulator's information, beside software's cost.

Heat is what the bath gives, and work what a regulator does (Sekimoto 1998; both in kT, of all modes of a replica); at
rest a regulator's work goes into the bath as heat. An observation of n modes in words of so many bits is at most that
much information, and erasing it dissipates kT log 2 for each bit at least (Landauer 1961).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from ppl.hardware.analogue.modes import Floats, Modes
from ppl.hardware.analogue.sim.scheme import Replicas

# Assumptions, which are printed with what follows from them.
BOLTZMANN = 1.380649e-23  # J/K
KELVIN = 300.0
WORD = 12  # bits of a number that a regulator observes
JOULES_PER_OPERATION = 1e-11  # of floating-point arithmetic on a processor, with what moves its numbers
OPERATIONS_PER_SECOND = 1e9  # of one core


@dataclass(frozen=True)
class Spent:
    """time: of the model; steps: of the scheme; heat, work: (replicas,), in kT."""

    time: float
    steps: int
    heat: Floats
    work: Floats

    @staticmethod
    def at(replicas: Replicas) -> Spent:
        """So far."""
        return Spent(replicas.time, 0, replicas.heat, replicas.work)

    def until(self, replicas: Replicas, steps: int) -> Spent:
        """From here on."""
        return Spent(replicas.time - self.time, steps, replicas.heat - self.heat, replicas.work - self.work)


@dataclass(frozen=True)
class Ledger:
    """Of one replica, after its burn-in. model_time: dimensionless; relaxations: of the slowest mode; seconds: what a
    circuit takes; heat, work: mean over replicas, in kT, with standard errors (nan of one replica); heat_joules: minus
    the heat, at room temperature; bits_per_second: of a regulator; bits_joules: what erasing them takes at least;
    operations: of floating-point numbers, that software takes for the same by its scheme; software_seconds,
    software_joules: these, as assumed; elapsed: seconds that this run took, all replicas together."""

    model_time: float
    relaxations: float
    tau: float
    seconds: float
    heat: float
    heat_error: float
    work: float
    work_error: float
    dissipated_joules: float
    bits_per_second: float | None
    bits_joules: float | None
    operations: float
    software_seconds: float
    software_joules: float
    elapsed: float

    def data(self) -> dict[str, float | None]:
        return {name: None if isinstance(x, float) and math.isnan(x) else x for name, x in asdict(self).items()}

    def rows(self) -> list[tuple[str, str]]:
        """In words, with what was assumed."""
        rows = [
            ("simulated time", f"{self.model_time:.4g}, {self.relaxations:.3g} relaxation times of the slowest mode"),
            ("on a circuit", f"{self.seconds:.3g} s, if a time of 1 takes {self.tau:.3g} s"),
            ("heat from the bath", f"{self.heat:.4g} ± {self.heat_error:.2g} kT"),
        ]
        if self.bits_per_second is not None and self.bits_joules is not None:
            given = f"{self.work:.4g} ± {self.work_error:.2g} kT"
            rows.append(("work of the regulator", f"{given}; as heat {self.dissipated_joules:.2g} J at {KELVIN:g} K"))
            said = f"{self.bits_per_second:.3g} bits/s at most, in words of {WORD} bits"
            rows.append(("what it observes", f"{said}; to erase them takes {self.bits_joules:.2g} J at least"))
        cost = f"{self.operations:.2g} operations: {self.software_seconds:.2g} s and {self.software_joules:.2g} J"
        assumed = f"if {OPERATIONS_PER_SECOND:g} are done in a second, for {JOULES_PER_OPERATION:g} J each"
        rows.append(("software, for the same", f"{cost}, {assumed}"))
        return rows


def ledger(modes: Modes, spent: Spent, slowest: float, tau: float, elapsed: float) -> Ledger:
    """slowest: relaxation time of the modes; tau: seconds for a model time of 1; elapsed: seconds of the whole run."""
    count = len(spent.heat)

    def mean(of: Floats) -> tuple[float, float]:
        return float(of.mean()), float(of.std(ddof=1) / np.sqrt(count)) if count > 1 else math.nan

    (heat, heat_error), (work, work_error) = mean(spent.heat), mean(spent.work)
    thermal = BOLTZMANN * KELVIN
    rate = bits = None
    if modes.regulator is not None:
        bits = modes.size * WORD * spent.time / modes.regulator.period
        rate = bits / (spent.time * tau)
    operations = float(spent.steps) * _operations(modes)
    return Ledger(
        spent.time,
        spent.time / slowest,
        tau,
        spent.time * tau,
        heat,
        heat_error,
        work,
        work_error,
        -heat * thermal,
        rate,
        None if bits is None else bits * math.log(2) * thermal,
        operations,
        operations / OPERATIONS_PER_SECOND,
        operations * JOULES_PER_OPERATION,
        elapsed,
    )


def _operations(modes: Modes) -> int:
    """Of a step: a product with the precision, the force, and some ten for each normal."""
    force = () if modes.force is None else modes.force.steps
    return 2 * int(np.count_nonzero(modes.precision)) + sum(max(1, 2 * len(s.weights)) for s in force) + 10 * modes.size
