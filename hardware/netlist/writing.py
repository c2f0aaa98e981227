"""A netlist as JSON text: the same text for the same netlist, a row of an array on a line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ppl.hardware.laws.files import readout_data
from ppl.hardware.netlist.netlist import Bodies, Claim, Netlist, Patterns, Schedule, Tables, Variable

FORMAT = "ppl-netlist"
VERSION = 1


def to_text(netlist: Netlist) -> str:
    """Ends with a newline."""
    return printed(to_data(netlist))


def to_data(netlist: Netlist) -> dict[str, Any]:
    """What the text says, as mappings, lists, strings and numbers. What there is none of is left out."""
    units = [{"name": n, **_kind(int(k))} for n, k in zip(netlist.names, netlist.states, strict=True)]
    held = np.flatnonzero(netlist.clamped >= 0)
    couplings = [_bodies("pair", netlist.pairs)] if len(netlist.pairs.units) else []
    couplings += [_bodies("kbody", one) for one in netlist.bodies]
    couplings += [_table(one) for one in netlist.tables]
    data = {
        "format": FORMAT,
        "version": VERSION,
        "name": netlist.name,
        "source": dict(netlist.source),
        "units": units,
        "offset": _number(netlist.offset),
        "biases": _plain(netlist.bias),
        "couplings": couplings,
        "clamps": [{"unit": int(at), "state": int(netlist.clamped[at])} for at in held],
        "variables": [_variable(one) for one in netlist.variables],
        "invalid": [_patterns(one) for one in netlist.invalid] or None,
        "computed": None if netlist.computed is None else readout_data(netlist.computed),
        "schedule": None if netlist.schedule is None else _schedule(netlist.schedule),
        "precision": None if netlist.precision is None else dict(vars(netlist.precision)),
        "budget": netlist.budget,
        "provenance": claims(netlist.provenance),
    }
    return {name: value for name, value in data.items() if value is not None}


def claims(provenance: Sequence[Claim]) -> list[dict[str, Any]]:
    return [{"pass": claim.name, "claim": claim.said, "kl": claim.kl} for claim in provenance]


def _kind(states: int) -> dict[str, Any]:
    return {"kind": "pbit"} if states == 2 else {"kind": "pdit", "states": states}


def _bodies(kind: str, bodies: Bodies) -> dict[str, Any]:
    return {"kind": kind, "units": _plain(bodies.units), "coupling": _plain(bodies.coupling)}


def _table(tables: Tables) -> dict[str, Any]:
    return {"kind": "table", "units": _plain(tables.units), "energy": _plain(tables.energy)}


def _patterns(patterns: Patterns) -> dict[str, Any]:
    return {"units": _plain(patterns.units), "states": _plain(patterns.states)}


def _variable(variable: Variable) -> dict[str, Any]:
    data = {
        "name": variable.name,
        "dims": list(variable.dims),
        "shape": list(variable.shape),
        "element": variable.element,
        "values": _plain(variable.values),
        "encoding": variable.encoding,
        "units": _plain(variable.units),
        "fixed": _plain(variable.fixed),
        "strength": variable.strength,
    }
    return {name: value for name, value in data.items() if value is not None}


def _schedule(schedule: Schedule) -> dict[str, Any]:
    return {
        "discipline": schedule.discipline,
        "colours": _plain(schedule.colours),
        "betas": _plain(schedule.betas),
        "burn_in": schedule.burn_in,
        "thin": schedule.thin,
    }


def _plain(array: np.ndarray[Any, Any]) -> Any:
    """Nested lists; infinities as words, which JSON has no numbers for."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return [_plain(row) for row in array] if array.ndim > 1 else [_number(float(x)) for x in array]
    return array.tolist()


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


# --- text --------------------------------------------------------------------------------------------


def printed(data: Mapping[str, Any]) -> str:
    """What such data are as text."""
    return "\n".join(_lines(data, "")) + "\n"


def _lines(value: Any, indent: str, before: str = "", after: str = "") -> Iterator[str]:
    """A mapping or a list of some on lines of their own; what has none inside on one line, unless it is long."""
    inner = indent + "  "
    if isinstance(value, Mapping) and value and not _short(value):
        yield f"{indent}{before}{{"
        for i, (name, one) in enumerate(value.items()):
            yield from _lines(one, inner, f"{json.dumps(name)}: ", "," if i < len(value) - 1 else "")
        yield f"{indent}}}{after}"
    elif isinstance(value, list) and any(isinstance(one, Mapping | list) for one in value) and not _short(value):
        yield f"{indent}{before}["
        for i, one in enumerate(value):
            yield from _lines(one, inner, "", "," if i < len(value) - 1 else "")
        yield f"{indent}]{after}"
    else:
        yield f"{indent}{before}{json.dumps(value, ensure_ascii=False)}{after}"


def _short(value: Any) -> bool:
    """Whether it has no more than one level, or few numbers."""
    if isinstance(value, Mapping):
        return not any(isinstance(one, Mapping | list) for one in value.values()) and len(value) <= 4
    return not any(isinstance(one, Mapping) for one in value) and len(json.dumps(value[:40])) < 60 and len(value) <= 40
