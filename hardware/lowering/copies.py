"""Units with more neighbours than the fabric has wires, as chains of copies.

Choi 2008 ("Minor-embedding in adiabatic quantum computation: I", section 3): each copy takes some of the couplings, and
copies next to each other are coupled ferromagnetically. Readouts in which they differ are rejected, and the law of the
others is exact however weak the chain is.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ppl.errors import Diagnostic, PplError
from ppl.hardware.lowering.ancillas import with_units
from ppl.hardware.lowering.encoding import of_one_width
from ppl.hardware.lowering.products import Products
from ppl.hardware.netlist.netlist import Claim, Netlist, Patterns

LEAST_DEGREE = 3


def with_degree(netlist: Netlist, degree: int, strength: float = 1.0) -> Netlist:
    """With no unit joined to more than so many, 3 at least.

    Raises:
        PplError: the netlist is not pairwise (E722).
    """
    if not netlist.is_pairwise:
        title = "a degree is that of pairs of p-bits, and this netlist has larger couplings"
        raise PplError([Diagnostic("E722", title, hints=("add `--fabric pairwise`",))])
    pairs = netlist.pairs
    degrees = np.bincount(pairs.units.ravel(), minlength=netlist.size)
    high = np.flatnonzero(degrees > degree)
    if not high.size:
        return netlist
    # A chain of c copies has c (degree - 2) + 2 ends for couplings.
    copies = np.ones(netlist.size, np.int64)
    copies[high] = -(-(degrees[high] - 2) // (degree - 2))
    first_more = netlist.size + np.cumsum(copies - 1) - (copies - 1)
    names = [f"{netlist.names[u]}'{c}" for u in high for c in range(1, copies[u])]
    wide = with_units(netlist, names, [int(netlist.clamped[u]) for u in high for _ in range(1, copies[u])])

    def copy(unit: int, c: int) -> int:
        return unit if c == 0 else int(first_more[unit]) + c - 1

    ends = pairs.units.copy()
    used = np.zeros(netlist.size, np.int64)
    for row, column in np.argwhere(copies[pairs.units] > 1):
        unit = int(pairs.units[row, column])
        # The first copy takes degree - 1, those inside the chain one less, the last what is left.
        c = min(max(int(used[unit]) - 1, 0) // (degree - 2), int(copies[unit]) - 1)
        used[unit] += 1
        ends[row, column] = copy(unit, c)
    links = np.array([(copy(u, c - 1), copy(u, c)) for u in high.tolist() for c in range(1, copies[u])], np.int64)
    products = Products(wide.size)
    products.offset = netlist.offset
    products.bias[: netlist.size] = netlist.bias / copies
    products.bias[netlist.size :] = np.repeat(netlist.bias[high] / copies[high], copies[high] - 1)
    products.add(ends, -pairs.coupling)
    products.add(links, -_couplings(netlist, high, copies, strength))
    products.offset += float(_couplings(netlist, high, copies, strength).sum())
    apart = Patterns(np.repeat(links, 2, axis=0), np.tile(np.array([[0, 1], [1, 0]]), (len(links), 1)))
    said = f"chains of copies, at most {degree} neighbours a unit, those that differ rejected at readout: {len(links)}"
    return replace(
        products.into(wide),
        invalid=of_one_width([*netlist.invalid, apart]),
        provenance=(*netlist.provenance, Claim("copy", said)),
    )


def _couplings(netlist: Netlist, high: np.ndarray, copies: np.ndarray, strength: float) -> np.ndarray:
    """(links,): half of what a broken link costs, log V + σ, where σ is of the field on the unit (see `encoding`)."""
    variance = netlist.bias**2
    for column in netlist.pairs.units.T:
        np.add.at(variance, column, netlist.pairs.coupling**2)
    ways = math.log(int((copies - 1).sum()))
    return np.repeat(strength * (ways + 2 * np.sqrt(variance[high])) / 2, copies[high] - 1)
