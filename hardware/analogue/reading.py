"""A netlist of modes from its JSON text, with everything in it checked: what is wrong is said with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from ppl.hardware.analogue.dynamics import DRIVEN, Dynamics, Overdamped, Regulator, Underdamped
from ppl.hardware.analogue.modes import Floats, Modes
from ppl.hardware.analogue.writing import KIND
from ppl.hardware.laws.files import read_law, read_readout
from ppl.hardware.netlist.entry import Entry
from ppl.hardware.netlist.reading import claim, contents, placed

# A dense matrix of them takes 8 bytes for each pair.
MOST_MODES = 20_000


def from_text(text: str, name: str) -> Modes:
    """name: of the file, for messages.

    Raises:
        PplError: it is no netlist (E702), one of a newer version (E703), or contradicts itself (E704).
    """
    return from_data(contents(text, name), name)


def from_data(data: Mapping[str, Any], name: str) -> Modes:
    """From the contents of a netlist.

    Raises:
        PplError: it contradicts itself (E704).
    """
    with placed(name):
        return _modes(Entry(data, ""))


def is_of_modes(data: Mapping[str, Any]) -> bool:
    """Whether the contents of a netlist are those of modes."""
    return data.get("kind") == KIND


def _modes(entry: Entry) -> Modes:
    entry.of("kind").one_of((KIND,))
    names = _names(entry.of("units"))
    size = len(names)
    dynamics, regulator = entry.maybe("dynamics"), entry.maybe("regulator")
    force, energy = entry.maybe("force"), entry.maybe("energy")
    if (force is None) != (energy is None):
        raise entry.wrong("needs `force` and `energy`, or neither")
    source = entry.of("source").value
    return Modes(
        name=entry.of("name").text(),
        names=names,
        precision=_precision(entry.of("precision"), size),
        bias=_row(entry.of("biases"), size),
        offset=entry.of("offset").number(),
        force=None if force is None else read_law(force, size, size),
        energy=None if energy is None else read_law(energy, size, 1),
        readout=read_readout(entry.of("readout"), size),
        dynamics=None if dynamics is None else _dynamics(dynamics, size),
        regulator=None if regulator is None else _regulator(regulator),
        provenance=tuple(claim(one) for one in entry.of("provenance").each()),
        source=dict(source) if isinstance(source, Mapping) else {},
    )


def _names(entry: Entry) -> tuple[str, ...]:
    units = entry.each()
    if not 0 < len(units) <= MOST_MODES:
        raise entry.wrong(f"has {len(units)} units, but it takes 1 to {MOST_MODES}")
    for unit in units:
        unit.of("kind").one_of(("smode",))
    names = tuple(unit.of("name").text() for unit in units)
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise entry.wrong(f"has {count} units that are called `{name}`")
    return names


def _row(entry: Entry, size: int) -> Floats:
    row = entry.numbers(1)
    if len(row) != size:
        raise entry.wrong(f"has {len(row)} elements, but there are {size} units")
    return row


def _above(entry: Entry) -> float:
    value = entry.number()
    if value <= 0:
        raise entry.wrong(f"is {value:g}, but it takes a number above 0")
    return value


def _precision(entry: Entry, size: int) -> Floats:
    matrix = np.zeros((size, size))
    for one in entry.each():
        row, columns, values = one.of("row").whole(), one.of("columns").integers(1), one.of("values").numbers(1)
        if row >= size or (columns < row).any() or (columns >= size).any():
            raise one.wrong(f"has a place that is not on or above the diagonal of {size} units")
        if len(columns) != len(values) or len(np.unique(columns)) != len(columns):
            raise one.wrong("needs one value for each column")
        matrix[row, columns] = values
    return matrix + np.triu(matrix, 1).T


def _dynamics(entry: Entry, size: int) -> Dynamics:
    overdamped = entry.of("kind").one_of(("overdamped", "underdamped")) == "overdamped"
    place = entry.of("mobility" if overdamped else "mass")
    row = _row(place, size)
    if (row <= 0).any():
        raise place.wrong("has an element that is not above 0")
    return Overdamped(row) if overdamped else Underdamped(row, _above(entry.of("friction")))


def _regulator(entry: Entry) -> Regulator:
    latency = entry.of("latency")
    if latency.number() < 0:
        raise latency.wrong("is below 0")
    return Regulator(_above(entry.of("period")), latency.number(), entry.of("driven").one_of(DRIVEN))
