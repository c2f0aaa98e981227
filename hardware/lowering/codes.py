"""Codes of a quantity of k states in p-bits.

Every code is a linear map: the indicator of a state is a sum of products of the spins of the code's units, so that a
table over states is one over products. States of the units that are no code word are penalised; whatever the penalty,
the law given that all words are valid is that of the model. Chancellor 2019 ("Domain wall encoding of discrete
variables for quantum annealing and QAOA") for the domain wall, eqs. 1 to 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ppl.hardware.lowering.products import Floats
from ppl.hardware.lowering.walsh import subsets
from ppl.hardware.netlist.netlist import Encoding

Subset = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Code:
    """Of k states in `width` p-bits.

    products: subsets of the units; indicator: (k, products), that of state z is Σ indicator[z, S] Π_(u in S) m_u;
    penalty: energies of products, whose sum is 0 at words and at least 1 elsewhere; words: for each state the units,
    and their states, that tell it from all other words; slow: the way from a word to another leads over what is none.
    """

    width: int
    products: tuple[Subset, ...]
    indicator: Floats
    penalty: tuple[tuple[Subset, float], ...]
    words: tuple[tuple[tuple[int, int], ...], ...]
    slow: bool = False


def code(encoding: Encoding, k: int) -> Code:
    """Two states are one p-bit in every encoding."""
    if k == 2:
        return _binary(2)
    return {"one-hot": _one_hot, "domain-wall": _domain_wall, "binary": _binary}[encoding](k)


def _one_hot(k: int) -> Code:
    products = ((), *((i,) for i in range(k)))
    indicator = np.concatenate([np.full((k, 1), 0.5), np.eye(k) / 2], axis=1)
    pairs = [s for s in subsets(k, 2) if len(s) == 2]
    # (Σ x - 1)², x = (1 + m) / 2
    penalty = [((), (k - 2) ** 2 / 4 + k / 4), *(((i,), (k - 2) / 2) for i in range(k)), *((s, 0.5) for s in pairs)]
    return Code(k, products, indicator, tuple(penalty), tuple(((i, 1),) for i in range(k)), slow=True)


def _domain_wall(k: int) -> Code:
    products = ((), *((i,) for i in range(k - 1)))
    indicator = np.zeros((k, k))
    # x_(z-1) - x_z, where x before the first is 1 and after the last 0
    indicator[0, 0], indicator[-1, 0] = 0.5, 0.5
    for z in range(k):
        if z > 0:
            indicator[z, z] += 0.5
        if z < k - 1:
            indicator[z, z + 1] -= 0.5
    penalty: list[tuple[Subset, float]] = []
    for i in range(k - 2):  # x_(i+1) (1 - x_i): a second wall
        penalty += [((), 0.25), ((i + 1,), 0.25), ((i,), -0.25), ((i, i + 1), -0.25)]
    words = tuple((*(((z - 1, 1),) if z > 0 else ()), *(((z, 0),) if z < k - 1 else ())) for z in range(k))
    return Code(k - 1, products, indicator, tuple(penalty), words)


def _binary(k: int) -> Code:
    width = (k - 1).bit_length()
    products = tuple(subsets(width))
    spins = 2.0 * ((np.arange(2**width)[:, None] >> np.arange(width)) & 1) - 1
    everywhere = np.stack([np.prod(spins[:, list(s)], axis=1) for s in products], axis=1) / 2**width
    spare = everywhere[k:].sum(axis=0)
    penalty = tuple((s, float(c)) for s, c in zip(products, spare, strict=True) if c)
    words = tuple(tuple((j, (z >> j) & 1) for j in range(width)) for z in range(k))
    return Code(width, products, everywhere[:k], penalty, words)


def unit_names(element: str, encoding: Encoding, values: Sequence[int]) -> list[str]:
    """What each unit of a word says of an element: its value, that it is above one, a digit of its state."""
    if len(values) == 2 or encoding == "direct":
        return [element]
    if encoding == "one-hot":
        return [f"{element}={value}" for value in values]
    if encoding == "domain-wall":
        return [f"{element}>{value}" for value in values[:-1]]
    return [f"{element}.{j}" for j in range((len(values) - 1).bit_length())]
