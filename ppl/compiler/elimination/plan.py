"""How a sum over all states of all discrete variables is to be done: chains by scans, all else in rounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppl.compiler.elimination.adjacency import adjacency
from ppl.compiler.elimination.chains import eliminate_chains
from ppl.compiler.elimination.filling import fill
from ppl.compiler.elimination.ground import Budget, Scope, TooWide, Variable, ground
from ppl.compiler.elimination.grouping import by_first
from ppl.compiler.elimination.rounds import eliminate_round
from ppl.compiler.elimination.structure import Plan, Stack, Structure
from ppl.compiler.elimination.words import lines
from ppl.compiler.elimination.working import Working

DEFAULT = Budget()


def make_plan(variables: Sequence[Variable], scopes: Sequence[Scope], budget: Budget = DEFAULT) -> Plan:
    """The program that sums over all states of `variables` the exponential of the sum of all factors.

    Takes time in proportion to the number of ground factors and the number of operations, without a loop over either's
    elements in Python.

    Raises:
        TooWide: it would cost more than the budget allows.
        ValueError: a scope names no variable or lies outside one.
    """
    work = fill(ground(variables), scopes)
    graph = adjacency(work.ground.size, work.living())
    work.component = by_first(graph.components())
    components = work.component
    while work.alive.any():
        if eliminate_chains(work, graph, budget):
            graph = adjacency(work.ground.size, work.living())
        if work.alive.any():
            eliminate_round(work, graph, budget)
            graph = adjacency(work.ground.size, work.living())
        if work.cells > budget.cells or len(work.operations) > budget.operations:
            raise TooWide(_names(work), work.width, work.cells, len(work.operations))
    sizes = tuple(v.states for v in work.ground.variables)
    structure = Structure(
        names=tuple(v.name for v in work.ground.variables),
        shapes=tuple(v.shape for v in work.ground.variables),
        states=sizes,
        stacks=tuple(
            Stack(s.type, tuple(sizes[k] for k in s.type), s.initial, len(s.numbers), tuple(s.parts))
            for s in work.stacks
        ),
        unary=tuple(range(len(work.ground.variables))),
        operations=tuple(done.operation for done in work.operations),
        components=int(components.max(initial=-1)) + 1,
    )
    offsets = work.ground.offsets
    belongs = {
        v.name: components[a:b].reshape(v.shape)
        for v, a, b in zip(work.ground.variables, offsets, offsets[1:], strict=False)
    }
    return Plan(structure, tuple(work.arrays), belongs, lines(work), work.width, work.cells)


def _names(work: Working) -> tuple[str, ...]:
    """The variables that are coupled to others in the largest component."""
    if not len(work.component):
        return ()
    largest = int(np.argmax(np.bincount(work.component)))
    return work.ground.names(np.flatnonzero(work.component == largest))
