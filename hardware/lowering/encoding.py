"""Quantities as units: a p-bit or pdit each, or p-bits in a code.

What is finite becomes biases, pairs and products (`codes`); what is not, or has pdits, stays tables. Where the fabric
has no tables, and for quantities in codes, a forbidden combination costs energy and is rejected at readout.

Penalties. An element's conditional energy spreads by σ, the root of the sum of the variances of its tables; V codes and
combinations can be broken by one unit. At an energy of log V + σ about one is broken at a time. A code whose words are
joined by way of broken ones (one-hot) moves the slower the more they cost: there that is where accepted effective
samples are most, for (number broken = V exp(-A)) exp(-V exp(-A)) exp(-A) has its maximum there. All others cost
log 20 more, so that 19 of 20 readouts are whole. `strength` multiplies all of these (see `lowering.strength`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ppl.errors import Diagnostic, PplError
from ppl.hardware.factors import FactorGraph, Factors, Quantity, of_one_shape
from ppl.hardware.lowering.codes import Code
from ppl.hardware.lowering.layout import Layout
from ppl.hardware.lowering.products import Floats, Integers, Products
from ppl.hardware.lowering.walsh import order
from ppl.hardware.netlist.netlist import Claim, Encoding, Netlist, Patterns, Tables, no_bodies

# Beyond it a table of 2^r energies says less than its products; up to so many p-bits it is tried whether they are few.
MOST_ORDER = 4
MOST_TRIED = 12
MOST_PRODUCTS = 2**16
WHOLE = math.log(20)


def encoded(graph: FactorGraph, encoding: Encoding, strength: float = 1.0, tables: bool = True) -> Netlist:
    """The netlist whose valid readouts have the law of the factor graph.

    tables: whether the fabric has some.

    Raises:
        PplError: what must become products has too many (E720), or is a pdit (E721).
    """
    layout = Layout(graph, encoding)
    if not tables and (layout.states > 2).any():
        raise _needs_a_code(graph)
    kept: list[Factors] = []
    spins: list[Factors] = []
    for one in of_one_shape(graph.factors):
        become = _become_products(one, layout, tables)
        for rows, found in ((~become, kept), (become, spins)):
            if rows.any():
                found.append(Factors(one.sites[rows], one.energy[rows]))
    products = Products(layout.size)
    products.offset = graph.offset
    costs = _costs(graph, layout, spins, strength)
    patterns: list[Patterns] = []
    for one in spins:
        _check_products(one, layout)
        patterns += layout.forbidden(one)
        layout.add(products, _centred(one, costs, products))
    strengths = {q.name: _code_cost(q, layout, costs) for q in graph.quantities}
    for q in graph.quantities:
        cost = strengths[q.name]
        if cost is not None:
            _penalise(products, layout.code(len(q.values)), layout.first[layout.sites[q.name]], cost)
    return products.into(
        Netlist(
            name=graph.name,
            names=layout.names,
            states=layout.states,
            bias=products.bias,
            pairs=no_bodies(2),
            bodies=(),
            tables=tuple(Tables(layout.first[one.sites], one.energy) for one in kept),
            offset=0.0,
            clamped=np.full(layout.size, -1, np.int64),
            variables=tuple(layout.variable(q, strengths[q.name]) for q in graph.quantities),
            invalid=of_one_width(patterns),
            provenance=(Claim("encode", _said(graph, layout, bool(patterns))),),
        )
    )


def of_one_width(patterns: list[Patterns]) -> tuple[Patterns, ...]:
    """Those of as many units together."""
    by_width: dict[int, list[Patterns]] = {}
    for one in patterns:
        by_width.setdefault(one.units.shape[1], []).append(one)
    return tuple(
        Patterns(np.concatenate([p.units for p in group]), np.concatenate([p.states for p in group]))
        for _, group in sorted(by_width.items())
    )


def _become_products(factors: Factors, layout: Layout, tables: bool) -> NDArray[np.bool_]:
    """(f,): whether each is a sum of products of spins; the others remain tables."""
    shape = factors.energy.shape[1:]
    if not tables or any(layout.is_coded(k) for k in shape):
        return np.ones(len(factors.sites), bool)
    if any(k > 2 for k in shape) or len(shape) > MOST_TRIED:
        return np.zeros(len(factors.sites), bool)
    axes = tuple(range(1, factors.energy.ndim))
    finite: NDArray[np.bool_] = np.array(np.isfinite(factors.energy).all(axis=axes))
    if len(shape) > MOST_ORDER:
        finite[finite] = order(factors.energy[finite]) <= MOST_ORDER
    return finite


def _centred(factors: Factors, costs: _Costs, products: Products) -> Factors:
    """With a mean of 0, so that words without a state (one-hot) have a typical energy, what is infinite so much above
    it; the mean goes to the offset."""
    mean, _ = _moments(factors)
    products.offset += float(mean.sum())
    ones = [1] * factors.sites.shape[1]
    above = costs.forbidden(factors).reshape(-1, *ones)
    energy = np.where(np.isinf(factors.energy), above, factors.energy - mean.reshape(-1, *ones))
    return Factors(factors.sites, energy)


def _penalise(products: Products, code: Code, first: Integers, cost: float) -> None:
    for subset, share in code.penalty:
        products.add(first[:, None] + np.array(subset, np.int64), np.full(len(first), cost * share))


def _code_cost(q: Quantity, layout: Layout, costs: _Costs) -> float | None:
    """Of a broken code of one of its elements; None: it cannot break, or there is none."""
    k, sites = len(q.values), layout.sites[q.name]
    if not (layout.is_coded(k) and len(sites) and layout.code(k).penalty):
        return None
    return costs.code(sites, layout.code(k).slow)


@dataclass(frozen=True, eq=False)
class _Costs:
    """(sites,) each: spread, σ; reach, the same with what forbidden states cost; barred, with that at every state, for
    a broken code can count it more than once, and with the other sign; ways: log V; strength: multiplies all."""

    spread: Floats
    reach: Floats
    barred: Floats
    ways: float
    strength: float

    def code(self, sites: Integers, slow: bool) -> float:
        typical = math.sqrt(float(np.mean((self.reach if slow else self.barred)[sites] ** 2)))
        return self.strength * (self.ways + typical + (0.0 if slow else WHOLE))

    def forbidden(self, factors: Factors) -> Floats:
        """(f,): above the mean of each table."""
        return np.asarray(self.strength * (self.ways + self.spread[factors.sites].max(axis=1)))


def _costs(graph: FactorGraph, layout: Layout, spins: list[Factors], strength: float) -> _Costs:
    variance = np.zeros(len(layout.first))
    for one in graph.factors:
        np.add.at(variance, one.sites, _moments(one)[1][:, None])
    ways = sum(int(np.isinf(one.energy).sum()) for one in spins)
    for q in graph.quantities:
        if layout.is_coded(len(q.values)):
            ways += layout.code(len(q.values)).width * len(layout.sites[q.name])
    costs = _Costs(np.sqrt(variance), np.zeros(0), np.zeros(0), math.log(max(ways, 1)), strength)
    reach, barred = variance.copy(), variance.copy()
    for one in spins:
        share = np.isinf(one.energy).mean(axis=tuple(range(1, one.energy.ndim)))
        square = costs.forbidden(one) ** 2
        np.add.at(reach, one.sites, (share * square)[:, None])
        np.add.at(barred, one.sites, np.where(share > 0, square, 0.0)[:, None])
    return replace(costs, reach=np.sqrt(reach), barred=np.sqrt(barred))


def _moments(factors: Factors) -> tuple[Floats, Floats]:
    """(f,) each: mean and variance of what is finite in each table."""
    axes = tuple(range(1, factors.energy.ndim))
    there = np.isfinite(factors.energy)
    count = np.maximum(there.sum(axis=axes), 1)
    mean = np.where(there, factors.energy, 0.0).sum(axis=axes) / count
    off = np.where(there, factors.energy - mean.reshape(-1, *[1] * len(axes)), 0.0)
    return mean, (off**2).sum(axis=axes) / count


def _said(graph: FactorGraph, layout: Layout, rejects: bool) -> str:
    if any(layout.is_coded(len(q.values)) for q in graph.quantities):
        said = f"quantities of more than two values in {layout.encoding} codes, exact where readouts are valid"
    else:
        said = "a unit for each element; finite energies of p-bits as products of spins, all others as tables"
    return said + ("; what is forbidden costs energy and is rejected at readout" if rejects else "")


def _check_products(factors: Factors, layout: Layout) -> None:
    count = layout.count(factors.energy.shape[1:])
    if count > MOST_PRODUCTS:
        names = ", ".join(f"`{layout.names[layout.first[site]]}`" for site in factors.sites[0][:4])
        title = f"a factor of {factors.sites.shape[1]} quantities has {count} products of spins, more than can be made"
        hints = (
            f"it joins {names}, …; write it with fewer quantities at once",
            "or leave `--fabric` and `--encoding` as they are: tables take it as it is",
        )
        raise PplError([Diagnostic("E720", title, hints=hints)])


def _needs_a_code(graph: FactorGraph) -> PplError:
    name = next(q.name for q in graph.quantities if len(q.values) > 2 and (q.fixed < 0).any())
    title = f"`{name}` has more than two values, and a pairwise fabric has p-bits alone"
    return PplError([Diagnostic("E721", title, hints=("choose a code of p-bits: `--encoding domain-wall`",))])
