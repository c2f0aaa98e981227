"""Calls recognised as distributions, and their arguments matched with parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ppl.catalogue.combinators import COMBINATORS
from ppl.catalogue.distributions import DISTRIBUTIONS, DistributionSpec
from ppl.catalogue.functions import BUILDERS, CALLED
from ppl.compiler.check.calls import is_distribution, look_at
from ppl.compiler.check.combining import flaw
from ppl.compiler.check.heads import Head
from ppl.compiler.check.names import distribution_hint, keyword_hint, parameter_hint, signature
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import Scope
from ppl.grammar import nodes as syntax
from ppl.grammar.checks import parts
from ppl.source import Span


def head(scope: Scope, node: syntax.Expr) -> Head:
    """Recognises the distribution of a tree. Reports what is not one."""
    call = _call(scope, node)
    name = call.function.id
    if name not in COMBINATORS:
        spec = _spec(scope, call)
        return Head(call, "", (), spec, spec.event_rank)
    arguments = _distributions(scope, call)
    parts = tuple(head(scope, argument.value) for argument in arguments)
    dims = _dims(scope, call, arguments) if name == "zerosum" else ()
    rank = max(1, len(dims)) if name in ("ordered", "zerosum") else parts[0].event_rank
    found = Head(call, name, parts, parts[0].spec, rank, dims)
    wrong = flaw(found)
    if wrong is not None:
        part, label, hint = wrong
        raise scope.report.fail("E202", part.call.span, label, hint)
    return found


def _distributions(scope: Scope, call: syntax.Call) -> list[syntax.Argument]:
    """The arguments of a combinator that are to be distributions."""
    name = call.function.id
    spec = COMBINATORS[name]
    written = {a.name.id for a in call.arguments if a.name is not None}
    plain = [a for a in call.arguments if a.name is None or a.name.id in ("d", "base")]
    for leading in spec.leading:
        if leading in written:
            continue
        if plain and _calls_distribution(plain[0].value):
            raise scope.report.fail(
                "E202", plain[0].span, f"`{name}` takes {_LEADING[leading]} first", f"`{spec.signature}`"
            )
        plain = plain[1:]
    if not plain:
        where = "a distribution first" if not spec.leading else "a distribution"
        raise scope.report.fail("E202", call.span, f"`{name}` takes {where}", _meaning(name))
    return plain if name == "mixture" else plain[:1]


_LEADING = {"weights": "the weights", "probability": "the probability of a zero"}


def _calls_distribution(node: syntax.Expr) -> bool:
    return isinstance(node, syntax.Call) and is_distribution(node.function.id)


def _dims(scope: Scope, call: syntax.Call, parts: list[syntax.Argument]) -> tuple[str, ...]:
    """The dims along which `zerosum` sums to zero, where they are named."""
    found = []
    for argument in call.arguments:
        if any(argument is part for part in parts):
            continue
        value = argument.value
        if argument.name is not None or not isinstance(value, syntax.Name) or value.id not in scope.names.dims:
            raise scope.report.fail(
                "E202", argument.span, "`zerosum` does not take this", "after the distribution it takes names of dims"
            )
        found.append(value.id)
    if len(found) > 2:
        raise scope.report.fail("E202", call.span, "`zerosum` takes one dim or two", "draw the others apart")
    return tuple(found)


def _meaning(name: str) -> str:
    return f"{COMBINATORS[name].signature}: {COMBINATORS[name].meaning}"


def _call(scope: Scope, node: syntax.Expr) -> syntax.Call:
    if isinstance(node, syntax.Name) and (node.id in DISTRIBUTIONS or node.id in COMBINATORS):
        raise scope.report.fail("E202", node.span, "its parameters are missing", f"`{signature(node.id)}`")
    if not isinstance(node, syntax.Call):
        raise _formula(scope, node)
    if node.loop is not None:
        raise scope.report.fail(
            "E205", node.span, "this is a sum or its like, not a distribution", "a formula is written with `=`"
        )
    return node


def _formula(scope: Scope, node: syntax.Expr) -> Abandon:
    """`mu ~ 2 * Normal(0, 1) + 1`: a formula where a distribution belongs."""
    report = scope.report
    inside = next((part for part in _parts(node) if _calls_distribution(part)), None)
    if inside is None:
        hint = "`~` draws from a distribution; a formula is written with `=`"
        return report.fail("E205", node.span, "this is no distribution", hint)
    words = {part.id for part in _parts(node) if isinstance(part, syntax.Name)}
    name = next(n for n in ("x", "z", "draw") if n not in words)
    before = report.text(Span(node.span.start, inside.span.start))
    after = report.text(Span(inside.span.end, node.span.end))
    formula = f"{before} {name} {after}".strip()
    return report.fail(
        "E205",
        inside.span,
        "a distribution is not a number to compute with",
        f"draw first, `{name} ~ {report.text(inside.span)}`, and compute with it: `{formula}`",
        "of data, what is added to the noise is its mean: `y ~ Normal(a + b * x, sigma)`",
    )


def _parts(node: syntax.Expr) -> Iterator[syntax.Expr]:
    """An expression of the text and all inside it, outermost first."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(p for p in parts(part) if p is not None and not isinstance(p, syntax.Slice))


def _spec(scope: Scope, call: syntax.Call) -> DistributionSpec:
    name = call.function.id
    if name in DISTRIBUTIONS:
        return DISTRIBUTIONS[name]
    hint = distribution_hint(name)
    is_function = name in scope.names.functions or name in CALLED or name in BUILDERS
    if is_function and not hint.startswith("here it is called"):
        raise scope.report.fail(
            "E205", call.function.span, f"`{name}` is a function, not a distribution", "a formula is written with `=`"
        )
    raise scope.report.fail("E201", call.function.span, f"there is no distribution `{name}`", hint)


# --- arguments ----------------------------------------------------------------------------------------


def own_arguments(scope: Scope, found: Head) -> dict[str, syntax.Expr] | None:
    """The numbers that a combinator takes, by parameter; None if they are wrong."""
    if found.combinator in ("", "zerosum"):
        return {}
    allowed = COMBINATORS[found.combinator].numbers
    given: dict[str, syntax.Expr] = {}
    ok = True
    inside = [part.call for part in found.parts]
    for n, argument in enumerate(a for a in found.call.arguments if not any(a.value is call for call in inside)):
        name = argument.name.id if argument.name is not None else allowed[n] if n < len(allowed) else ""
        if name not in allowed or name in given:
            hint = keyword_hint(name, allowed) or _meaning(found.combinator)
            scope.report.error("E202", argument.span, f"`{found.combinator}` does not take this", hint)
            ok = False
        else:
            given[name] = argument.value
    if ok and found.combinator in ("truncated", "censored") and not given:
        scope.report.error("E202", found.call.span, "neither `lower` nor `upper` is given", _meaning(found.combinator))
        ok = False
    return given if ok else None


def _too_many(scope: Scope, call: syntax.Call, spec: DistributionSpec, positional: Sequence[str]) -> None:
    """Reports more arguments than a distribution has parameters: `HalfCauchy(0, 5)`, as elsewhere with a location."""
    first = call.arguments[0]
    at_zero = isinstance(first.value, syntax.Number) and first.value.value == 0
    if at_zero and spec.name.startswith("Half") and len(call.arguments) == len(positional) + 1:
        rest = ", ".join(scope.report.text(a.span) for a in call.arguments[1:])
        label = f"`{spec.name}` has no location: it begins at 0"
        scope.report.error("E202", first.span, label, f"write `{spec.name}({rest})`")
        return
    few = f"{len(positional)} parameter" + ("" if len(positional) == 1 else "s")
    span = call.arguments[len(positional)].span
    scope.report.error("E202", span, f"`{spec.name}` takes {few}", f"`{signature(spec.name)}`")


def matched(scope: Scope, call: syntax.Call, spec: DistributionSpec) -> dict[str, syntax.Expr | None]:
    """Arguments by parameter; None stands for the default. Reports every mismatch, then abandons."""
    alternatives = {name: group for group in spec.one_of for name in group}
    every = [p.name for p in spec.parameters]
    positional = [n for n in every if n not in alternatives or alternatives[n][0] == n]
    given: dict[str, syntax.Expr | None] = {}
    failed = False
    for n, argument in enumerate(call.arguments):
        if argument.name is None:
            if n >= len(positional):
                _too_many(scope, call, spec, positional)
                failed = True
                break
            name = positional[n]
        else:
            name = argument.name.id
            if name not in every:
                hint = parameter_hint(spec.name, name, (p for p in every if p not in given))
                scope.report.error("E202", argument.name.span, f"`{spec.name}` has no parameter `{name}`", hint)
                failed = True
                continue
        clash = next((g for g in alternatives.get(name, (name,)) if g in given), None)
        if clash is not None:
            label = f"`{name}` is given twice" if clash == name else f"`{clash}` is given already"
            scope.report.error("E202", argument.span, label, f"`{signature(spec.name)}`")
            failed = True
            continue
        given[name] = argument.value
    if not failed:
        for p in spec.parameters:
            if p.name in given or (p.name in alternatives and any(g in given for g in alternatives[p.name])):
                continue
            if p.default is not None:
                given[p.name] = None
            elif p.name not in alternatives or alternatives[p.name][0] == p.name:
                missing = " or ".join(f"`{n}`" for n in alternatives.get(p.name, (p.name,)))
                scope.report.error("E202", call.span, f"{missing} is missing", f"`{signature(spec.name)}`")
                failed = True
    if failed:
        look_at(scope, call)
        raise Abandon
    return given
