"""What of a law is linear: outputs as c + A x + the rest, by structure and therefore exactly.

Every node is a constant, a weighted sum of inputs, and a weighted sum of other steps, which no linear operation makes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ppl.hardware.laws.law import Builder, Law


class Split(NamedTuple):
    """outputs = constant + matrix @ inputs + rest. constant: (m,); matrix: (m, n); linear: whether rest is nothing."""

    constant: NDArray[np.float64]
    matrix: NDArray[np.float64]
    rest: Law
    linear: bool


@dataclass
class _Form:
    """atoms: by their nodes in the builder of the rest."""

    constant: float = 0.0
    inputs: dict[int, float] = field(default_factory=dict)
    atoms: dict[int, float] = field(default_factory=dict)

    def add(self, other: _Form, weight: float) -> None:
        self.constant += weight * other.constant
        for mine, its in ((self.inputs, other.inputs), (self.atoms, other.atoms)):
            for node, coefficient in its.items():
                mine[node] = mine.get(node, 0.0) + weight * coefficient


def split(law: Law) -> Split:
    """A law in its linear part and the rest."""
    builder = Builder(law.inputs)
    forms = [_Form(0.0, {node: 1.0}) for node in range(law.inputs)]

    def materialised(form: _Form) -> int:
        terms = [(w, node) for part in (form.inputs, form.atoms) for node, w in part.items()]
        return builder.combine(terms, form.constant)

    def expand(node: int, weight: float, into: _Form) -> None:
        made = builder.step(node)
        if made is None:
            into.inputs[node] = into.inputs.get(node, 0.0) + weight
        elif made.operation == "combine":
            into.constant += weight * made.value
            for w, one in zip(made.weights, made.arguments, strict=True):
                expand(one, weight * w, into)
        else:
            into.atoms[node] = into.atoms.get(node, 0.0) + weight

    for step in law.steps:
        form = _Form()
        if step.operation == "combine":
            form.constant = step.value
            for weight, node in zip(step.weights, step.arguments, strict=True):
                form.add(forms[node], weight)
        else:
            expand(builder.apply(step.operation, *(materialised(forms[one]) for one in step.arguments)), 1.0, form)
        forms.append(form)
    constant = np.array([forms[node].constant for node in law.outputs])
    matrix = np.zeros((len(law.outputs), law.inputs))
    rest = []
    for row, node in enumerate(law.outputs):
        for at, weight in forms[node].inputs.items():
            matrix[row, at] = weight
        rest.append(builder.combine([(w, atom) for atom, w in forms[node].atoms.items()]))
    left = builder.law(rest)
    return Split(constant, matrix, left, not left.steps or all(not s.arguments and s.value == 0 for s in left.steps))


def plus_linear(law: Law, weight: float, matrix: NDArray[np.float64]) -> Law:
    """weight · outputs + matrix @ inputs."""
    builder = Builder(law.inputs)
    place = list(range(law.inputs))
    for step in law.steps:
        arguments = tuple(place[one] for one in step.arguments)
        if step.operation == "combine":
            place.append(builder.combine(zip(step.weights, arguments, strict=True), step.value))
        else:
            place.append(builder.apply(step.operation, *arguments))
    outputs = []
    for row, node in zip(matrix, law.outputs, strict=True):
        linear = [(float(row[at]), int(at)) for at in np.flatnonzero(row)]
        outputs.append(builder.combine([(weight, place[node]), *linear]))
    return builder.law(outputs)
