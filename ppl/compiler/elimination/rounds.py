"""Elimination in rounds: in each, every variable that a min-fill, then min-weight order would take next.

Variables are chosen so that no two are neighbours, so a round is one operation for each kind of surroundings, however
many variables it sums out. A variable whose neighbours are all neighbours of each other (fill 0) never costs anything
and goes at once, together with those neighbours that have no others. So a forest is summed out from its leaves, with
tables of two variables, however it is numbered. (Koller & Friedman 2009, section 9.4.)
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from ppl.compiler.elimination.adjacency import Adjacency, common_neighbours
from ppl.compiler.elimination.ground import Budget, Integers, TooWide
from ppl.compiler.elimination.grouping import expand, ranks
from ppl.compiler.elimination.structure import Bucket, Factor, Placement, Result
from ppl.compiler.elimination.working import Flags, Working

WIDEST = 40  # variables in a table, whatever the budget: more axes than arrays can have


def eliminate_round(work: Working, graph: Adjacency, budget: Budget) -> None:
    """Adds the operations of one round and takes its variables away.

    Raises:
        TooWide: the cheapest tables there are cost more than the budget allows.
    """
    common = common_neighbours(graph)
    chosen = _choose(work, graph, common, budget)
    owner, clique, members = _cliques(work, graph, common, chosen)
    starts = np.searchsorted(clique, np.arange(len(chosen) + 1))
    for group in _groups(work, owner, clique, members, starts):
        _add_bucket(work, owner, members, starts, group)
    work.alive[owner >= 0] = False


def _choose(work: Working, graph: Adjacency, common: Integers, budget: Budget) -> Integers:
    """The variables of this round, ascending."""
    logs = np.log(work.ground.states[work.ground.kind])
    degree = graph.degree
    fill = degree * (degree - 1) // 2 - np.bincount(graph.sources, common, minlength=graph.size).astype(np.int64) // 2
    weight = logs + np.bincount(graph.sources, logs[graph.targets], minlength=graph.size)
    eligible = work.alive & (fill == 0)
    settled = np.zeros(graph.size, np.bool_)  # whether its component has one of those
    settled[work.component[eligible]] = True
    least = work.alive & ~settled[work.component]
    for key in (fill.astype(np.float64), weight):
        best = np.full(graph.size, np.inf)
        np.minimum.at(best, work.component[least], key[least])
        least &= key <= best[work.component] + 1e-9
    eligible |= least
    too_wide = eligible & ((weight > math.log(budget.cells) + 1e-9) | (degree >= WIDEST))
    if too_wide.any():
        raise _refusal(work, graph, int(np.flatnonzero(too_wide)[np.argmax(weight[too_wide])]))
    return np.flatnonzero(_independent(work, graph, eligible))


def _refusal(work: Working, graph: Adjacency, variable: int) -> TooWide:
    coupled = np.append(graph.targets[graph.starts[variable] : graph.starts[variable + 1]], variable)
    cells = math.prod(int(k) for k in work.ground.states[work.ground.kind[coupled]])
    return TooWide(work.ground.names(coupled), len(coupled) - 1, cells, len(work.operations))


def _independent(work: Working, graph: Adjacency, eligible: Flags) -> Flags:
    """Those eligible variables that come before all their eligible neighbours in an order that is the same in alike
    components and otherwise arbitrary (a numbering along a path would let one variable pass a round)."""
    kind = work.ground.kind
    rank = np.zeros(graph.size, np.int64)
    inside = np.flatnonzero(graph.degree > 0)
    rank[inside] = ranks(work.component[inside], kind[inside])
    order = _scattered(kind * (1 << 40) + rank)
    edge = eligible[graph.sources] & eligible[graph.targets]
    rival = np.zeros(graph.size, np.uint64)
    np.maximum.at(rival, graph.sources[edge], order[graph.targets[edge]])
    return eligible & (order > rival)


def _scattered(numbers: Integers) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """A bijection of 64-bit numbers that keeps no order (the finaliser of SplitMix64; Steele et al. 2014). Never 0."""
    z = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def _cliques(
    work: Working, graph: Adjacency, common: Integers, chosen: Integers
) -> tuple[Integers, Integers, Integers]:
    """Each chosen variable with its neighbours.

    Returns for every ground variable the clique that sums it out (−1: none), and the members of all cliques, by clique
    and ascending: the clique of each and its ground variable."""
    owner = np.full(graph.size, -1)
    owner[chosen] = np.arange(len(chosen))
    mine, offset = expand(graph.degree[chosen])
    edges = graph.starts[chosen[mine]] + offset
    neighbours = graph.targets[edges]
    inner = common[edges] == graph.degree[neighbours] - 1  # all its neighbours are in the clique
    owner[neighbours[inner]] = mine[inner]
    clique = np.concatenate([np.arange(len(chosen)), mine])
    members = np.concatenate([chosen, neighbours])
    order = np.lexsort((members, clique)) if len(mine) else np.arange(len(chosen))
    return owner, clique[order], members[order]


class _Group:
    """Cliques whose members are of the same variables, with the same ones summed out and factors over the same ones.

    cliques: (B,); factors: for each factor its labels, its stack and the row in each clique."""

    def __init__(self, cliques: Integers) -> None:
        self.cliques = cliques
        self.factors: list[tuple[tuple[int, ...], int, Integers]] = []


def _groups(work: Working, owner: Integers, clique: Integers, members: Integers, starts: Integers) -> list[_Group]:
    count = len(starts) - 1
    factors = _factors(work, owner, clique, members, starts)
    first = np.searchsorted(factors[0], np.arange(count + 1))
    code = work.ground.kind[members] * 2 + (owner[members] == clique)
    group = _refined(_refined(np.zeros(count, np.int64), starts, code), first, factors[1])
    groups = []
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(group.max() + 2))
    for a, b in itertools.pairwise(bounds):
        found = _Group(order[a:b])
        lead = int(found.cliques[0])
        for j in range(first[lead], first[lead + 1]):
            entries = first[found.cliques] + (j - first[lead])
            mask = int(factors[1][j])
            labels = tuple(i for i in range(WIDEST + 1) if mask >> i & 1)
            found.factors.append((labels, int(factors[2][j]), factors[3][entries]))
        groups.append(found)
    return groups


def _refined(group: Integers, starts: Integers, codes: Integers) -> Integers:
    """Splits groups of owners until the sequences of codes that they own are equal within each."""
    counts = np.diff(starts)
    for k in range(int(counts.max(initial=0)) + 1):
        own = np.full(len(group), -1)
        some = counts > k
        own[some] = codes[starts[:-1][some] + k]
        if (own == own[0]).all():
            continue
        _, own = np.unique(own, return_inverse=True)
        _, group = np.unique(group * (int(own.max()) + 1) + own, return_inverse=True)
    return group


def _factors(
    work: Working, owner: Integers, clique: Integers, members: Integers, starts: Integers
) -> tuple[Integers, Integers, Integers, Integers]:
    """The factors that the round uses up, by clique and by which members they touch: clique, members as bits, stack,
    row."""
    found: list[tuple[Integers, Integers, Integers, Integers]] = []
    keys = clique * work.ground.size + members
    for number, scopes in enumerate(work.stacks):
        rows = np.flatnonzero(scopes.alive)
        mine = owner[scopes.numbers[rows]].max(axis=1, initial=-1)
        rows, mine = rows[mine >= 0], mine[mine >= 0]
        if not len(rows):
            continue
        scopes.alive[rows] = False
        places = np.searchsorted(keys, mine[:, None] * work.ground.size + scopes.numbers[rows]) - starts[mine][:, None]
        found.append((mine, (1 << places).sum(axis=1), np.full(len(rows), number), rows))
    mine, bits, stack, row = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((bits, mine)) if len(found) > 1 else np.argsort(mine, kind="stable")
    return mine[order], bits[order], stack[order], row[order]


def _add_bucket(work: Working, owner: Integers, members: Integers, starts: Integers, group: _Group) -> None:
    first = starts[group.cliques]
    size = int(starts[group.cliques[0] + 1] - first[0])
    numbers = members[first[:, None] + np.arange(size)]
    gone = owner[numbers[0]] == group.cliques[0]
    states = tuple(int(k) for k in work.ground.states[work.ground.kind[numbers[0]]])
    factors = tuple(Factor(stack, work.rows(rows), labels) for labels, stack, rows in group.factors)
    summed = tuple(int(i) for i in np.flatnonzero(gone))
    bucket = Bucket(
        size=len(numbers),
        states=states,
        factors=factors,
        summed=summed,
        members=tuple(work.rows(numbers[:, i]) for i in summed),
        result=result(work, numbers[:, ~gone], work.component[numbers[:, 0]]),
    )
    work.add(bucket, numbers[0, gone], size - 1, len(numbers) * math.prod(states))


def result(work: Working, left: Integers, component: Integers) -> Result:
    """Where tables over the variables `left` (batch, w) go."""
    if not left.shape[1]:
        return Result(None, Placement(work.rows(component)), ())
    stack = work.stack(tuple(int(k) for k in work.ground.kind[left[0]]))
    target = work.stacks[stack].place(left)
    placement = work.placement(target, len(work.stacks[stack].numbers))
    return Result(stack, placement, tuple(work.rows(left[:, i]) for i in range(left.shape[1])))
