"""Formulas as plain text, with the signs of mathematics that Unicode has."""

from __future__ import annotations

from ppl.compiler.explain.domains import Domain, Membership
from ppl.compiler.explain.formula import (
    ATOM,
    BIG,
    LOOSEST,
    OR,
    SIGN,
    SUM,
    Big,
    Call,
    Cases,
    Formula,
    Index,
    Indexed,
    Number,
    Operation,
    Prefix,
    Quoted,
    Symbol,
    Truth,
    Tuple,
    Whole,
    body_strength,
    sides,
    strength,
)
from ppl.compiler.explain.joint import Equation, Joint
from ppl.compiler.explain.names import in_text

_OPERATORS = {"*": "·", "@": " ", "-": "−", "<=": "≤", ">=": "≥", "==": "=", "!=": "≠", "%": "mod", "//": "div"}
_BIG = {"sum": "∑", "prod": "∏"}
_POWERS = {2: "²", 3: "³"}


def formula_text(formula: Formula, least: int = LOOSEST) -> str:
    """On one line; in brackets if it holds together less than `least`."""
    text = _plain(formula)
    return f"({text})" if strength(formula) < least else text


def _plain(formula: Formula) -> str:
    match formula:
        case Number(value=bool() as value):
            return "true" if value else "false"
        case Number(value=value):
            return f"{value:.10g}".replace("-", "−")
        case Symbol(name=name):
            return in_text(name)
        case Whole():
            return _range(formula.start, formula.stop) if formula != Whole() else "·"
        case Quoted(text=text):
            return f'"{text}"'
        case Indexed(base=base, indices=indices):
            return f"{formula_text(base, ATOM)}[{', '.join(formula_text(i) for i in indices)}]"
        case Big(operator="array"):
            return f"[{formula_text(formula.body)} for {_over(formula)}]"
        case Big():
            body = formula_text(formula.body, body_strength(formula))
            return f"{_BIG.get(formula.operator, formula.operator)}_{_subscript(formula)} {body}"
        case Operation(operator="^", left=left, right=Number(value=value)) if value in _POWERS:
            return formula_text(left, ATOM) + _POWERS[int(value)]
        case Operation(operator="^", left=left, right=right):
            return f"{formula_text(left, ATOM)}^{formula_text(right, ATOM)}"
        case Operation(operator=operator, left=left, right=right):
            before, after = sides(formula)
            sign = _OPERATORS.get(operator, operator)
            return f"{formula_text(left, before)} {sign} {formula_text(right, after)}".replace("   ", " ")
        case Prefix(operator=operator, operand=operand):
            return f"not {formula_text(operand, SUM)}" if operator == "not" else f"−{formula_text(operand, SIGN)}"
        case Call(function="abs", arguments=(x,)):
            return f"|{formula_text(x)}|"
        case Call():
            return _call(formula)
        case Cases(condition=condition, yes=yes, no=no):
            return f"{formula_text(yes, SUM)} if {formula_text(condition, OR)} else {formula_text(no)}"
        case Truth(condition=condition):
            return f"[{formula_text(condition)}]"
        case Tuple(items=items, labels=None):
            return f"({', '.join(formula_text(i) for i in items)})"
        case Tuple(items=items, labels=labels):
            assert labels is not None
            return f"({', '.join(f'{n} = {formula_text(i)}' for n, i in zip(labels, items, strict=True))})"


def _call(call: Call) -> str:
    arguments = [formula_text(a) for a in call.arguments]
    arguments += [f"{in_text(name)} = {formula_text(a)}" for name, a in call.named]
    inside = ", ".join(arguments)
    if call.target is not None:
        inside = f"{formula_text(call.target)} | {inside}" if inside else formula_text(call.target)
    return f"{'√' if call.function == 'sqrt' else call.function}({inside})"


def _range(start: int, stop: int | None) -> str:
    return f"{start or ''}:{'' if stop is None else stop}"


def _member(index: Index) -> str:
    part = f"[{_range(index.start, index.stop)}]" if index.start or index.stop is not None else ""
    return in_text(index.name) if index.name == index.dim and not part else f"{in_text(index.name)} ∈ {index.dim}{part}"


def _over(big: Big) -> str:
    inside = ", ".join(_member(i) for i in big.indices)
    return inside if big.condition is None else f"{inside} if {formula_text(big.condition)}"


def _subscript(big: Big) -> str:
    inside = _over(big)
    return inside if inside.replace("′", "").isidentifier() else f"{{{inside}}}"


# --- domains -----------------------------------------------------------------------------------------


def domain_text(domain: Domain) -> str:
    """`in [0, 1]`, `increasing, > 0`, `simplex of 3`."""
    lower, upper = domain.lower, domain.upper
    if lower is not None and upper is not None:
        ends = f"{formula_text(lower)}, {formula_text(upper)}"
        between = f"in ({ends})" if domain.strict else f"in [{ends}]"
    elif lower is not None:
        between = f"{'>' if domain.strict else '≥'} {formula_text(lower, SUM)}"
    elif upper is not None:
        between = f"{'<' if domain.strict else '≤'} {formula_text(upper, SUM)}"
    else:
        between = ""
    return ", ".join(part for part in (domain.words, between) if part)


def _membership(member: Membership) -> str:
    words = member.domain.words
    return f"{formula_text(member.left)}{':' if words else ''} {domain_text(member.domain)}"


# --- whole statements --------------------------------------------------------------------------------


def equation_text(equation: Equation) -> str:
    """`left = right  for ...`."""
    named = [i for i in equation.indices if _member(i) != in_text(i.dim) or i.name != i.dim]
    condition = "" if equation.condition is None else f" if {formula_text(equation.condition)}"
    over = f"  for {', '.join(_member(i) for i in named)}" if named else ""
    return f"{formula_text(equation.left)} = {formula_text(equation.right)}{over}{condition}"


def joint_text(joint: Joint) -> list[str]:
    """The joint density, a factor a line, and then what computed quantities are."""
    given = [in_text(n) for n in joint.given] + [equation_text(c) for c in joint.clamps]
    left = ", ".join(in_text(n) for n in joint.quantities) + (f" | {', '.join(given)}" if given else "")
    sign = "∝" if joint.proportional else "="
    lines = [f"p({left}) {sign}" + ("" if joint.factors else " 1")]
    lines += [f"  {'  ' if n == 0 else '· '}{formula_text(f, BIG)}" for n, f in enumerate(joint.factors)]
    if joint.flat or joint.values:
        lines.append("where")
        lines += [f"    {_membership(m)}" for m in joint.flat]
        lines += [f"    {equation_text(e)}" for e in joint.values]
    return lines
