"""dimod's binary quadratic models, as the JSON of `BinaryQuadraticModel.to_serializable`, schema 3.

E = offset + Σ linear_biases v + Σ quadratic_biases v v, of spins (`SPIN`) or bits (`BINARY`); pair k joins the
variables quadratic_head[k] and quadratic_tail[k], and pairs that are there twice add up.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from ppl.hardware.emitted import Emitted
from ppl.hardware.formats.quadratic import Label, Quadratic, convention, from_netlist, paired, to_netlist
from ppl.hardware.netlist.entry import Entry
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.netlist.problem import Wrong
from ppl.hardware.netlist.reading import parsed

# Quotes within a text are escaped, so that this is no part of one.
_TYPE = re.compile(r'"type"\s*:\s*"(BinaryQuadraticModel|\w*BQM)"')


def is_one(text: str) -> bool:
    """Whether a JSON text, whole or not, says that it is one."""
    return _TYPE.search(text) is not None


def read(text: str, name: str) -> Netlist:
    """Raises Wrong."""
    entry = Entry(parsed(text), "")
    schema = str(entry.of("version").of("bqm_schema").text())
    if not schema.startswith("3."):
        raise Wrong(f"its schema is {schema}, and 3.0.0 is read; write it anew with dimod 0.10 or newer")
    if entry.of("use_bytes").value is not False:
        raise Wrong("its biases are bytes; write it with use_bytes=False")
    bits = entry.of("variable_type").one_of(("SPIN", "BINARY")) == "BINARY"
    labels = tuple(_label(one) for one in entry.of("variable_labels").each())
    size = len(labels)
    linear, weights = (entry.of(f"{kind}_biases").numbers(1) for kind in ("linear", "quadratic"))
    head, tail = (entry.of(f"quadratic_{end}").integers(1) for end in ("head", "tail"))
    counts = {
        "linear_biases": (len(linear), size),
        "num_variables": (entry.of("num_variables").whole(), size),
        "quadratic_head": (len(head), len(weights)),
        "quadratic_tail": (len(tail), len(weights)),
        "num_interactions": (entry.of("num_interactions").whole(), len(weights)),
    }
    for what, (found, wanted) in counts.items():
        if found != wanted:
            raise Wrong(f"{what} makes {found}, but there are {size} variable labels, {len(weights)} quadratic biases")
    ends = np.stack([head, tail], axis=1)
    beyond = np.flatnonzero(((ends < 0) | (ends >= size)).any(axis=1))
    if beyond.size:
        raise Wrong(f"pair {beyond[0]} joins {tuple(ends[beyond[0]].tolist())}, but there are {size} variables")
    same = np.flatnonzero(head == tail)
    if same.size:
        raise Wrong(f"pair {same[0]} joins variable {head[same[0]]} with itself")
    pairs, summed = paired(size, ends, weights)
    given = Quadratic(labels, bits, linear, pairs, summed, entry.of("offset").number())
    kind = "bits, x = (1 + m) / 2, so that J = -J/4" if bits else "spins, with the other sign of h and J"
    return to_netlist(given, name, f"binary quadratic model: E = offset + Σ h v + Σ J v v of {kind}")


def _label(entry: Entry) -> Label:
    """Whole numbers and texts as they are, all else as it is written in JSON."""
    value = entry.value
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value
    return json.dumps(value, ensure_ascii=False)


def write(netlist: Netlist) -> Emitted:
    """Of spins, by the names of the units. Raises PplError: it is no Ising model (E709)."""
    given = from_netlist(netlist, "bqm")
    data: dict[str, Any] = {
        "type": "BinaryQuadraticModel",
        "version": {"bqm_schema": "3.0.0"},
        "use_bytes": False,
        "index_type": "int32",
        "bias_type": "float64",
        "num_variables": len(given.labels),
        "num_interactions": len(given.weights),
        "variable_labels": list(given.labels),
        "variable_type": "SPIN",
        "offset": given.offset,
        "info": {},
        "linear_biases": given.linear.tolist(),
        "quadratic_biases": given.weights.tolist(),
        "quadratic_head": given.pairs[:, 0].tolist(),
        "quadratic_tail": given.pairs[:, 1].tolist(),
    }
    energy = "E = offset + Σ h s + Σ J s s, s = -1 or +1: the signs of h and J are the other ones"
    rows = convention(energy, netlist)
    return Emitted({"model.bqm.json": (json.dumps(data, ensure_ascii=False) + "\n").encode("utf-8")}, rows)
