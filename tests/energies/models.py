"""Energy models of the tests, with their energies in NumPy."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CONTINUOUS = """
dim site ordered
dim k = 3
data P[k, k]
var a, b, w, phi[site], g[k]
energy banana: 0.5 * (a - 1)^2 + 2 * (b - a^2)^2
energy double_well: 1.5 * (w^2 - 1)^2
energy kinetic: 0.5 * (phi[t] - phi[t-1])^2  for t in site[1:]
energy potential: 0.25 * phi[site]^4 - 0.5 * phi[site]^2
energy gauss: 0.5 * g[i] * P[i, j] * g[j]  for i in k, j in k
"""
PRECISION = np.array([[2.0, 0.8, 0.0], [0.8, 1.5, -0.5], [0.0, -0.5, 1.0]])
SITES = 5

SPIN_GLASS = """
dim site, edge
data src[edge] : site, dst[edge] : site, J[edge], h[site]
var s[site] : spin
energy coupling: -J[edge] * s[src[edge]] * s[dst[edge]]
energy field:    -h[site] * s[site]
"""

AND_GATE = """
var a : spin, b : spin, c : spin
energy and_gate: a*b - 2*a*c - 2*b*c - a - b + 2*c
"""

POTTS = """
dim site, edge
dim colour = {red, green, blue}
data src[edge] : site, dst[edge] : site, field[site, colour]
var c[site] : colour
energy alike: -0.7 if c[src[edge]] == c[dst[edge]] else 0
energy prefer: field[site, c[site]]
"""


def continuous_terms(values: dict[str, Any]) -> dict[str, float]:
    """The energies of CONTINUOUS, by name."""
    a, b, w, phi, g = (np.asarray(values[name]) for name in ("a", "b", "w", "phi", "g"))
    return {
        "banana": float(0.5 * (a - 1) ** 2 + 2 * (b - a**2) ** 2),
        "double_well": float(1.5 * (w**2 - 1) ** 2),
        "kinetic": float(0.5 * np.sum(np.diff(phi) ** 2)),
        "potential": float(np.sum(0.25 * phi**4 - 0.5 * phi**2)),
        "gauss": float(0.5 * g @ PRECISION @ g),
    }


def spin_glass(sites: int, seed: int = 0) -> tuple[dict[str, Any], Floats, Floats]:
    """Random data for SPIN_GLASS; every state, (2^n, n), and its log weight, (2^n,)."""
    draw = np.random.default_rng(seed)
    edges = np.array([(i, j) for i in range(sites) for j in range(i) if draw.random() < 0.5])
    coupling, field = draw.normal(size=len(edges)), draw.normal(size=sites)
    states = np.array(list(product([-1.0, 1.0], repeat=sites)))
    weights = (states[:, edges[:, 0]] * states[:, edges[:, 1]]) @ coupling + states @ field
    data = {"src": edges[:, 0], "dst": edges[:, 1], "J": coupling, "h": field}
    return data, states, weights


def potts(sites: int, seed: int = 1) -> tuple[dict[str, Any], npt.NDArray[np.int64], Floats]:
    """Random data for POTTS on a ring; every state, (3^n, n), and its log weight, (3^n,)."""
    draw = np.random.default_rng(seed)
    src, dst = np.arange(sites), (np.arange(sites) + 1) % sites
    field = draw.normal(size=(sites, 3))
    states = np.array(list(product(range(3), repeat=sites)))
    weights = 0.7 * (states[:, src] == states[:, dst]).sum(axis=1) - field[np.arange(sites), states].sum(axis=1)
    return {"src": src, "dst": dst, "field": field}, states, weights


def log_sum(weights: Floats) -> float:
    return float(np.log(np.sum(np.exp(weights))))


def probabilities(weights: Floats) -> Floats:
    return np.exp(weights - log_sum(weights))
