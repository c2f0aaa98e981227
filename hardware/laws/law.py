"""Functions of the values of units, as scalar operations: what a netlist can carry, simulators run and circuits do.

Nodes are numbered: the inputs, then one for each step, whose arguments come before it. `combine` is a weighted sum with
a constant, value + Σ weights · arguments, so that what is linear is one step however long it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# By their numbers of arguments, besides `combine`.
UNARY = (
    "exp",
    "expm1",
    "log",
    "log1p",
    "sqrt",
    "tanh",
    "sin",
    "cos",
    "abs",
    "sign",
    "floor",
    "erf",
    "lgamma",
    "digamma",
)
# `less` and those like it are 1 where they hold, else 0.
BINARY = ("multiply", "divide", "power", "max", "min", "less", "less_equal", "equal")
# select(p, a, b): b where p is not 0, else a.
TERNARY = ("select",)


@dataclass(frozen=True)
class Step:
    """weights, value: of `combine` alone."""

    operation: str
    arguments: tuple[int, ...]
    weights: tuple[float, ...] = ()
    value: float = 0.0


@dataclass(frozen=True)
class Law:
    """From `inputs` numbers to the nodes that `outputs` names."""

    inputs: int
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return self.inputs + len(self.steps)


class Builder:
    """Makes steps, each once, and none for what is constant or changes nothing."""

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.steps: list[Step] = []
        self._known: dict[Step, int] = {}

    def constant(self, value: float) -> int:
        return self._step(Step("combine", (), (), float(value)))

    def value(self, node: int) -> float | None:
        """Of a constant."""
        step = self.step(node)
        return step.value if step is not None and step.operation == "combine" and not step.arguments else None

    def step(self, node: int) -> Step | None:
        """What makes a node, None of inputs."""
        return None if node < self.inputs else self.steps[node - self.inputs]

    def combine(self, terms: Iterable[tuple[float, int]], value: float = 0.0) -> int:
        """value + Σ weight · node. What is itself such a sum of one term is taken apart."""
        found: dict[int, float] = {}
        for weight, node in terms:
            step = self.step(node)
            if step is not None and step.operation == "combine" and len(step.arguments) <= 1:
                value += weight * step.value
                if not step.arguments:
                    continue
                weight, node = weight * step.weights[0], step.arguments[0]
            found[node] = found.get(node, 0.0) + weight
        found = {node: weight for node, weight in found.items() if weight != 0}
        if value == 0 and list(found.values()) == [1.0]:
            return next(iter(found))
        return self._step(Step("combine", tuple(found), tuple(found.values()), value))

    def apply(self, operation: str, *arguments: int) -> int:
        """Any other operation. Of constants it is one."""
        known = [self.value(node) for node in arguments]
        if operation == "multiply":
            for at, factor in enumerate(known):
                if factor is not None:
                    return self.combine([(factor, arguments[1 - at])])
            arguments = tuple(sorted(arguments))
        if operation == "divide" and known[1] is not None and known[1] != 0:
            return self.combine([(1 / known[1], arguments[0])])
        if operation == "power" and known[1] in (1.0, 2.0):
            return arguments[0] if known[1] == 1 else self.apply("multiply", arguments[0], arguments[0])
        if operation == "select" and known[0] is not None:
            return arguments[2] if known[0] else arguments[1]
        if operation == "select" and arguments[1] == arguments[2]:
            return arguments[1]
        return self._step(Step(operation, arguments))

    def law(self, outputs: Sequence[int]) -> Law:
        """With the steps that outputs need, and no others."""
        needed: set[int] = set()
        open_nodes = [node for node in outputs if node >= self.inputs]
        while open_nodes:
            node = open_nodes.pop()
            if node not in needed:
                needed.add(node)
                open_nodes += [one for one in self.steps[node - self.inputs].arguments if one >= self.inputs]
        place = {node: node for node in range(self.inputs)}
        steps: list[Step] = []
        for node in sorted(needed):
            place[node] = self.inputs + len(steps)
            step = self.steps[node - self.inputs]
            steps.append(Step(step.operation, tuple(place[one] for one in step.arguments), step.weights, step.value))
        return Law(self.inputs, tuple(steps), tuple(place[node] for node in outputs))

    def _step(self, step: Step) -> int:
        if step not in self._known:
            self._known[step] = self.inputs + len(self.steps)
            self.steps.append(step)
        return self._known[step]
