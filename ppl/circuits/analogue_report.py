"""What is told of a netlist of modes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ppl.circuits.report import table
from ppl.hardware.analogue.dynamics import Overdamped
from ppl.hardware.analogue.modes import Modes
from ppl.hardware.analogue.sim.bias import regulated_law
from ppl.hardware.analogue.sim.scales import rest

_STARTS = 4


@dataclass(frozen=True)
class Regulated:
    """What a regulator does to the law near its minimum: the effective temperature, and the least and the largest
    ratio of a mode's standard deviation to what it should be; None where it is unstable."""

    temperature: float
    least: float
    largest: float


@dataclass(frozen=True)
class ModesReport:
    """condition: number of the stiffness at a minimum of E; slowest, fastest: times of the motion there, in model time;
    steps: of the force, 0 of a Gaussian; energy_steps likewise."""

    modes: int
    couplings: int
    gaussian: bool
    steps: int
    condition: float
    slowest: float
    fastest: float
    regulated: Regulated | None
    stable: bool

    def data(self) -> dict[str, object]:
        return asdict(self)


def reported(modes: Modes) -> ModesReport:
    """Raises PplError: a Gaussian without a minimum of its energy (E731)."""
    found = rest(modes, 1 if modes.is_gaussian else _STARTS, 1)
    stiffness = found.stiffness[0]
    eigenvalues = np.abs(np.linalg.eigvalsh(stiffness))
    slowest, fastest = found.times(modes.motion)
    law = None if modes.regulator is None else regulated_law(modes, stiffness)
    regulated = None
    if law is not None and (eigenvalues > 0).all():
        ratios = np.sqrt(np.diag(law.covariance) / np.diag(np.linalg.inv(stiffness)))
        regulated = Regulated(law.temperature, float(ratios.min()), float(ratios.max()))
    return ModesReport(
        modes.size,
        int(np.count_nonzero(np.triu(modes.precision, 1))),
        modes.is_gaussian,
        0 if modes.force is None else len(modes.force.steps),
        float(eigenvalues.max() / max(eigenvalues.min(), np.finfo(float).tiny)),
        slowest,
        fastest,
        regulated,
        modes.regulator is None or law is not None,
    )


def modes_text(modes: Modes, found: ModesReport, more: Sequence[tuple[str, str]] = ()) -> str:
    """more: rows that a target adds."""
    kind = "a quadratic energy: exact" if found.gaussian else f"a quadratic energy, and a force of {found.steps} steps"
    overdamped = isinstance(modes.motion, Overdamped)
    rows = [
        ("modes", f"{found.modes}, {'overdamped' if overdamped else 'underdamped'}"),
        ("couplings", f"{found.couplings}"),
        ("energy", kind),
        ("condition number", f"{found.condition:.3g}"),
        ("times of the motion", f"{found.fastest:.3g} to {found.slowest:.3g}"),
    ]
    if modes.regulator is not None:
        own = modes.regulator
        rows.append(("regulator", f"{own.driven}, every {own.period:g}, {own.latency:g} late"))
        rows.append(("what it does to the law", _regulated(found)))
    passes = [f"  {claim.name}: {claim.said}" for claim in modes.provenance]
    return "\n".join([table([*rows, *more]), "", "passes", *passes])


def _regulated(found: ModesReport) -> str:
    if not found.stable:
        return "it is unstable: observe more often"
    if found.regulated is None:
        return "not known: there is no minimum to look at"
    own = found.regulated
    spread = f"standard deviations are {own.least:.3g} to {own.largest:.3g} times what they should be"
    near = "" if found.gaussian else " near a minimum"
    return f"temperature {own.temperature:.4g}, and {spread}{near}"
