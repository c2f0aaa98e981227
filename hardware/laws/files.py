"""Laws in the JSON of netlists: lists of steps, checked when they are read."""

from __future__ import annotations

import math
from typing import Any

from ppl.hardware.laws.law import BINARY, TERNARY, UNARY, Law, Step
from ppl.hardware.laws.readout import ELEMENTS, Reading, Readout
from ppl.hardware.netlist.entry import Entry

# Of constants that JSON has no numbers for.
_WORDS = ("inf", "-inf", "nan")
_ARGUMENTS = {name: count for count, names in enumerate((UNARY, BINARY, TERNARY), 1) for name in names}


def law_data(law: Law) -> dict[str, Any]:
    return {"inputs": law.inputs, "steps": [_step_data(one) for one in law.steps], "outputs": list(law.outputs)}


def _step_data(step: Step) -> list[Any]:
    """Its operation and the nodes it acts on; of a sum its constant, which may be a word (`inf`), its nodes and their
    weights."""
    if step.operation == "combine":
        value = step.value if math.isfinite(step.value) else str(step.value)
        return ["combine", value, list(step.arguments), list(step.weights)]
    return [step.operation, *step.arguments]


def readout_data(readout: Readout) -> dict[str, Any]:
    readings = [
        {"name": r.name, "dims": list(r.dims), "shape": list(r.shape), "element": r.element} for r in readout.readings
    ]
    return {"readings": readings, **law_data(readout.law)}


def read_readout(entry: Entry, inputs: int) -> Readout:
    """Raises Wrong."""
    found = tuple(_reading(one) for one in entry.of("readings").each())
    return Readout(found, read_law(entry, inputs, sum(one.size for one in found)))


def _reading(entry: Entry) -> Reading:
    dims = tuple(one.text() for one in entry.of("dims").each())
    shape = tuple(one.whole() for one in entry.of("shape").each())
    if len(dims) != len(shape):
        raise entry.wrong("has dims and a shape of different lengths")
    element = entry.of("element").one_of(tuple(sorted(set(ELEMENTS.values()))))
    return Reading(entry.of("name").text(), dims, shape, element)


def read_law(entry: Entry, inputs: int, outputs: int) -> Law:
    """Raises Wrong."""
    if entry.of("inputs").whole() != inputs:
        raise entry.of("inputs").wrong(f"is {entry.value['inputs']}, but there are {inputs} numbers to read")
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
