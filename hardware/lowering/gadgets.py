"""Products of three and four spins on a pairwise fabric, by one ancilla each, exactly.

Spins are decorated as in Fisher 1959 ("Transformations of Ising models", section II): a spin a that is summed out
leaves 2 cosh of its field. With S = s₁ + s₂ + s₃ + s₄ and K ≥ 0,

    exp(-K s₁s₂s₃s₄) = exp(C + P S²) Σ_a exp(A a S)

at S = 0, ±2 and ±4 if C = -K - log 2, P = -log(cosh 4A) / 16 and cosh 4A / cosh⁴ 2A = exp(-8K). With u = cosh⁻² 2A the
last is 2u - u² = exp(-8K), so u = 1 - √(1 - exp(-8K)). The other sign of K is had by turning s₁ round, and a product of
three by s₄ = 1. S² = 4 + 2 Σ s_i s_j has pairs alone. The law of the spins is exact at β = 1, for A and P depend on K.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ppl.hardware.lowering.ancillas import with_units
from ppl.hardware.lowering.products import Floats, Products
from ppl.hardware.netlist.netlist import Bodies, Claim, Netlist


def with_gadgets(netlist: Netlist) -> Netlist:
    """With an ancilla for each product of three or four; larger ones stay."""
    done = [one for one in netlist.bodies if one.order in (3, 4)]
    if not done:
        return netlist
    names = ["star(" + ", ".join(netlist.names[u] for u in row) + ")" for one in done for row in one.units]
    wide = with_units(netlist, names)
    products = Products(wide.size)
    products.add_netlist(netlist, below=3)
    at = netlist.size
    for one in netlist.bodies:
        if one.order in (3, 4):
            _add(products, one, np.arange(at, at + len(one.units)))
            at += len(one.units)
        else:
            products.add(one.units, -one.coupling)
    claim = Claim("gadgets", f"an ancilla for each product of three or four spins, exact at β = 1: {len(names)}")
    return replace(products.into(wide), provenance=(*netlist.provenance, claim))


def _add(products: Products, bodies: Bodies, ancillas: NDArray[np.int64]) -> None:
    a, p, c = constants(np.abs(bodies.coupling))
    # exp(+K Π) for K > 0 is exp(-K Π) with the first spin turned round.
    turned = np.ones(bodies.units.shape)
    turned[:, 0] = np.where(bodies.coupling > 0, -1.0, 1.0)
    none = np.zeros((len(ancillas), 0), np.int64)
    products.add(none, -c - 4 * p)
    for i, column in enumerate(bodies.units.T):
        products.add(np.stack([column, ancillas], axis=1), -a * turned[:, i])
        if bodies.order == 3:
            products.add(column[:, None], -2 * p * turned[:, i])
    if bodies.order == 3:
        products.add(ancillas[:, None], -a)
    for i, j in combinations(range(bodies.order), 2):
        products.add(bodies.units[:, [i, j]], -2 * p * turned[:, i] * turned[:, j])


def constants(k: Floats) -> tuple[Floats, Floats, Floats]:
    """A, P and C of exp(-K s₁s₂s₃s₄), K ≥ 0."""
    root = np.sqrt(-np.expm1(-8 * k))
    log_u = -8 * k - np.log1p(root)
    a = (np.log1p(np.sqrt(root)) - log_u / 2) / 2  # cosh 2A = u^(-1/2), and 1 - u = root
    p = -(np.log1p(root) - log_u) / 16  # cosh 4A = 2 cosh² 2A - 1 = (2 - u) / u
    return a, p, -k - np.log(2)
