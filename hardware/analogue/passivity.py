"""What makes an array passive: signs and scales of its modes.

A network of resistors, or capacitors, has a matrix with no entry above 0 off the diagonal and no row whose sum is below
0. A change of signs x_i -> -x_i gives the first where the couplings are balanced (Harary 1953); a positive scale for
each mode gives the second wherever the matrix is a nonsingular M-matrix then (Berman & Plemmons 1994, chapter 6,
theorem 2.3, I27), which is wherever ⟨A⟩ w = r has a positive solution w for a positive r, ⟨A⟩ the comparison matrix.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

from ppl.hardware.analogue.components import Floats

# Ways from the scales wished for to those that make rows dominant, of which the nearest that does is taken.
_WAYS = 11


def signs(precision: Floats) -> Floats:
    """(n,) of ±1: along a spanning tree of the strongest couplings none is above 0, so that none is anywhere if the
    couplings are balanced. The first mode of each component keeps its sign."""
    size = len(precision)
    own = np.sqrt(np.abs(np.diag(precision)))
    own[own == 0] = 1.0
    strength = np.abs(precision / np.outer(own, own))
    np.fill_diagonal(strength, 0.0)
    # A minimum spanning tree is of weights above 0: the strongest couplings get the smallest.
    weights = np.where(strength > 0, 1.0 + strength.max(initial=0.0) - strength, 0.0)
    tree = minimum_spanning_tree(csr_array(weights))
    _, component = connected_components(tree, directed=False)
    found = np.ones(size)
    for number in range(int(component.max(initial=-1)) + 1):
        first = int(np.flatnonzero(component == number)[0])
        order, before = breadth_first_order(tree, first, directed=False)
        for node in order[1:]:
            found[node] = -np.sign(precision[node, before[node]]) * found[before[node]]
    return found


def scales(precision: Floats, wished: Floats, spread: float) -> Floats:
    """(n,), above 0: the wished ones, or the nearest on the way to those that make rows dominant for which fewest
    two-poles to ground are active. precision: with its signs changed; spread: the factor that scales over the wished
    ones may be apart."""
    comparison = -np.abs(precision)
    np.fill_diagonal(comparison, np.diag(precision))
    try:
        dominant = np.linalg.solve(comparison, np.abs(np.diag(precision)) * wished)
    except np.linalg.LinAlgError:
        return wished
    if not (np.isfinite(dominant).all() and (dominant > 0).all()):
        return wished
    ratio = dominant / wished
    ways = [wished * ratio**share for share in np.linspace(0.0, 1.0, _WAYS)]
    allowed = [way for way in ways if np.ptp(np.log(way / wished)) <= np.log(spread)]
    return min(allowed, key=lambda way: int((precision @ way < 0).sum()))
