"""A netlist of modes as JSON text: the same text for the same netlist."""

from __future__ import annotations

from typing import Any

import numpy as np

from ppl.hardware.analogue.dynamics import Dynamics, Overdamped
from ppl.hardware.analogue.modes import Floats, Modes
from ppl.hardware.laws.files import law_data, readout_data
from ppl.hardware.netlist.writing import FORMAT, VERSION, claims, printed

KIND = "modes"


def to_text(modes: Modes) -> str:
    """Ends with a newline."""
    return printed(to_data(modes))


def to_data(modes: Modes) -> dict[str, Any]:
    """What the text says, as mappings, lists, strings and numbers. What there is none of is left out."""
    data = {
        "format": FORMAT,
        "version": VERSION,
        "kind": KIND,
        "name": modes.name,
        "source": dict(modes.source),
        "units": [{"name": name, "kind": "smode"} for name in modes.names],
        "dynamics": None if modes.dynamics is None else _dynamics(modes.dynamics),
        "regulator": None if modes.regulator is None else dict(vars(modes.regulator)),
        "offset": modes.offset,
        "biases": modes.bias.tolist(),
        "precision": _rows(modes.precision),
        "force": None if modes.force is None else law_data(modes.force),
        "energy": None if modes.energy is None else law_data(modes.energy),
        "readout": readout_data(modes.readout),
        "provenance": claims(modes.provenance),
    }
    return {name: value for name, value in data.items() if value is not None}


def _dynamics(dynamics: Dynamics) -> dict[str, Any]:
    if isinstance(dynamics, Overdamped):
        return {"kind": "overdamped", "mobility": dynamics.mobility.tolist()}
    return {"kind": "underdamped", "mass": dynamics.mass.tolist(), "friction": dynamics.friction}


def _rows(matrix: Floats) -> list[dict[str, Any]]:
    """Of a symmetric matrix, in each row what is not 0 from the diagonal on."""
    found = []
    for number, row in enumerate(np.triu(matrix)):
        columns = np.flatnonzero(row)
        found.append({"row": number, "columns": columns.tolist(), "values": row[columns].tolist()})
    return [one for one in found if one["columns"]]
