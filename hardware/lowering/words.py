"""Weights and thresholds in words of so many bits.

Weights. Rounding them changes the energy by Δ, and the law p to one in proportion to p exp(-Δ); the KL divergence is
log E_p exp(E_p Δ - Δ), at most R² / 8 where Δ has the range R (Hoeffding 1963, lemma 1). R is at most 2 Σ |δ| of all
products, whose errors δ are known, and for a table what its errors differ by. Parts of the netlist that nothing joins
are independent, and their divergences add up. Conditioning on valid readouts and summing ancillas out take nothing away
from the bound: the range of Δ becomes no larger, and the divergence of a marginal is no larger than that of the whole.

Thresholds. A probability of a p-bit is off by at most δ = 2^-(w+1), one of a pdit, which is between two thresholds, by
twice that. Log odds of a unit are then off by about ε = δ / p at the least p that any state of the others gives it, and
where modes are joined by its rarest flips alone, so are theirs. Claimed are Σ ε² / 2 nats over all units, which is far
above what is found where units mix well. Flips rarer than NEVER count as ones that no run sees.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import logsumexp

from ppl.errors import Diagnostic, PplError
from ppl.hardware.lowering.products import Floats, Integers
from ppl.hardware.netlist.netlist import Bodies, Claim, Netlist, Precision, Tables

MOST_BITS = 40
LEAST_THRESHOLD_BITS, MOST_THRESHOLD_BITS = 8, 48
NEVER = 1e-11
# Of the budget, that thresholds may take.
_SHARE = 0.25


def in_words(netlist: Netlist, budget: float) -> Netlist:
    """With as few bits of thresholds, then of weights, as keep the KL within a budget, in nats, at β = 1.

    Raises:
        PplError: what was done before has used up the budget, or it asks for more bits than there are (E705).
    """
    left = budget - sum(claim.kl for claim in netlist.provenance)
    wanted = range(LEAST_THRESHOLD_BITS, MOST_THRESHOLD_BITS + 1)
    threshold_bits = next((w for w in wanted if threshold_kl(netlist, w) <= _SHARE * left), None)
    if threshold_bits is None:
        least = threshold_kl(netlist, MOST_THRESHOLD_BITS)
        raise _not_met(budget, f"thresholds of {MOST_THRESHOLD_BITS} bits alone are off by {least:.2g}")
    left -= threshold_kl(netlist, threshold_bits)
    for bits in range(MOST_BITS + 1):
        made = rounded(netlist, bits, threshold_bits, budget)
        if made.provenance[-2].kl <= left:
            return made
    least = made.provenance[-2].kl
    raise _not_met(budget, f"weights of {MOST_BITS} bits after the point are off by up to {least:.2g}")


def _not_met(budget: float, said: str) -> PplError:
    title = f"a KL of {budget:g} nats cannot be met"
    return PplError([Diagnostic("E705", title, hints=(f"{said}; ask for more than that",))])


def rounded(netlist: Netlist, bits: int, threshold_bits: int = 32, budget: float | None = None) -> Netlist:
    """With weights rounded to so many bits after the point. The last two claims are of weights and of thresholds."""
    made = replace(
        netlist,
        bias=_rounded(netlist.bias, bits),
        pairs=_bodies(netlist.pairs, bits),
        bodies=tuple(_bodies(one, bits) for one in netlist.bodies),
        tables=tuple(Tables(one.units, _rounded(one.energy, bits)) for one in netlist.tables),
        precision=Precision(bits, threshold_bits),
        budget=budget,
    )
    if any((a.coupling != b.coupling).any() for a, b in zip(_products(netlist), _products(made), strict=True)):
        # What the energy meant, such as a cut, it means no longer.
        made = replace(made, source={name: value for name, value in made.source.items() if name != "energy"})
    claims = (
        Claim("weights", f"words of {bits} bits after the point", weight_kl(netlist, made)),
        Claim("thresholds", f"words of {threshold_bits} bits", threshold_kl(netlist, threshold_bits)),
    )
    return replace(made, provenance=(*netlist.provenance, *claims))


def _products(netlist: Netlist) -> tuple[Bodies, ...]:
    return (netlist.pairs, *netlist.bodies)


def components(netlist: Netlist) -> Integers:
    """(n,): of each unit that is not held, the part of the netlist that it is joined to, by couplings or by what makes
    a readout valid; held ones join nothing."""
    held = netlist.clamped >= 0
    joined = [np.zeros((0, 2), np.int64)]
    codes = [variable.units[variable.fixed < 0] for variable in netlist.variables]
    for units in (*netlist.scopes, *(patterns.units for patterns in netlist.invalid), *codes):
        for i in range(units.shape[1]):
            for j in range(i):
                pair = units[:, [i, j]]
                joined.append(pair[~held[pair].any(axis=1)])
    edges = np.concatenate(joined)
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(netlist.size, netlist.size))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def weight_kl(netlist: Netlist, made: Netlist) -> float:
    """At most so many nats from one to the other, which has other weights."""
    held = netlist.clamped >= 0
    part = components(netlist)
    span = np.zeros(int(part.max(initial=-1)) + 1)

    def add(units: Integers, ranges: Floats) -> None:
        """To the part of the first unit of a row that is not held; what has none is constant."""
        free = ~held[units]
        there = free.any(axis=1)
        first = units[np.arange(len(units)), np.argmax(free, axis=1)]
        np.add.at(span, part[first[there]], ranges[there])

    add(np.arange(netlist.size)[:, None], 2 * np.abs(made.bias - netlist.bias))
    for a, b in zip((netlist.pairs, *netlist.bodies), (made.pairs, *made.bodies), strict=True):
        add(a.units, 2 * np.abs(b.coupling - a.coupling))
    for t, u in zip(netlist.tables, made.tables, strict=True):
        off = np.where(np.isfinite(t.energy), u.energy, 0.0) - np.where(np.isfinite(t.energy), t.energy, 0.0)
        there = np.isfinite(t.energy)
        axes = tuple(range(1, off.ndim))
        most = np.where(there, off, -np.inf).max(axis=axes)
        least = np.where(there, off, np.inf).min(axis=axes)
        add(t.units, np.where(there.any(axis=axes), most - least, 0.0))
    return float((span**2).sum()) / 8


def threshold_kl(netlist: Netlist, bits: int) -> float:
    """Of all units that are not held."""
    delta = math.pow(2, -bits) * np.where(netlist.states == 2, 0.5, 1.0)
    off = delta / np.maximum(np.exp(-_rarest(netlist)), NEVER)
    return float((off**2)[netlist.clamped < 0].sum()) / 2


def _rarest(netlist: Netlist) -> Floats:
    """(n,): minus the log of the least probability that a state of a unit has, whatever all others are in."""
    k = int(netlist.states.max(initial=2))
    there = np.arange(k) < netlist.states[:, None]
    # By how much the energy of a state can be above that of another.
    above = np.where(there[:, :, None] & there[:, None], 0.0, -np.inf)
    above[:, 1, 0] -= 2 * netlist.bias
    above[:, 0, 1] += 2 * netlist.bias
    for bodies in (netlist.pairs, *netlist.bodies):
        for column in bodies.units.T:
            for step in ((1, 0), (0, 1)):
                np.add.at(above, (column, *step), 2 * np.abs(bodies.coupling))
    for table in netlist.tables:
        for axis, column in enumerate(table.units.T, start=1):
            energy = np.moveaxis(table.energy, axis, 1).reshape(len(column), table.energy.shape[axis], -1)
            both = np.isfinite(energy)
            finite = np.where(both, energy, 0.0)
            for state in range(energy.shape[1]):
                difference = finite[:, [state]] - finite
                most = np.where(both & both[:, [state]], difference, -np.inf).max(axis=2)
                rows = np.where(np.isfinite(most), most, 0.0)
                np.add.at(above[:, state, : energy.shape[1]], column, rows)
    return np.asarray(logsumexp(above, axis=2).max(axis=1))


def _bodies(bodies: Bodies, bits: int) -> Bodies:
    return Bodies(bodies.units, _rounded(bodies.coupling, bits))


def _rounded(weights: Floats, bits: int) -> Floats:
    step = math.pow(2, -bits)
    return np.asarray(np.round(weights / step) * step)
