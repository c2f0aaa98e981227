"""How faithful a netlist is to what it was lowered from, and what it takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from ppl.hardware.exact import MOST_STATES, enumerated, product, state_count
from ppl.hardware.factors import FactorGraph, Integers
from ppl.hardware.lowering.words import components
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.readout import decoded
from ppl.inference.discrete.colouring import colouring


@dataclass(frozen=True)
class Fidelity:
    """parts: that nothing joins; predicted_kl: the sum of what the passes claim, in nats; exact_kl: of the law of the
    quantities against that of the netlist after rejection of invalid states, and valid: the probability of valid ones,
    by enumeration, where there are few enough states."""

    pbits: int
    pdits: int
    ancillas: int
    couplings: dict[str, int]
    degree: int
    parts: int
    colours: int
    fraction_bits: int | None
    predicted_kl: float
    exact_kl: float | None
    valid: float | None


def fidelity(netlist: Netlist, graph: FactorGraph | None = None) -> Fidelity:
    """graph: what the netlist was lowered from, for the exact KL."""
    couplings = {"pairs": len(netlist.pairs.units)}
    couplings |= {f"products of {one.order}": len(one.units) for one in netlist.bodies}
    tables = sum(len(one.units) for one in netlist.tables)
    shown = {int(u) for v in netlist.variables for u in v.units.ravel() if u >= 0}
    colours = colouring(netlist.size, netlist.scopes) if netlist.schedule is None else netlist.schedule.colours
    exact, valid = (None, None) if graph is None else _exact(netlist, graph)
    return Fidelity(
        pbits=int((netlist.states == 2).sum()),
        pdits=int((netlist.states > 2).sum()),
        ancillas=netlist.size - len(shown),
        couplings={name: count for name, count in {**couplings, "tables": tables}.items() if count},
        degree=_degree(netlist),
        parts=len(np.unique(components(netlist)[netlist.clamped < 0])),
        colours=int(colours.max(initial=-1)) + 1,
        fraction_bits=None if netlist.precision is None else netlist.precision.fraction_bits,
        predicted_kl=sum(claim.kl for claim in netlist.provenance),
        exact_kl=exact,
        valid=valid,
    )


def _degree(netlist: Netlist) -> int:
    """The most units that one unit is joined with."""
    n = netlist.size
    codes = [np.zeros(0, np.int64)]
    codes += [
        u[:, i] * n + u[:, j] for u in netlist.scopes for i in range(u.shape[1]) for j in range(u.shape[1]) if i != j
    ]
    return int(np.bincount(np.unique(np.concatenate(codes)) // max(n, 1), minlength=1).max())


def _exact(netlist: Netlist, graph: FactorGraph) -> tuple[float | None, float | None]:
    """KL(graph | netlist given valid), and the probability of valid states."""
    if state_count(netlist) > MOST_STATES or np.log2(graph.cardinality).sum() > np.log2(MOST_STATES):
        return None, None
    states, p, _ = enumerated(netlist)
    found, valid = decoded(netlist, states)
    index = _free(netlist, found) @ _strides(graph.cardinality)
    q = np.bincount(index, np.where(valid, p, 0.0), minlength=int(np.prod(graph.cardinality)))
    share = float(q.sum())
    energy = graph.energies(product(range(k) for k in graph.cardinality))
    log_p = -energy - logsumexp(-energy)
    there = np.isfinite(log_p)
    with np.errstate(divide="ignore"):
        kl = float(np.sum(np.exp(log_p[there]) * (log_p[there] - np.log(q[there] / share))))
    return max(kl, 0.0), share


def _free(netlist: Netlist, found: dict[str, Integers]) -> Integers:
    """(states, sites): of the elements that are not fixed."""
    parts = [found[v.name][:, v.fixed < 0] for v in netlist.variables]
    return np.concatenate(parts, axis=1)


def _strides(cardinality: Integers) -> Integers:
    """By which the states of sites make the position of all of them among `product`."""
    return np.append(np.cumprod(cardinality[:0:-1])[::-1], 1)[: len(cardinality)]
