"""A model and its data as a factor graph of its discrete quantities.

All that its density says at discrete states: terms as tables of energies, with evidence and data in them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from functools import partial

import jax
import numpy as np

from ppl.compiler.density.compiled import CompiledDensity, compile_density
from ppl.compiler.density.elimination import TableTooLarge
from ppl.compiler.density.walking import Walk
from ppl.compiler.passes.program import Program
from ppl.compiler.passes.relevant import relevant
from ppl.compiler.passes.roles import is_discrete
from ppl.dataset import Dataset
from ppl.errors import Diagnostic, PplError
from ppl.graph import Latent, ModelGraph
from ppl.hardware.factors import FactorGraph, Factors, Quantity
from ppl.source import Span
from ppl.types import IndexOf

# Of the largest table that a term may have.
MOST_STATES = 2**17


def discrete_density(graph: ModelGraph, dataset: Dataset) -> CompiledDensity:
    """Of the latents that evidence bears on, all of which stay in it. graph, dataset: prepared.

    Raises:
        PplError: a latent is continuous (E701), has infinitely many values (E402), or there is none (E501); a term
            joins too many (E724).
    """
    check_lowerable(graph)
    with jax.enable_x64(True):
        try:
            density = compile_density(graph, dataset, summed=False)
        except TableTooLarge as error:
            wide = [_too_wide(one.span, one.label) for one in error.diagnostics]
            raise PplError(wide, graph.source) from None
    walk = density.plan.walk
    assert walk is not None  # a model whose latents are all discrete
    _check_widths(density.plan.program, walk)
    return density


def factor_graph(density: CompiledDensity, dataset: Dataset, name: str) -> FactorGraph:
    """Of a `discrete_density`."""
    program, walk = density.plan.program, density.plan.walk
    assert walk is not None
    with jax.enable_x64(True):
        tabled = {program.names[id(one.site.node)] for one in walk.tables}
        tables, beside = jax.jit(partial(_tables_and_beside, tabled))(density)
    factors = tuple(
        Factors(np.asarray(scope), -np.broadcast_to(np.asarray(table), (len(scope), *table.shape[1:])))
        for scope, table in zip(density.scopes, tables, strict=True)
        if len(scope)
    )
    quantities = tuple(_quantity(dataset, program, walk, latent) for latent in walk.values)
    return FactorGraph(name, quantities, factors, -sum(map(float, beside)))


def _tables_and_beside(tabled: Set[str], density: CompiledDensity) -> tuple[Sequence[jax.Array], list[jax.Array]]:
    """The tables of the terms that read states, whose names are given, and the values of all others."""
    nowhere = np.zeros(0)
    terms = density.given(np.zeros(len(density.cardinality), np.int64)).terms(nowhere)
    return density.tables(nowhere), [value for term, value in terms.items() if term not in tabled]


def _check_widths(program: Program, walk: Walk) -> None:
    """Whether all terms have tables that units can hold.

    Raises:
        PplError: E724, for each that has not.
    """
    found = []
    for tabled in walk.tables:
        states = math.prod([len(walk.values[name]) for name in tabled.names])
        if states > MOST_STATES:
            _, widest = max(zip(tabled.counts, tabled.site.readings, strict=True), key=lambda pair: pair[0])
            found.append(_too_wide(widest.read.meta.span, f"all their combinations are {states:.2g}"))
    if found:
        raise PplError(found, program.graph.source)


def _too_wide(span: Span | None, label: str) -> Diagnostic:
    title = "one term joins more discrete elements than a table of units holds"
    hints = (
        f"a table p-bit has a threshold for each state of those it is joined with, {MOST_STATES} at most",
        "let each term read fewer elements, or clamp some: `--set`",
    )
    return Diagnostic("E724", title, span, label, hints)


def _quantity(dataset: Dataset, program: Program, walk: Walk, name: str) -> Quantity:
    latent = program.graph[name]
    assert isinstance(latent, Latent)
    shape, element = walk.shapes[name], latent.element
    return Quantity(
        name=name,
        dims=latent.dims,
        shape=shape,
        element=element.dim if isinstance(element, IndexOf) else element.value,
        values=np.asarray(walk.values[name], np.int64),
        labels=tuple(dataset.labels.get(dim) or program.graph.dims[dim].labels or () for dim in latent.dims),
        fixed=np.full(math.prod(shape), -1, np.int64),
    )


def check_lowerable(graph: ModelGraph) -> None:
    """Whether units can stand for all that evidence bears on.

    Raises:
        PplError: E701 for each continuous latent, E501 where there is no latent at all.
    """
    latents = relevant(graph).latents
    if not latents:
        title = "no latent quantity is left that evidence bears on: there is nothing to compile"
        hint = "declare one, `var s[site] : spin`, or hold fewer with `--set`"
        raise PplError([Diagnostic("E501", title, hints=(hint,))], graph.source)
    found = [_continuous(latent) for latent in latents if not is_discrete(latent)]
    if found:
        raise PplError(found, graph.source)


def _continuous(latent: Latent) -> Diagnostic:
    title = f"`{latent.name}` is continuous, and p-bits have states"
    hints = [f"hold it at a value, `--set {latent.name}=...`", "or let `ppl sample` infer it with all else"]
    if latent.flat:  # declared by itself, as in `var a, b : spin`, where only b is a spin
        hints.insert(0, f"each name has a type of its own: `var {latent.name} : spin` gives it states")
    return Diagnostic("E701", title, latent.span, hints=tuple(hints))
