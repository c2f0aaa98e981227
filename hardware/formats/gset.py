"""Max-cut in the format of the Gset (Helmberg & Rendl 2000), which the generator rudy writes.

    3 2
    1 2 1
    2 3 -1

`n m`, then m lines `i j w` of edges between vertices 1 to n. An edge whose ends have different spins is cut and gains
its weight: cut(s) = Σ w_ij (1 - s_i s_j) / 2. The energy is E = -cut, so that J_ij = -w_ij / 2, offset = -Σ w_ij / 2.
"""

from __future__ import annotations

import numpy as np

from ppl.hardware.emitted import Emitted
from ppl.hardware.formats import lines
from ppl.hardware.formats.quadratic import Quadratic, decimal, from_netlist, no_words, paired, sampled_at, to_netlist
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.netlist.problem import Wrong
from ppl.hardware.netlist.reading import MOST_UNITS

# What the energy of a netlist means, in its source.
MINUS_CUT = "-cut"


def read(text: str, name: str) -> Netlist:
    """Raises Wrong."""
    said, _ = lines.parted(text, "#")
    if not said:
        raise Wrong("it has no line `n m`, of how many vertices and edges there are")
    head = said[0].text.split()
    if len(head) != 2:
        raise said[0].wrong("is not `n m`, of how many vertices and edges there are")
    size, count = lines.whole(said[0], head)
    if not 0 < size <= MOST_UNITS:
        raise said[0].wrong(f"has {size} vertices; there are 1 to {MOST_UNITS}")
    edges = lines.edges(said[1:])
    if len(edges.weights) != count:
        raise said[0].wrong(f"is followed by {len(edges.weights)} edges")
    low, high = edges.ends.min(axis=1, initial=size), edges.ends.max(axis=1, initial=1)
    edges.refuse((low < 1) | (high > size), f"joins a vertex that is not among 1 to {size}")
    edges.refuse(edges.ends[:, 0] == edges.ends[:, 1], "joins a vertex with itself")
    edges.refuse_repeated()
    pairs, weights = paired(size, edges.ends - 1, edges.weights / 2)
    labels = tuple(range(1, size + 1))
    with np.errstate(over="ignore"):
        given = Quadratic(labels, False, np.zeros(size), pairs, weights, -float(weights.sum()))
    said_of_it = "max-cut: E = -cut, so that J = -w/2 and the offset is -Σ w / 2"
    return to_netlist(given, name, said_of_it, {"energy": MINUS_CUT})


def write(netlist: Netlist) -> Emitted:
    """Raises PplError: it is no max-cut (E709)."""
    given = from_netlist(netlist, "gset")
    if given.linear.any():
        raise no_words("gset", "biases: a max-cut has edges alone", "take the target `ising` or `qubo`")
    text = [f"{len(given.labels)} {len(given.weights)}"]
    weights = [one.removesuffix(".0") for one in decimal(2 * given.weights)]
    text += [f"{i} {j} {w}" for (i, j), w in zip((given.pairs + 1).tolist(), weights, strict=True)]
    constant = given.offset + float(given.weights.sum())
    rows = (("cut", "-E" if constant == 0 else f"{constant:.10g} - E, of the netlist's energy"),)
    return Emitted({"graph.gset": ("\n".join(text) + "\n").encode("utf-8")}, (*rows, sampled_at(netlist)))
