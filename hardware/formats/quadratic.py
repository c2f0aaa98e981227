"""A quadratic function of spins or bits, which is what other programs' files hold, and a netlist as one.

    E(v) = offset + Σ_i linear_i v_i + Σ_(i<j) weight_ij v_i v_j,   v_i = -1 or +1 of spins, 0 or 1 of bits

A netlist's spins have the other sign: J = -weight, h = -linear. A bit is x = (1 + m) / 2, so that a weight of bits is
four of spins. None of the files says at which β they are sampled; p(v) ∝ exp(-β E(v)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.errors import Diagnostic, PplError
from ppl.hardware.netlist.netlist import Bodies, Claim, Netlist, Variable
from ppl.hardware.netlist.problem import Wrong
from ppl.hardware.netlist.validity import check

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Label = str | int


@dataclass(frozen=True, eq=False)
class Quadratic:
    """labels: of the n variables; bits: they are 0 and 1, not -1 and +1; linear: (n,); pairs: (m, 2), each once,
    i < j, in order; weights: (m,)."""

    labels: tuple[Label, ...]
    bits: bool
    linear: Floats
    pairs: Integers
    weights: Floats
    offset: float

    def in_spins(self) -> Quadratic:
        if not self.bits:
            return self
        quarter = self.weights / 4
        linear = self.linear / 2 + self._at_ends(quarter)
        offset = self.offset + float(self.linear.sum() / 2 + quarter.sum())
        return replace(self, bits=False, linear=linear, weights=quarter, offset=offset)

    def in_bits(self) -> Quadratic:
        if self.bits:
            return self
        linear = 2 * self.linear - 2 * self._at_ends(self.weights)
        offset = self.offset + float(self.weights.sum() - self.linear.sum())
        return replace(self, bits=True, linear=linear, weights=4 * self.weights, offset=offset)

    def _at_ends(self, weights: Floats) -> Floats:
        """(n,): the sum of those of a variable's pairs."""
        return summed(self.pairs[:, 0], weights, len(self.linear)) + summed(self.pairs[:, 1], weights, len(self.linear))


def summed(at: Integers, values: Floats, size: int) -> Floats:
    """(size,): the sums of the values at each place."""
    return np.asarray(np.bincount(at, values, size), np.float64)


def paired(size: int, ends: Integers, weights: Floats) -> tuple[Integers, Floats]:
    """(m, 2) ends, in any order, and weights: each pair once, i < j, with the sum of its weights."""
    low, high = ends.min(axis=1, initial=size), ends.max(axis=1, initial=-1)
    codes, which = np.unique(low * size + high, return_inverse=True)
    pairs = np.stack(np.divmod(codes, max(size, 1)), axis=1)
    return pairs, summed(which, weights, len(codes))


def to_netlist(given: Quadratic, name: str, said: str, source: dict[str, Any] | None = None) -> Netlist:
    """One variable of all units: `s` of spins, or `x` of bits. said: the format's convention, for the provenance.

    Raises Wrong: there are no variables, two labels are written the same way, or sums of weights are not finite.
    """
    if not given.labels:
        raise Wrong("it has no variables")
    with np.errstate(over="ignore", invalid="ignore"):
        spins = given.in_spins()
    if not (np.isfinite(spins.linear).all() and np.isfinite(spins.weights).all() and np.isfinite(spins.offset)):
        raise Wrong("the sums of its weights are too large for floating-point numbers")
    size, called = len(given.labels), "x" if given.bits else "s"
    names = tuple(one if isinstance(one, str) else f"{called}[{one}]" for one in given.labels)
    numbered = all(isinstance(one, int) for one in given.labels)
    shown = Variable(
        name=called,
        dims=("unit",),
        shape=(size,),
        element="int" if given.bits else "spin",
        values=np.array([0, 1] if given.bits else [-1, 1]),
        encoding="direct",
        units=np.arange(size)[:, None],
        fixed=np.full(size, -1),
    )
    netlist = Netlist(
        name=name,
        names=names,
        states=np.full(size, 2),
        bias=-spins.linear,
        pairs=Bodies(spins.pairs, -spins.weights),
        bodies=(),
        tables=(),
        offset=spins.offset,
        clamped=np.full(size, -1, np.int64),
        variables=(shown,),
        provenance=(Claim("read", said),),
        source={**(source or {}), "coordinates": {"unit": list(given.labels if numbered else names)}},
    )
    check(netlist)
    return netlist


def from_netlist(netlist: Netlist, target: str) -> Quadratic:
    """Of spins, with the names of the units as labels.

    Raises:
        PplError: it is no Ising model (E709).
    """
    if (netlist.states > 2).any():
        what, hint = "units of more than two states", "compile the model with --fabric pairwise --encoding one-hot"
    elif netlist.tables or netlist.bodies:
        what = "tables" if netlist.tables else f"products of {netlist.bodies[0].order} p-bits"
        hint = "compile the model with --fabric pairwise"
    elif (netlist.clamped >= 0).any():
        what, hint = (
            "units that are held",
            "leave out its `clamps`, or hold what they stand for with --set of the model",
        )
    elif not netlist.size:
        what, hint = "a netlist without units", "leave something of the model free"
    else:
        pairs, weights = paired(netlist.size, netlist.pairs.units, -netlist.pairs.coupling)
        # Zeros are added so that none is written as -0.
        return Quadratic(netlist.names, False, 0.0 - netlist.bias, pairs, weights + 0.0, netlist.offset + 0.0)
    raise no_words(target, what, hint)


def no_words(target: str, what: str, *hints: str) -> PplError:
    return PplError([Diagnostic("E709", f"the target `{target}` has no words for {what}", hints=hints)])


def last_beta(netlist: Netlist) -> float:
    """At which the netlist is sampled in the end."""
    return 1.0 if netlist.schedule is None else float(netlist.schedule.betas[-1])


def convention(energy: str, netlist: Netlist) -> tuple[tuple[str, str], ...]:
    """Rows for the report, from the format's own energy."""
    return (("energy", energy), sampled_at(netlist))


def sampled_at(netlist: Netlist) -> tuple[str, str]:
    """A row for the report."""
    return ("to be sampled at", f"β = {last_beta(netlist):g}, p ∝ exp(-β E); the file has no β")


def decimal(values: Floats) -> list[str]:
    """The shortest that are read back as the same, without exponents, which some readers do not know."""
    shown = map(repr, values.tolist())
    return [one if "e" not in one else np.format_float_positional(float(one), trim="0") for one in shown]


def listed(pairs: Integers, weights: Floats) -> Sequence[str]:
    """Lines `i j weight`."""
    return [f"{i} {j} {w}" for (i, j), w in zip(pairs.tolist(), decimal(weights), strict=True)]
