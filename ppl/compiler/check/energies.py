"""`energy name: expression`: terms of the energy that no distribution gives, and what they leave undefined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ppl.compiler.check.addends import Part, parts
from ppl.compiler.check.build import Build
from ppl.compiler.check.loops import condition, loop_bindings
from ppl.compiler.check.report import Abandon, Report
from ppl.compiler.check.scope import Binding, Scope
from ppl.compiler.check.shapes import apply, numeric, show_shape
from ppl.compiler.check.sites import everything
from ppl.grammar import nodes as syntax
from ppl.graph import (
    Apply,
    Energy,
    Expr,
    Gather,
    Input,
    Latent,
    ModelGraph,
    Node,
    Read,
    Reduce,
    Select,
    children,
    node_expressions,
)

# What the pieces of the log density have names for besides terms.
_TAKEN = frozenset({"jacobian"})


def energy(build: Build, statement: syntax.Energy, loops: Sequence[syntax.Loop]) -> None:
    """A term of the energy: once for each element of the indices that its `for` binds, and of the dims that its
    expression names as indices."""
    try:
        named = _free_name(build, statement.name)
        nodes = _energies(build, statement, loops)
    except Abandon:
        return
    if named:
        build.nodes += [nodes[0], *(replace(node, name=build.term_name(node.name)) for node in nodes[1:])]


def _energies(build: Build, statement: syntax.Energy, loops: Sequence[syntax.Loop]) -> list[Energy]:
    """The terms of one statement: several, if sums over different elements are added in it."""
    names = build.names
    names.new_statement()
    names.defining = ""
    scope = build.scope
    bound: dict[str, Binding] = {}
    for loop in loops:
        bound.update(loop_bindings(scope.bind(bound), loop))
    scope = scope.bind(bound)
    where = _filter(build, scope, loops)
    running = {b.axis.dim for b in bound.values()}
    free = {dim: Binding(names.axis(dim, dim), named=False) for dim in names.dims if dim not in running}
    value = numeric(scope, scope.bind(free).expr(statement.value))
    if value.meta.event:
        text, shape = build.report.text(value.meta.span), show_shape(value.meta.event)
        raise build.report.fail(
            "E111",
            value.meta.span,
            f"a term of the energy is one number for each element of its indices; this is {shape}",
            f"index it, or sum it: `sum({text})`" if len(text) < 40 else "index it, or sum it",
        )
    running_over = tuple(dict.fromkeys((*(b.axis for b in bound.values()), *value.meta.axes)))
    return [
        Energy(
            statement.name.id,
            tuple(dict.fromkeys((*running_over, *part.axes))),
            part.where,
            part.value,
            statement.span,
            statement.unnormalised,
        )
        for part in parts(build, Part(value, (), where))
    ]


def _filter(build: Build, scope: Scope, loops: Sequence[syntax.Loop]) -> Expr | None:
    found: Expr | None = None
    for loop in loops:
        part = condition(scope, loop)
        if part is not None:
            found = part if found is None else apply(scope, "and", [found, part], part.meta.span)
    if found is not None and not build.data_only(found):
        raise build.report.fail(
            "E114", found.meta.span, "a filter of a statement depends on data alone", "this depends on a latent"
        )
    return found


def _free_name(build: Build, name: syntax.Name) -> bool:
    """Whether no other term can have this name. Reports it if one has."""
    if name.id in _TAKEN:
        build.report.error("E120", name.span, f"a part of every log density is called `{name.id}`", "choose another")
        return False
    first = build.names.later.get(name.id)
    if first is not None:
        label = f"`{name.id}` is a quantity, on line {build.report.line(first)}"
        build.report.error("E102", name.span, label, "give the term another name: reports tell terms by their names")
        return False
    if build.term_name(name.id) != name.id:
        build.report.error("E102", name.span, f"another term is called `{name.id}`", "give one of them another name")
        return False
    return True


# --- what energies leave undefined -------------------------------------------------------------------


def check_energies(report: Report, graph: ModelGraph) -> None:
    """Of a model with energies: flat latents that nothing weighs, and energies that a reader would take for densities
    of some quantities given others."""
    if not graph.energies:
        return
    known = _Touches(graph)
    fixed = {clamp.name for clamp in graph.clamps if all(map(everything, clamp.subscripts))}
    drawn = {term.target.name for term in graph.terms if isinstance(term.target, Read)}
    weighed = {clamp.name for clamp in graph.clamps}
    for node in (*graph.factors, *graph.latents):
        weighed.update(known.of_node(node))
    for latent in graph.latents:
        if latent.flat and latent.name not in weighed:
            report.error(
                "E212",
                latent.span,
                f"nothing says which values of `{latent.name}` are likelier than others",
                "leave it out, or name it in an `energy`",
            )
    for term in graph.energies:
        if not term.unnormalised:
            for part in _addends(term.value):
                _check_normaliser(report, graph, term, known.of(part), drawn, fixed)


def _check_normaliser(
    report: Report, graph: ModelGraph, term: Energy, touched: Mapping[str, None], drawn: set[str], fixed: set[str]
) -> None:
    """Reports an energy whose normaliser would depend on quantities that have densities of their own.

    An addend of it touches θ, a latent that `~` draws, and x, which none draws: a `var`, or an array of data. A reader
    may take exp(-E(x, θ)) for p(x | θ). What the model says is p(θ) exp(-E(x, θ)): θ has its prior times Z(θ),
    the sum of exp(-E(x, θ)) over all x.
    """
    priors = [name for name in touched if name in drawn - fixed and isinstance(graph[name], Latent)]
    others = [name for name in touched if _left_to_energies(graph[name], drawn)]
    if not priors or not others:
        return
    theta, x = priors[0], others[0]
    kind = "data" if isinstance(graph[x], Input) else "a `var`"
    start = report.source.text[term.span.start : term.span.end].partition(":")[0].strip()
    report.error(
        "E211",
        term.span,
        f"this couples `{x}`, which is {kind}, to `{theta}`, which has a prior",
        f"exp(-energy) is no density of `{x}` given `{theta}`: that would divide by a normaliser that depends on "
        f"`{theta}`. If you know that density, draw from it: `{x} ~ ...`",
        f"if the joint density is to be the prior times exp(-energy), say so: `{start} unnormalised: ...`",
    )


def _addends(expr: Expr) -> Iterator[Expr]:
    """The parts whose sum an expression is: what touches different quantities in different parts couples none."""
    match expr:
        case Apply("add" | "subtract" | "negative"):
            for argument in expr.arguments:
                yield from _addends(argument)
        case _:
            yield expr


def _left_to_energies(node: Node, drawn: set[str]) -> bool:
    """Whether only energies say how likely the values of a quantity are. A single number of data is a constant."""
    match node:
        case Latent():
            return node.name not in drawn
        case Input():
            return bool(node.dims)
        case _:
            return False


class _Touches:
    """The latents and data whose values enter expressions, directly or through what is computed from them. Data that
    only say which elements enter, as indices or filters, are left out."""

    def __init__(self, graph: ModelGraph) -> None:
        self._latents = {latent.name for latent in graph.latents}
        self._computed: dict[str, dict[str, None]] = {}
        for value in graph.values:
            self._computed[value.name] = {}
            self._computed[value.name] = self.of_node(value)

    def of_node(self, node: Node) -> dict[str, None]:
        """Of all expressions of a node."""
        found: dict[str, None] = {}
        for expr in node_expressions(node):
            found |= self.of(expr)
        return found

    def of(self, expr: Expr) -> dict[str, None]:
        """In the order in which the expression names them."""
        found: dict[str, None] = {}
        seen: set[tuple[int, bool]] = set()
        waiting = [(expr, False)]
        while waiting:
            part, choosing = waiting.pop()
            if (id(part), choosing) in seen:
                continue
            seen.add((id(part), choosing))
            if isinstance(part, Read):
                names = self._computed.get(part.name, {part.name: None})
                found |= {name: None for name in names if not choosing or name in self._latents}
            chosen_by = {id(e) for e in _choosing(part)}
            waiting += [(child, choosing or id(child) in chosen_by) for child in reversed(list(children(part)))]
        return found


def _choosing(part: Expr) -> list[Expr]:
    """The sub-expressions that say which elements enter."""
    match part:
        case Read() | Select():
            return [s.index for s in part.subscripts if isinstance(s, Gather)]
        case Reduce() if part.where is not None:
            return [part.where]
        case _:
            return []
