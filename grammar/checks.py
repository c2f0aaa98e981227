"""What a parsed statement must satisfy that a grammar cannot say: depth, and slips that happen to parse."""

from __future__ import annotations

from collections.abc import Iterator

from ppl.errors import Diagnostic
from ppl.grammar import limits, messages, nodes
from ppl.source import Source, Span

# BUGS and JAGS distributions and what they are called here. Their spread is a precision.
BUGS = {
    "dnorm": "Normal(mean, scale)",
    "dlnorm": "LogNormal(mean, scale)",
    "dt": "StudentT(df, mean, scale)",
    "dmnorm": "MvNormal(mean, precision=P)",
    "dunif": "Uniform(lower, upper)",
    "dgamma": "Gamma(shape, rate)",
    "dbeta": "Beta(a, b)",
    "dexp": "Exponential(rate)",
    "dweib": "Weibull(shape, scale)",
    "ddexp": "Laplace(mean, scale)",
    "dlogis": "Logistic(mean, scale)",
    "dbern": "Bernoulli(p)",
    "dbin": "Binomial(n, p)",
    "dpois": "Poisson(rate)",
    "dgeom": "Geometric(p)",
    "dcat": "Categorical(p)",
    "dmulti": "Multinomial(n, p)",
    "ddirch": "Dirichlet(alpha)",
    "ddirich": "Dirichlet(alpha)",
}
PRECISION = frozenset({"dnorm", "dlnorm", "dt", "dmnorm"})


def check(statement: nodes.Statement, source: Source) -> Iterator[Diagnostic]:
    """Everything wrong with one top-level statement."""
    pending: list[tuple[nodes.Statement, int]] = [(statement, 0)]
    while pending:
        current, level = pending.pop()
        if isinstance(current, nodes.ForBlock):
            if level >= limits.BLOCKS:
                yield messages.blocks_too_deep(current.loop.span)
                continue
            if not current.body:
                yield Diagnostic("E028", "an empty block", current.span, "", ("write statements between the braces",))
            pending.extend((inner, level + 1) for inner in current.body)
        elif isinstance(current, nodes.VarDeclaration):
            for item in current.items:
                if item.missing:
                    hint = "only data can be missing: remove the `?`"
                    yield Diagnostic("E038", "a latent quantity is never missing", item.span, "", (hint,))
        elif isinstance(current, nodes.Sample | nodes.Predict):
            yield from distribution_slips(current.distribution, source)
        span = too_deep(expressions(current))
        if span is not None:
            yield messages.expression_too_deep(span)


def distribution_slips(value: nodes.Expr, source: Source) -> Iterator[Diagnostic]:
    """Slips on the right of `~`: a remark that reads as a division (E013), a distribution of BUGS (E024)."""
    if isinstance(value, nodes.Binary) and value.op == "//" and isinstance(value.right, nodes.Name):
        start = source.text.index("//", value.left.span.end)
        yield messages.comment_sign("//", Span(start, start + 2))
    elif isinstance(value, nodes.Call) and value.function.id in BUGS:
        hints = [f"write `{BUGS[value.function.id]}`"]
        if value.function.id in PRECISION and value.function.id != "dmnorm":
            hints.append("the spread here is a scale, not a precision: for precision t write 1 / sqrt(t)")
        yield Diagnostic("E024", f"`{value.function.id}` is a name of BUGS", value.function.span, "", tuple(hints))


Part = nodes.Expr | nodes.Slice | None


def expressions(statement: nodes.Statement | nodes.Loop) -> list[Part]:
    """The outermost expressions of a statement, those of inner statements left out."""
    match statement:
        case nodes.DataDeclaration(items=items) | nodes.VarDeclaration(items=items):
            return [e for item in items if item.bounds for e in (item.bounds.lower, item.bounds.upper)]
        case (
            nodes.Sample(targets, value, loop)
            | nodes.Assign(targets, value, loop)
            | nodes.Predict(targets, value, loop)
        ):
            return [value, *(i for t in targets for i in t.indices), *(expressions(loop) if loop else ())]
        case nodes.Energy(value=value, loop=loop):
            return [value, *(expressions(loop) if loop else ())]
        case nodes.Observe(target, value):
            return [value, *target.indices]
        case nodes.FunctionDefinition(locals=locals_, value=value):
            return [value, *(one.value for one in locals_)]
        case nodes.ForBlock(loop=loop):
            return expressions(loop)
        case nodes.Loop(bindings, condition):
            return [condition, *(b.range for b in bindings)]
    return []


def parts(expression: nodes.Expr | nodes.Slice) -> list[Part]:
    """The expressions directly inside another."""
    match expression:
        case nodes.Slice(start, stop):
            return [start, stop]
        case nodes.Index(base, indices):
            return [base, *indices]
        case nodes.Attribute(base):
            return [base]
        case nodes.Unary(operand=operand):
            return [operand]
        case nodes.Binary(left=left, right=right):
            return [left, right]
        case nodes.Conditional(then, test, otherwise):
            return [then, test, otherwise]
        case nodes.Call(arguments=arguments, loop=loop):
            return [*(a.value for a in arguments), *(expressions(loop) if loop else ())]
    return []


def too_deep(roots: list[Part]) -> Span | None:
    """The first of these expressions whose tree is deeper than the limit. No recursion: that is the point."""
    for root in roots:
        level: list[nodes.Expr | nodes.Slice] = [root] if root is not None else []
        depth = 0
        while level:
            depth += 1
            if depth > limits.DEPTH and root is not None:
                return root.span
            level = [p for e in level for p in parts(e) if p is not None]
    return None
