"""Which discrete latents have finitely many values, known before the run."""

from __future__ import annotations

from ppl.catalogue.supports import SUPPORTS
from ppl.graph import Expr, Input, Latent, ModelGraph, Term, Value, node_expressions, reads


def is_finite(graph: ModelGraph, latent: Latent) -> bool:
    """Whether a discrete latent can be tried at each of its values."""
    return why_not_finite(graph, latent) is None


def why_not_finite(graph: ModelGraph, latent: Latent) -> tuple[str, str] | None:
    """What is wrong, and what to do about it; None if a discrete latent has finitely many values."""
    name, support = latent.name, latent.support
    if support.kind in ("bool", "spin", "categorical"):
        return None
    drawn = next((t.distribution.leaf.name for t in graph.terms if _defines(t, name)), support.kind)
    if SUPPORTS[support.kind].event_rank:
        title = f"`{name}` is not data, and a draw of `{drawn}` is a vector of counts that depend on each other"
        return title, "draw its parts one by one, each as a `Binomial` of what is left, or give it as data"
    if support.upper is None:
        hint = f"bound it, `truncated({drawn}(...), upper=100)`, so that it can be summed out exactly"
        if drawn in ("Poisson", "PoissonLog"):
            hint += "; counts whose rate varies like a Gamma are `NegativeBinomial2`, without a latent"
        return f"`{name}` is not data, and `{drawn}` draws from infinitely many values", hint
    if is_inferred(graph, support.upper):
        title = f"`{name}` is not data, and how many values it has depends on what is inferred"
        return title, "its upper bound must follow from numbers and data"
    return None


def _defines(term: Term, name: str) -> bool:
    return term.role == "latent" and next(reads(term.target)) == name


def is_inferred(graph: ModelGraph, expr: Expr) -> bool:
    """Whether an expression is computed from more than data."""
    waiting = list(reads(expr))
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        node = graph[name]
        if not isinstance(node, Input | Value):
            return True
        waiting += [other for e in node_expressions(node) for other in reads(e)]
    return False
