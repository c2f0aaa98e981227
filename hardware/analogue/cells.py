"""Modes as cells of a circuit: components, and what a voltage stands for.

Cell i shows x_i = location_i + scale_i v_i, v_i a voltage; a model's time of 1 takes `tau` seconds. With
S = diag(scale), and V the volts that scales are made for:

- `rc`: C dv/dt = -G v + I + noise, G = (c κ / τ) S A S a network of resistors, C = c κ scale² / M: overdamped modes of
  mobility M, whose noise currents have the two-sided densities 2 M C² / (scale² τ) (Coles 2023). Where the modes say no
  mobility it is V² scale², which makes all C equal; κ is the mean of M / scale², by ratios;
- `rlc`: K dv/dt = -v / R - i + noise, L di/dt = v, K = c V² S A S a network of capacitors, R = τ / (c γ), L = τ² / c,
  noise currents of density 2 c² V² γ / τ (Aifer et al. 2023). Direct current would flow through L: means are locations;
- `series`: C dv/dt = i, L di/dt = -v - R i + U + noise: underdamped modes of mass m and friction γ, L C = τ² m / k,
  R = L γ / (m τ), k the stiffness that C has, which is the precision's own where that is above 0. U is all else of the
  force, of which one unit is u = L C / (m scale τ²) volts; the noise voltage has density 2 γ u² τ.

Noise of these densities would be white. What circuits have instead is in `band`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
from scipy import linalg

from ppl.errors import Diagnostic, PplError
from ppl.hardware.analogue.components import Floats, Need, Network, Ranges, level, network, to_ground
from ppl.hardware.analogue.dynamics import Dynamics, Overdamped, Underdamped
from ppl.hardware.analogue.modes import Modes
from ppl.hardware.analogue.passivity import scales, signs
from ppl.hardware.analogue.sim.scales import rest
from ppl.hardware.laws.law import Law

Kind = Literal["rc", "rlc", "series"]
KINDS: tuple[Kind, ...] = ("rc", "rlc", "series")
# Starts from which places of rest are looked for, and, of the largest curvature there, the least that counts.
_RESTS, _FLAT = 8, 1e-4
# Relative to both diagonal entries: below which couplings are tried to be left out.
_SHARES = 10.0 ** np.arange(-9, -1)


@dataclass(frozen=True)
class Wish:
    """volts: root mean square of voltages; tau: seconds; friction: γ of `rlc`, and of `series` where the modes say
    none; location, sd: (n,), of modes, where they are not to be those of the energy; budget: nats that couplings may be
    worth which no component is weak enough for."""

    volts: float = 0.5
    tau: float = 1e-5
    friction: float = 1.0
    location: Floats | None = None
    sd: Floats | None = None
    budget: float = 1e-6
    ranges: Ranges = field(default_factory=Ranges)


@dataclass(frozen=True, eq=False)
class Cells:
    """location, scale: (n,), a scale below 0 of modes that are shown upside down; conductance, capacitance: networks of
    nodes; resistance, inductance: (n,), to ground in `rlc` (whose resistors are the conductance), in the loop in
    `series`, else none; bias: (n,), currents in A, in `series` voltages; coupling: (n, n), V per V, of `series`; drive:
    (n,), A or V for one unit of force; noise: (n,), two-sided densities in A²/Hz or V²/Hz; curvatures: (k, n, n), at
    places of rest, of the energy of the force; dynamics: as modes have them, if they can: None of `rlc`, and of
    `series` whose friction is in proportion to masses; force: from x; left_out: couplings that no component is weak
    enough for; lost: what they are worth, KL in nats."""

    kind: Kind
    names: tuple[str, ...]
    tau: float
    location: Floats
    scale: Floats
    conductance: Network
    capacitance: Network
    bias: Floats
    drive: Floats
    noise: Floats
    curvatures: Floats
    dynamics: Dynamics | None
    resistance: Floats | None = None
    inductance: Floats | None = None
    coupling: Floats | None = None
    force: Law | None = None
    left_out: int = 0
    lost: float = 0.0

    @property
    def size(self) -> int:
        """How many cells there are."""
        return len(self.names)

    @property
    def active(self) -> int:
        """How many couplings and two-poles to ground are sources that are driven."""
        loops = 0 if self.coupling is None else int(np.count_nonzero(self.coupling))
        return self.conductance.active + self.capacitance.active + loops

    def shown(self, volts: Floats) -> Floats:
        """(..., n), v -> x."""
        return np.asarray(self.location + self.scale * volts)


def usual(modes: Modes) -> Kind:
    """The kind that moves as the modes do."""
    return "series" if isinstance(modes.motion, Underdamped) else "rc"


def cells(modes: Modes, kind: Kind, wish: Wish | None = None) -> Cells:
    """Modes as cells of a kind.

    Raises:
        PplError: the precision of a Gaussian is not positive definite (E731); components have no level within their
            ranges (E732); the modes have a force, and the kind has none, or a
            regulator (E734).
    """
    wish = wish or Wish()
    makers: dict[Kind, _Maker] = {"rc": _rc, "rlc": _rlc, "series": _series}
    if modes.regulator is not None:
        hint = "without a period the force is always there"
        raise PplError(
            [Diagnostic("E734", "cells have sources, and no regulator that observes now and then", hints=(hint,))]
        )
    if kind == "rlc" and modes.force is not None:
        hint = "`rc` and `series` have sources for the force"
        raise PplError([Diagnostic("E734", "cells `rlc` are for quadratic energies alone", hints=(hint,))])
    place = _place(modes, wish)
    if not modes.is_gaussian or kind == "series":
        return makers[kind](modes, wish, place)
    return _with_fewest_left_out(modes, makers[kind], wish, place)


def _with_fewest_left_out(modes: Modes, make: _Maker, wish: Wish, place: _Place) -> Cells:
    """Without those couplings that are too weak for any component, as far as the budget goes."""
    refusal: PplError | None = None
    for share in (0.0, *_SHARES):
        precision = _thinned(modes.precision, share)
        lost = _divergence(modes.precision, precision)
        if lost > wish.budget:
            break
        try:
            made = make(replace(modes, precision=precision, bias=precision @ place.rest), wish, place)
        except PplError as error:
            refusal = refusal or error
            continue
        left_out = (np.count_nonzero(modes.precision) - np.count_nonzero(precision)) // 2
        return replace(made, left_out=int(left_out), lost=lost)
    assert refusal is not None  # without any left out nothing is lost
    raise refusal


def _thinned(precision: Floats, share: float) -> Floats:
    own = np.sqrt(np.diag(precision))
    return np.where(np.abs(precision) < share * np.outer(own, own), 0.0, precision)


def _divergence(exact: Floats, other: Floats) -> float:
    """KL, in nats, of the law of a precision from that of another with the same mean."""
    if (exact == other).all():
        return 0.0
    ratios = linalg.eigvalsh(other, exact)
    return float("inf") if ratios.min() <= 0 else float(0.5 * np.sum(ratios - 1 - np.log(ratios)))


class _Place(NamedTuple):
    """Where modes are and how far they move; rest: (n,), a place of rest; curvatures: (k, n, n), at such places, of the
    energy of the force."""

    location: Floats
    sd: Floats
    rest: Floats
    curvatures: Floats


# Of modes, as wished and placed.
_Maker = Callable[[Modes, Wish, _Place], Cells]


def _place(modes: Modes, wish: Wish) -> _Place:
    """As wished; else those of the Gaussian, or of Gaussians at places of rest."""
    found = rest(modes, 1 if modes.is_gaussian else _RESTS, 0)
    location = found.points.mean(axis=0)
    values, vectors = np.linalg.eigh(found.stiffness)
    variances = 1 / np.maximum(np.abs(values), _FLAT * np.abs(values).max(axis=1, keepdims=True))
    within = np.einsum("kij,kj->ki", vectors**2, variances).mean(axis=0)
    sd = np.sqrt(within + found.points.var(axis=0))
    return _Place(
        location if wish.location is None else np.asarray(wish.location, np.float64),
        sd if wish.sd is None else np.asarray(wish.sd, np.float64),
        found.points[0],
        found.stiffness - modes.precision,
    )


def _array_scale(modes: Modes, wish: Wish, sd: Floats) -> Floats:
    """Those of an array that is as passive as can be."""
    flips = signs(modes.precision)
    low, high = wish.ranges.voltage
    volts = wish.volts * sd / scales(flips[:, None] * modes.precision * flips, sd, high / low)
    # All together up or down, where that keeps them within their range.
    return np.asarray(flips * sd / (volts * min(max(1.0, low / volts.min()), high / volts.max())))


def _rc(modes: Modes, wish: Wish, place: _Place) -> Cells:
    scale, tau, ranges = _array_scale(modes, wish, place.sd), wish.tau, wish.ranges
    own = wish.volts**2 * scale**2
    mobility = modes.dynamics.mobility if isinstance(modes.dynamics, Overdamped) else own
    pace = float(np.exp(np.mean(np.log(mobility / scale**2))))
    storage = pace * scale**2 / mobility
    shares = network(pace / tau * scale[:, None] * modes.precision * scale)
    needs = [Need("capacitors", "F", storage, ranges.capacitance)]
    if len(shares.values):
        needs.append(Need("resistors", "Ω", 1 / np.abs(shares.values), ranges.resistance, falls=True))
    unit = level(needs)
    drive = unit * pace / tau * scale
    return Cells(
        kind="rc",
        names=modes.names,
        tau=tau,
        location=place.location,
        scale=scale,
        curvatures=place.curvatures,
        conductance=Network(shares.ends, unit * shares.values),
        capacitance=to_ground(unit * storage),
        bias=drive * _residual(modes, place.location),
        drive=drive,
        noise=2 * mobility * (unit * storage / scale) ** 2 / tau,
        dynamics=Overdamped(mobility),
        force=modes.force,
    )


def _rlc(modes: Modes, wish: Wish, place: _Place) -> Cells:
    scale = _array_scale(modes, wish, place.sd)
    shares = network(wish.volts**2 * scale[:, None] * modes.precision * scale)
    ranges, gamma, tau = wish.ranges, wish.friction, wish.tau
    unit = level(
        [
            Need("capacitors", "F", np.abs(shares.values), ranges.capacitance),
            Need("resistors", "Ω", np.array([tau / gamma]), ranges.resistance, falls=True),
            Need("inductors", "H", np.array([tau**2]), ranges.inductance, falls=True),
        ]
    )
    return Cells(
        kind="rlc",
        names=modes.names,
        tau=tau,
        # That of the Gaussian, whatever is wished.
        location=place.rest,
        scale=scale,
        curvatures=place.curvatures,
        conductance=to_ground(np.full(modes.size, unit * gamma / tau)),
        capacitance=Network(shares.ends, unit * shares.values),
        bias=np.zeros(modes.size),
        drive=np.zeros(modes.size),
        noise=np.full(modes.size, 2 * unit**2 * wish.volts**2 * gamma / tau),
        dynamics=None,
        inductance=np.full(modes.size, tau**2 / unit),
    )


def _series(modes: Modes, wish: Wish, place: _Place) -> Cells:
    tau, sd, scale = wish.tau, place.sd, place.sd / wish.volts
    given = modes.dynamics if isinstance(modes.dynamics, Underdamped) else None
    mass = sd**-2.0 if given is None else given.mass
    gamma = wish.friction * mass if given is None else np.full(modes.size, given.friction)
    own = np.diag(modes.precision)
    stiffness = np.where(own > 0, own, sd**-2.0)
    inertia = tau**2 * mass / stiffness  # L C
    ranges = wish.ranges
    farads = level(
        [
            Need("capacitors", "F", np.ones(1), ranges.capacitance),
            Need("inductors", "H", inertia, ranges.inductance, falls=True),
            Need("resistors", "Ω", inertia * gamma / (mass * tau), ranges.resistance, falls=True),
        ]
    )
    henries = inertia / farads
    unit = inertia / (mass * scale * tau**2)
    left = modes.precision - np.diag(stiffness)
    return Cells(
        kind="series",
        names=modes.names,
        tau=tau,
        location=place.location,
        scale=scale,
        curvatures=place.curvatures,
        conductance=to_ground(np.zeros(0)),
        capacitance=to_ground(np.full(modes.size, farads)),
        bias=unit * _residual(modes, place.location),
        drive=unit,
        noise=2 * gamma * unit**2 * tau,
        dynamics=given,
        resistance=henries * gamma / (mass * tau),
        inductance=henries,
        coupling=-unit[:, None] * left * scale,
        force=modes.force,
    )


def _residual(modes: Modes, location: Floats) -> Floats:
    """The quadratic energy's force at the location; rounding at its minimum is none."""
    found = modes.bias - modes.precision @ location
    size = np.abs(modes.bias) + np.abs(modes.precision) @ np.abs(location)
    return np.asarray(np.where(np.abs(found) <= 1e-12 * size, 0.0, found))
