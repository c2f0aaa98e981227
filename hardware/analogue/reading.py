"""A netlist of modes from its JSON text, with everything in it checked: what is wrong is said with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from ppl.hardware.analogue.dynamics import DRIVEN, Dynamics, Overdamped, Regulator, Underdamped
from ppl.hardware.analogue.law import BINARY, TERNARY, UNARY, Law, Step
from ppl.hardware.analogue.modes import Floats, Modes, Reading
from ppl.hardware.analogue.writing import KIND
from ppl.hardware.netlist.reading import Entry, claim, contents, placed

# A dense matrix of them takes 8 bytes for each pair.
MOST_MODES = 20_000
# Of constants that JSON has no numbers for.
_WORDS = ("inf", "-inf", "nan")
_ARGUMENTS = {name: count for count, names in enumerate((UNARY, BINARY, TERNARY), 1) for name in names}


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
    readings = tuple(_reading(one) for one in entry.of("readings").each())
    source = entry.of("source").value
    return Modes(
        name=entry.of("name").text(),
        names=names,
        precision=_precision(entry.of("precision"), size),
        bias=_row(entry.of("biases"), size),
        offset=entry.of("offset").number(),
        force=None if force is None else _law(force, size, size),
        energy=None if energy is None else _law(energy, size, 1),
        readings=readings,
        readout=_law(entry.of("readout"), size, sum(one.size for one in readings)),
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


def _reading(entry: Entry) -> Reading:
    dims = tuple(one.text() for one in entry.of("dims").each())
    shape = tuple(one.whole() for one in entry.of("shape").each())
    if len(dims) != len(shape):
        raise entry.wrong("has dims and a shape of different lengths")
    return Reading(entry.of("name").text(), dims, shape)


def _law(entry: Entry, inputs: int, outputs: int) -> Law:
    if entry.of("inputs").whole() != inputs:
        raise entry.of("inputs").wrong(f"is {entry.value['inputs']}, but there are {inputs} units")
    steps = entry.of("steps").each()
    made = tuple(_step(one, inputs + number) for number, one in enumerate(steps))
    ends = tuple(_node(one, inputs + len(made)) for one in entry.of("outputs").each())
    if len(ends) != outputs:
        raise entry.of("outputs").wrong(f"has {len(ends)} nodes, but it takes {outputs}")
    return Law(inputs, made, ends)


def _step(entry: Entry, node: int) -> Step:
    parts = entry.each()
    if not parts:
        raise entry.wrong("is empty")
    operation: str = parts[0].one_of(("combine", *_ARGUMENTS))
    if operation != "combine":
        if len(parts) != 1 + _ARGUMENTS[operation]:
            raise entry.wrong(f"has {len(parts) - 1} arguments, but `{operation}` takes {_ARGUMENTS[operation]}")
        return Step(operation, tuple(_node(one, node) for one in parts[1:]))
    if len(parts) != 4:
        raise entry.wrong("needs a constant, nodes and weights")
    arguments = tuple(_node(one, node) for one in parts[2].each())
    weights = parts[3].numbers(1).tolist()
    if len(arguments) != len(weights):
        raise entry.wrong("needs one weight for each node")
    value = float(parts[1].value) if parts[1].value in _WORDS else parts[1].number()
    return Step("combine", arguments, tuple(weights), value)


def _node(entry: Entry, before: int) -> int:
    node = entry.whole()
    if node >= before:
        raise entry.wrong(f"is {node}, but only nodes before {before} are there")
    return node
