"""Weights in words of so many bits after the binary point.

Rounding to b fraction bits moves each of m couplings and n biases by at most 2^-(b+1), in effect uniformly: an error of
variance 4^-b / 12. To second order the KL divergence of the rounded law is half the variance of the error of the energy
under the law, at most β² (m + n) 4^-b / 24 on average over roundings of products of spins (entries of tables count as
biases of their states). It is never more than 2 β times the sum of all errors.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ppl.errors import Diagnostic, PplError
from ppl.hardware.netlist.netlist import Bodies, Claim, Netlist, Precision, Tables

MOST_BITS = 40
THRESHOLD_BITS = 32


def in_words(netlist: Netlist, budget: float) -> Netlist:
    """With weights rounded to as few bits as keep the KL within a budget, in nats, at β = 1.

    Raises:
        PplError: what was done before has used up the budget, or it asks for more than MOST_BITS bits (E705).
    """
    left = budget - sum(claim.kl for claim in netlist.provenance)
    count = _count(netlist)
    bits = next((b for b in range(MOST_BITS + 1) if _kl(count, b) <= left), None)
    if bits is None or left <= 0:
        least = _kl(count, MOST_BITS) + budget - left
        title = f"a KL of {budget:g} nats cannot be met"
        hint = f"{count} weights of {MOST_BITS} bits after the point are off by {least:.2g}; ask for more than that"
        raise PplError([Diagnostic("E705", title, hints=(hint,))])
    return rounded(netlist, bits, budget)


def rounded(netlist: Netlist, bits: int, budget: float | None = None) -> Netlist:
    """With weights rounded to so many bits after the point."""
    claim = Claim("words", f"weights of {bits} bits after the point", _kl(_count(netlist), bits))
    return replace(
        netlist,
        bias=_rounded(netlist.bias, bits),
        pairs=_bodies(netlist.pairs, bits),
        bodies=tuple(_bodies(one, bits) for one in netlist.bodies),
        tables=tuple(Tables(one.units, _rounded(one.energy, bits)) for one in netlist.tables),
        precision=Precision(bits, THRESHOLD_BITS),
        budget=budget,
        provenance=(*netlist.provenance, claim),
    )


def _count(netlist: Netlist) -> int:
    """Weights that rounding moves."""
    tables = sum(int(np.isfinite(one.energy).sum()) for one in netlist.tables)
    bodies = (netlist.pairs, *netlist.bodies)
    return int(np.count_nonzero(netlist.bias)) + sum(len(one.coupling) for one in bodies) + tables


def _kl(count: int, bits: int) -> float:
    return count * math.pow(4, -bits) / 24


def _bodies(bodies: Bodies, bits: int) -> Bodies:
    return Bodies(bodies.units, _rounded(bodies.coupling, bits))


def _rounded(weights: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    step = math.pow(2, -bits)
    return np.asarray(np.round(weights / step) * step)
