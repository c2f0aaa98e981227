r"""Formulas as LaTeX: the joint density is an `align*` of amsmath."""

from __future__ import annotations

from ppl.compiler.explain.domains import Membership
from ppl.compiler.explain.formula import (
    ATOM,
    BIG,
    LOOSEST,
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
from ppl.compiler.explain.names import in_latex, word

_OPERATORS = {
    "*": r"\cdot", "@": r"\,", "<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne", "%": r"\bmod",
    "and": r"\wedge", "or": r"\vee",
}  # fmt: skip
_KNOWN = {"exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min"}


def formula_latex(formula: Formula, least: int = LOOSEST) -> str:
    """In math mode; in brackets if it holds together less than `least`."""
    latex = _plain(formula)
    # A fraction and the cases of a choice show their own extent, but not what a power is of.
    own = isinstance(formula, Cases) or (isinstance(formula, Operation) and formula.operator in ("/", "//"))
    own = own and least < ATOM
    return rf"\left({latex}\right)" if strength(formula) < least and not own else latex


def _plain(formula: Formula) -> str:
    match formula:
        case Number(value=bool() as value):
            return word("true" if value else "false")
        case Number(value=value):
            return _number(value)
        case Symbol(name=name):
            return _symbol(name, ())
        case Whole():
            return _range(formula.start, formula.stop) if formula != Whole() else r"\cdot"
        case Quoted(text=text):
            return word(text)
        case Indexed(base=Symbol(name=name), indices=indices):
            return _symbol(name, indices)
        case Indexed(base=base, indices=indices):
            return rf"\left({formula_latex(base)}\right)_{{{_row(indices)}}}"
        case Big(operator="array"):
            return rf"\left[{formula_latex(formula.body)}\right]_{{{_over(formula)}}}"
        case Big(operator=operator):
            sign = rf"\{operator}" if operator in ("sum", "prod") else rf"\operatorname*{{{operator}}}"
            return rf"{sign}_{{{_over(formula)}}} {formula_latex(formula.body, body_strength(formula))}"
        case Operation(operator="^", left=left, right=right):
            return f"{{{formula_latex(left, ATOM)}}}^{{{formula_latex(right)}}}"
        case Operation(operator="/", left=left, right=right):
            return rf"\frac{{{formula_latex(left)}}}{{{formula_latex(right)}}}"
        case Operation(operator="//", left=left, right=right):
            return rf"\left\lfloor\frac{{{formula_latex(left)}}}{{{formula_latex(right)}}}\right\rfloor"
        case Operation(operator=operator, left=left, right=right):
            before, after = sides(formula)
            return f"{formula_latex(left, before)} {_OPERATORS.get(operator, operator)} {formula_latex(right, after)}"
        case Prefix(operator=operator, operand=operand):
            return rf"\neg {formula_latex(operand, SUM)}" if operator == "not" else f"-{formula_latex(operand, SIGN)}"
        case Call():
            return _call(formula)
        case Cases(condition=condition, yes=yes, no=no):
            rows = rf"{formula_latex(yes)} & \text{{if }} {formula_latex(condition)} \\ {formula_latex(no)}"
            return rf"\begin{{cases}} {rows} & \text{{otherwise}} \end{{cases}}"
        case Truth(condition=condition):
            return rf"\left[{formula_latex(condition)}\right]"
        case Tuple(items=items, labels=None):
            return rf"\left({_row(items)}\right)"
        case Tuple(items=items, labels=labels):
            assert labels is not None
            row = ", ".join(f"{word(n)} = {formula_latex(i)}" for n, i in zip(labels, items, strict=True))
            return rf"\left({row}\right)"


def _call(call: Call) -> str:
    match call:
        case Call("sqrt", (x,), (), None):
            return rf"\sqrt{{{formula_latex(x)}}}"
        case Call("abs", (x,), (), None):
            return rf"\left|{formula_latex(x)}\right|"
        case Call("transpose", (x,), (), None):
            return rf"{{{formula_latex(x, ATOM)}}}^{{\top}}"
        case Call("inverse", (x,), (), None):
            return rf"{{{formula_latex(x, ATOM)}}}^{{-1}}"
    arguments = [formula_latex(a) for a in call.arguments]
    arguments += [f"{word(name)} = {formula_latex(a)}" for name, a in call.named]
    inside = ", ".join(arguments)
    if call.target is not None:
        inside = rf"{formula_latex(call.target)} \mid {inside}" if inside else formula_latex(call.target)
    name = rf"\{call.function}" if call.function in _KNOWN else rf"\operatorname{{{_function(call.function)}}}"
    return rf"{name}\left({inside}\right)"


def _function(name: str) -> str:
    return name.replace("_", r"\_")


def _number(value: float) -> str:
    mantissa, _, exponent = f"{value:.10g}".partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def _symbol(name: str, indices: tuple[Formula, ...]) -> str:
    letter, tail = in_latex(name)
    inside = ", ".join([*([tail] if tail else []), *(formula_latex(i) for i in indices)])
    return f"{letter}_{{{inside}}}" if inside else letter


def _row(items: tuple[Formula, ...]) -> str:
    return ", ".join(formula_latex(i) for i in items)


def _range(start: int, stop: int | None) -> str:
    return f"{start or ''}{{:}}{'' if stop is None else stop}"


def _member(index: Index) -> str:
    part = f"[{_range(index.start, index.stop)}]" if index.start or index.stop is not None else ""
    name = _symbol(index.name, ())
    return name if index.name == index.dim and not part else rf"{name} \in {word(index.dim)}{part}"


def _over(big: Big) -> str:
    inside = ", ".join(_member(i) for i in big.indices)
    return inside if big.condition is None else rf"{inside} \,:\, {formula_latex(big.condition)}"


# --- whole statements --------------------------------------------------------------------------------


def _equation(equation: Equation) -> str:
    named = [_member(i) for i in equation.indices if i.name != i.dim or i.start or i.stop is not None]
    over = rf" \quad \text{{for }} {', '.join(named)}" if named else ""
    condition = "" if equation.condition is None else rf" \text{{ if }} {formula_latex(equation.condition)}"
    return f"{formula_latex(equation.left)} &= {formula_latex(equation.right)}{over}{condition}"


def _membership(member: Membership) -> str:
    left, domain = formula_latex(member.left), member.domain
    lower, upper = domain.lower, domain.upper
    if lower is not None and upper is not None:
        ends = f"{formula_latex(lower)}, {formula_latex(upper)}"
        between = rf"\in \left({ends}\right)" if domain.strict else rf"\in \left[{ends}\right]"
    elif lower is not None:
        between = (">" if domain.strict else r"\ge") + f" {formula_latex(lower, SUM)}"
    elif upper is not None:
        between = ("<" if domain.strict else r"\le") + f" {formula_latex(upper, SUM)}"
    else:
        return rf"{left} &: {word(domain.words)}"
    return rf"{left} &{between}" + (rf" \quad {word(f'({domain.words})')}" if domain.words else "")


def joint_latex(joint: Joint) -> str:
    """The joint density and what computed quantities are, as one `align*`, a factor a line."""
    given = [_symbol(n, ()) for n in joint.given] + [_equation(c).replace("&=", "=") for c in joint.clamps]
    left = ", ".join(_symbol(n, ()) for n in joint.quantities) + (rf" \mid {', '.join(given)}" if given else "")
    sign = r"\propto" if joint.proportional else "="
    rows = [rf"p\left({left}\right) &{sign}" + ("" if joint.factors else " 1")]
    for number, factor in enumerate(joint.factors):
        dot = "" if number == 0 else r"\cdot "
        rows.append(rf"&\quad {dot}{formula_latex(factor, BIG)}")
    rows += [_membership(m) for m in joint.flat] + [_equation(e) for e in joint.values]
    body = " \\\\\n".join("  " + row for row in rows)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}\n"
