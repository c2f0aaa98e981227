"""Coordinate lists of binary quadratic models, as dimod's `serialization.coo` has them.

    # vartype=SPIN
    0 0 0.5
    0 1 -1.0

A line `i i h` is a linear term and `i j J` a pair, of E = Σ h_i v_i + Σ J_ij v_i v_j; lines of one place add up. The
comment says what v is: SPIN, -1 and +1, or BINARY, 0 and 1. There is no offset; ours is in a comment, `# offset=1.5`,
which dimod passes over.
"""

from __future__ import annotations

import re

import numpy as np

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

_VARTYPE = re.compile(r"vartype[:=][ \t]*([-_.a-zA-Z0-9]+)")


def read(text: str, name: str) -> Netlist:
    """Raises Wrong."""
    said, comments = lines.parted(text, "#")
    bits = _bits(comments)
    edges = lines.edges(said)
    labels, at = np.unique(edges.ends, return_inverse=True)
    at = at.reshape(-1, 2)
    linear = at[:, 0] == at[:, 1]
    pairs, weights = paired(len(labels), at[~linear], edges.weights[~linear])
    own = summed(at[linear, 0], edges.weights[linear], len(labels))
    given = Quadratic(tuple(labels.tolist()), bits, own, pairs, weights, lines.offset(comments))
    energy = f"E = Σ h v + Σ J v v of {'bits, J = -J/4 of spins' if bits else 'spins, with the other sign of h and J'}"
    return to_netlist(given, name, f"coordinates: {energy}")


def _bits(comments: list[lines.Line]) -> bool:
    """What the variables are. Raises Wrong: it is not said, or nothing that is known."""
    found: set[bool] = set()
    for line in comments:
        for word in _VARTYPE.findall(line.text):
            if word not in ("SPIN", "BINARY"):
                raise line.wrong("has another kind of variables than SPIN and BINARY")
            found.add(word == "BINARY")
    if len(found) != 1:
        raise Wrong(
            "it does not say whether variables are spins or bits: a line `# vartype=SPIN` or `# vartype=BINARY`"
        )
    return found.pop()


def write(netlist: Netlist) -> Emitted:
    """Of spins, by their positions. Raises PplError: it is no Ising model (E709)."""
    given = from_netlist(netlist, "ising")
    energy = "E = Σ h_i s_i (lines `i i h`) + Σ J_ij s_i s_j (lines `i j J`) + offset, s = -1 or +1"
    own = [f"{i} {i} {h}" for i, h in enumerate(decimal(given.linear))]
    text = [
        "# vartype=SPIN",
        f"# {energy.replace('Σ', 'sum')}",
        f"# sampled at beta={last_beta(netlist):g}: p proportional to exp(-beta E)",
        f"# offset={given.offset!r}",
        *own,
        *listed(given.pairs, given.weights),
    ]
    return Emitted({"model.coo": ("\n".join(text) + "\n").encode("utf-8")}, convention(energy, netlist))
