"""Laws as expressions of ngspice's behavioural sources (ngspice manual 43, section 5.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ppl.errors import Diagnostic, PplError
from ppl.hardware.laws.law import Law, Step

# Natural logarithms are `ln`; what is compared chooses 1 or 0.
_FORMS = {
    "exp": "exp({})",
    "expm1": "(exp({})-1)",
    "log": "ln({})",
    "log1p": "ln(1+{})",
    "sqrt": "sqrt({})",
    "tanh": "tanh({})",
    "sin": "sin({})",
    "cos": "cos({})",
    "abs": "abs({})",
    "sign": "sgn({})",
    "floor": "floor({})",
    "multiply": "({}*{})",
    "divide": "({}/{})",
    "max": "max({},{})",
    "min": "min({},{})",
    "less": "({}<{} ? 1 : 0)",
    "less_equal": "({}<={} ? 1 : 0)",
    "equal": "({}=={} ? 1 : 0)",
    "select": "({0}!=0 ? {2} : {1})",
}
# erf(x) = sgn(x) (1 - (Σ a_k t^k) exp(-x²)), t = 1 / (1 + p |x|), within 1.5e-7 (Abramowitz & Stegun 1964, 7.1.26).
_P = 0.3275911
_ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
_LARGEST = 1e300
# Powers written as products, which have the right sign of bases below 0.
_PRODUCTS = 8


class Node(NamedTuple):
    """A voltage between; of: which node of the law it is."""

    name: str
    text: str
    of: int


class Sources(NamedTuple):
    """nodes: in order; outputs: expressions."""

    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]


def sources(law: Law, inputs: Sequence[str]) -> Sources:
    """inputs: expressions. A step that is used once stands where it is used, else it gets a node `f1`, `f2`, ...

    Raises:
        PplError: there is an operation that ngspice has no word for (E709).
    """
    uses = Counter(law.outputs)
    for step in law.steps:
        # What `erf` and `power` are of stands there several times.
        uses.update(step.arguments * (2 if step.operation in ("erf", "power") else 1))
    values = list(inputs)
    nodes: list[Node] = []
    for at, step in enumerate(law.steps):
        text = _expression(step, [values[node] for node in step.arguments], law)
        if uses[law.inputs + at] > 1 and step.arguments:
            nodes.append(Node(f"f{len(nodes) + 1}", text, law.inputs + at))
            text = f"v({nodes[-1].name})"
        values.append(text)
    return Sources(tuple(nodes), tuple(values[node] for node in law.outputs))


def number(value: float) -> str:
    """Every digit that it takes; in brackets below 0. Of infinities, which laws compare with, ngspice has none."""
    text = repr(max(-_LARGEST, min(float(value), _LARGEST)))
    return text if value >= 0 else f"({text})"


def weighted(terms: Sequence[tuple[float, str]], constant: float = 0.0) -> str:
    """constant + Σ weight · expression, in brackets where there are several."""
    parts = [number(constant)] if constant != 0 or not terms else []
    parts += [text if weight == 1 else f"{number(weight)}*{text}" for weight, text in terms]
    return parts[0] if len(parts) == 1 and not terms else f"({'+'.join(parts)})"


def _expression(step: Step, arguments: list[str], law: Law) -> str:
    if step.operation == "combine":
        return weighted(list(zip(step.weights, arguments, strict=True)), step.value)
    if step.operation == "erf":
        (x,) = arguments
        t = f"(1/(1+{_P}*abs({x})))"
        series = number(_ERF[-1])
        for coefficient in reversed(_ERF[:-1]):
            series = f"({number(coefficient)}+{t}*{series})"
        return f"(sgn({x})*(1-{t}*{series}*exp(-({x}*{x}))))"
    if step.operation == "power":
        return _power(step, arguments, law)
    if step.operation not in _FORMS:
        title = f"the target `spice` has no words for `{step.operation}`"
        hints = ("other engines sample the model: `ppl sample`; `ppl simulate` runs its modes in software",)
        raise PplError([Diagnostic("E709", title, hints=hints)])
    return _FORMS[step.operation].format(*arguments)


def _power(step: Step, arguments: list[str], law: Law) -> str:
    base, exponent = arguments
    made = law.steps[step.arguments[1] - law.inputs] if step.arguments[1] >= law.inputs else None
    if made is not None and made.operation == "combine" and not made.arguments and made.value == int(made.value):
        count = int(abs(made.value))
        if 0 < count <= _PRODUCTS:
            product = "*".join([base] * count)
            return f"({product})" if made.value > 0 else f"(1/({product}))"
    return f"exp({exponent}*ln({base}))"
