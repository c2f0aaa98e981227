"""Calls recognised as distributions, and their arguments matched with parameters."""

from __future__ import annotations

from dataclasses import dataclass

from ppl.catalogue.distributions import DISTRIBUTIONS, DistributionSpec
from ppl.catalogue.functions import BUILDERS, CALLED
from ppl.compiler.check.calls import look_at
from ppl.compiler.check.names import (
    COMBINATORS,
    UNSUPPORTED_COMBINATORS,
    distribution_hint,
    keyword_hint,
    parameter_hint,
    signature,
)
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import Scope
from ppl.grammar import nodes as syntax


@dataclass(frozen=True)
class Head:
    """A call recognised as a distribution, before its parameters are looked at."""

    call: syntax.Call
    combinator: str
    base: syntax.Call
    spec: DistributionSpec

    @property
    def event_rank(self) -> int:
        """Of one draw: a vector of `ordered`, else as in the catalogue."""
        return 1 if self.combinator == "ordered" else self.spec.event_rank


def head(scope: Scope, node: syntax.Expr) -> Head:
    """Recognises the distribution of a tree. Reports what is not one."""
    call = _call(scope, node)
    name = call.function.id
    if name in COMBINATORS:
        arguments = [a for a in call.arguments if a.name is None or a.name.id in ("d", "base")]
        if not arguments:
            raise scope.report.fail("E202", call.span, f"`{name}` takes a distribution first", COMBINATORS[name])
        base = _call(scope, arguments[0].value)
        if base.function.id in COMBINATORS:
            raise scope.report.fail(
                "E202", base.span, f"`{name}` takes a distribution of the catalogue, not `{base.function.id}(...)`"
            )
        return _checked_combinator(scope, Head(call, name, base, _spec(scope, base)))
    return Head(call, "", call, _spec(scope, call))


def _call(scope: Scope, node: syntax.Expr) -> syntax.Call:
    if isinstance(node, syntax.Name) and (node.id in DISTRIBUTIONS or node.id in COMBINATORS):
        raise scope.report.fail("E202", node.span, "its parameters are missing", f"`{signature(node.id)}`")
    if not isinstance(node, syntax.Call):
        raise scope.report.fail(
            "E205", node.span, "this is no distribution", "`~` draws from a distribution; a formula is written with `=`"
        )
    if node.loop is not None:
        raise scope.report.fail(
            "E205", node.span, "this is a sum or its like, not a distribution", "a formula is written with `=`"
        )
    return node


def _spec(scope: Scope, call: syntax.Call) -> DistributionSpec:
    name = call.function.id
    if name in DISTRIBUTIONS:
        return DISTRIBUTIONS[name]
    if name in UNSUPPORTED_COMBINATORS:
        raise scope.report.fail(
            "E407", call.span, f"`{name}(...)` is for a later version", UNSUPPORTED_COMBINATORS[name]
        )
    hint = distribution_hint(name)
    is_function = name in scope.names.functions or name in CALLED or name in BUILDERS
    if is_function and not hint.startswith("here it is called"):
        raise scope.report.fail(
            "E205", call.function.span, f"`{name}` is a function, not a distribution", "a formula is written with `=`"
        )
    raise scope.report.fail("E201", call.function.span, f"there is no distribution `{name}`", hint)


def _checked_combinator(scope: Scope, found: Head) -> Head:
    spec = found.spec
    able, flaw, hint = {
        "truncated": (
            spec.truncatable,
            "cannot be truncated",
            "distributions of a single number whose distribution function is known can",
        ),
        "ordered": (
            spec.orderable,
            "cannot be put in order",
            "continuous distributions of a number on the real line or above 0 can",
        ),
    }[found.combinator]
    if not able:
        raise scope.report.fail("E202", found.base.span, f"`{spec.name}` {flaw}", hint)
    return found


# --- arguments ----------------------------------------------------------------------------------------


def combinator_arguments(scope: Scope, found: Head) -> dict[str, syntax.Expr] | None:
    """Bounds of `truncated`; None if they are wrong."""
    if found.combinator == "":
        return {}
    allowed = ["lower", "upper"] if found.combinator == "truncated" else []
    given: dict[str, syntax.Expr] = {}
    ok = True
    for n, argument in enumerate(a for a in found.call.arguments if a.value is not found.base):
        name = argument.name.id if argument.name is not None else allowed[n] if n < len(allowed) else ""
        if name not in allowed or name in given:
            hint = keyword_hint(name, allowed) or COMBINATORS[found.combinator]
            scope.report.error("E202", argument.span, f"`{found.combinator}` does not take this", hint)
            ok = False
        else:
            given[name] = argument.value
    if ok and found.combinator == "truncated" and not given:
        scope.report.error("E202", found.call.span, "neither `lower` nor `upper` is given", COMBINATORS["truncated"])
        ok = False
    return given if ok else None


def matched(scope: Scope, call: syntax.Call, spec: DistributionSpec) -> dict[str, syntax.Expr | None]:
    """Arguments by parameter; None stands for the default. Reports every mismatch, then abandons."""
    alternatives = {name: group for group in spec.one_of for name in group}
    every = [p.name for p in spec.parameters]
    positional = [n for n in every if n not in alternatives or alternatives[n][0] == n]
    shown = f"`{signature(spec.name)}`"
    given: dict[str, syntax.Expr | None] = {}
    failed = False
    for n, argument in enumerate(call.arguments):
        if argument.name is None:
            if n >= len(positional):
                few = f"{len(positional)} parameter" + ("" if len(positional) == 1 else "s")
                scope.report.error("E202", argument.span, f"`{spec.name}` takes {few}", shown)
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
            scope.report.error("E202", argument.span, label, shown)
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
                scope.report.error("E202", call.span, f"{missing} is missing", shown)
                failed = True
    if failed:
        look_at(scope, call)
        raise Abandon
    return given
