"""Files `.qubo`, as qbsolv has them: quadratic unconstrained binary optimisation.

    c a comment
    p qubo 0 4 2 1
    0 0 3.4
    2 2 -1.0
    0 2 2.2

The line `p qubo topology maxNodes nNodes nCouplers` is followed by so many lines `i i Q` and `i j Q`, of
E = Σ Q_ii x_i + Σ Q_ij x_i x_j, x = 0 or 1, i and j below maxNodes. There is no offset; ours is in a comment,
`c offset=1.5`.
"""

from __future__ import annotations

from ppl.hardware.emitted import Emitted
from ppl.hardware.formats import lines
from ppl.hardware.formats.quadratic import (
    Quadratic,
    convention,
    decimal,
    from_netlist,
    last_beta,
    listed,
    paired,
    summed,
    to_netlist,
)
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.netlist.problem import Wrong
from ppl.hardware.netlist.reading import MOST_UNITS


def read(text: str, name: str) -> Netlist:
    """Raises Wrong."""
    said, comments = lines.parted(text, "c")
    if not said:
        raise Wrong("it has no line `p qubo topology maxNodes nNodes nCouplers`")
    head = said[0].text.split()
    if len(head) != 6 or head[:2] != ["p", "qubo"]:
        raise said[0].wrong("is not `p qubo topology maxNodes nNodes nCouplers`")
    size, nodes, couplers = lines.whole(said[0], head[3:])
    if not 0 < size <= MOST_UNITS:
        raise said[0].wrong(f"has {size} nodes; there are 1 to {MOST_UNITS}")
    edges = lines.edges(said[1:])
    edges.refuse(edges.ends.max(axis=1, initial=0) >= size, f"has an index beyond {size - 1}")
    edges.refuse_repeated()
    linear = edges.ends[:, 0] == edges.ends[:, 1]
    if (int(linear.sum()), int((~linear).sum())) != (nodes, couplers):
        raise said[0].wrong(f"is followed by {linear.sum()} lines `i i Q` and {(~linear).sum()} lines `i j Q`")
    pairs, weights = paired(size, edges.ends[~linear], edges.weights[~linear])
    own = summed(edges.ends[linear, 0], edges.weights[linear], size)
    given = Quadratic(tuple(range(size)), True, own, pairs, weights, lines.offset(comments))
    return to_netlist(given, name, "QUBO: E = Σ Q x x of bits, x = (1 + m) / 2, so that J = -Q/4")


def write(netlist: Netlist) -> Emitted:
    """Bits, 1 where a spin is +1, by their positions. Raises PplError: it is no Ising model (E709)."""
    given = from_netlist(netlist, "qubo").in_bits()
    energy = "E = Σ Q_ii x_i + Σ Q_ij x_i x_j + offset, x = 0 or 1, of spins m = 2 x - 1"
    size = len(given.labels)
    text = [
        f"c {energy.replace('Σ', 'sum')}",
        f"c sampled at beta={last_beta(netlist):g}: p proportional to exp(-beta E)",
        f"c offset={given.offset!r}",
        f"p qubo 0 {size} {size} {len(given.weights)}",
        *(f"{i} {i} {q}" for i, q in enumerate(decimal(given.linear))),
        *listed(given.pairs, given.weights),
    ]
    return Emitted({"model.qubo": ("\n".join(text) + "\n").encode("utf-8")}, convention(energy, netlist))
