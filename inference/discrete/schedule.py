"""The order of a sweep, and where the conditional distribution of each site reads the tables; made on the host.

All tables lie one after the other in one vector, with a zero at its end. The logit of state k of site i is the sum over
the ground factors that read i of the entries at

    offset + Σ_j stride_j x_j + own k,

where x_j are the states of the other sites of the factor (strides are those of C order). Lists of factors are padded to
the same length with ones that read the zero. So that padding stays small, sites with many states or many factors are
apart from those with few; and the sites of one colour may be cut into several batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ppl.inference.discrete.colouring import Integers, colouring

# Sites are kept together up to so many padded entries; beyond, while padding does not more than double the entries.
_FEW = 1 << 16
# Most entries of a batch's arrays.
_MOST = 1 << 22


class Group(NamedTuple):
    """T batches of B sites, in which W factors at most read each site, of which each reads at most R others.

    states: (T, B), how many states a site has, and K, a stand-in of that length; a place without a site has 1 state.
    offset, own: (T, W, B); others, the places of the other sites, and strides: (T, R, W, B).
    """

    states: Any
    values: Any
    offset: Any
    own: Any
    others: Any
    strides: Any


class Schedule(NamedTuple):
    """groups: one after the other; places: (m,), where the state of each site lies in the vector of all states, in
    which batch follows batch."""

    groups: tuple[Group, ...]
    places: Any

    @property
    def size(self) -> int:
        """Places in all."""
        return sum(int(np.prod(group.states.shape[-2:])) for group in self.groups)


class _Reads(NamedTuple):
    """A row for each site that each ground factor reads, by site; starts: (m + 1,), the first of each site."""

    offset: NDArray[np.int64]
    own: NDArray[np.int64]
    others: NDArray[np.int64]
    strides: NDArray[np.int64]
    starts: NDArray[np.int64]


def make_schedule(
    cardinality: Integers,
    scopes: Sequence[Integers],
    shapes: Sequence[tuple[int, ...]],
    colours: Integers | None = None,
) -> Schedule:
    """cardinality: (m,); scopes, shapes: of the tables; colours: (m,), found if not given."""
    sites = len(cardinality)
    colours = colouring(sites, scopes) if colours is None else colours
    reads = _reads(sites, scopes, shapes)
    degrees = np.maximum(np.diff(reads.starts), 1)
    groups = []
    places = np.zeros(sites, np.int64)
    first = 0
    for members in _apart(np.asarray(cardinality), degrees):
        most, width = int(np.max(cardinality[members])), int(np.max(degrees[members]))
        batches = _batches(members, colours, _MOST // (most * width))
        filled = batches >= 0
        places[batches[filled]] = first + np.flatnonzero(filled.ravel())
        first += batches.size
        groups.append((batches, most, width))
    return Schedule(tuple(_group(cardinality, reads, places, *group) for group in groups), places.astype(np.int32))


def _reads(sites: int, scopes: Sequence[Integers], shapes: Sequence[tuple[int, ...]]) -> _Reads:
    others_most = max((scope.shape[1] - 1 for scope in scopes), default=0)
    site, offset, own, others, strides = [], [], [], [], []
    begin = 0
    for scope, (rows, *states) in zip(scopes, shapes, strict=True):
        factors, arity = scope.shape
        steps = np.cumprod([1, *states[:0:-1]])[::-1]
        size = int(np.prod(states, dtype=np.int64))
        for i in range(arity):
            rest = [j for j in range(arity) if j != i]
            pad = ((0, 0), (0, others_most - len(rest)))
            site.append(scope[:, i])
            offset.append(begin + (size * np.arange(factors) if rows > 1 else np.zeros(factors, np.int64)))
            own.append(np.full(factors, steps[i]))
            others.append(np.pad(scope[:, rest], pad))
            strides.append(np.pad(np.broadcast_to(steps[rest], (factors, len(rest))), pad))
        begin += rows * size
    if not site:
        nothing = np.zeros(0, np.int64)
        return _Reads(nothing, nothing, nothing[:, None], nothing[:, None], np.zeros(sites + 1, np.int64))
    of = np.concatenate(site)
    order = np.argsort(of, kind="stable")
    found = [np.concatenate(parts)[order] for parts in (offset, own, others, strides)]
    # The entry at the end is the zero.
    return _Reads(
        np.append(found[0], begin),
        np.append(found[1], 0),
        np.concatenate([found[2], np.zeros((1, others_most), np.int64)]),
        np.concatenate([found[3], np.zeros((1, others_most), np.int64)]),
        np.searchsorted(of[order], np.arange(sites + 1)),
    )


def _apart(cardinality: Integers, degrees: Integers) -> list[NDArray[np.int64]]:
    """The sites in groups, by powers of two of their states and their factors if they differ too much for one."""
    everyone = np.arange(len(cardinality))
    padded = len(everyone) * int(cardinality.max(initial=1)) * int(degrees.max(initial=1))
    if padded <= max(_FEW, 2 * int(np.sum(cardinality * degrees))):
        return [everyone]
    kinds = np.stack([_power(cardinality), _power(degrees)], axis=1)
    which = np.unique(kinds, axis=0, return_inverse=True)[1].ravel()
    return [np.flatnonzero(which == kind) for kind in range(which.max() + 1)]


def _power(numbers: Integers) -> NDArray[np.int64]:
    """The logarithm to base two, rounded up."""
    return np.ceil(np.log2(numbers)).astype(np.int64)


def _batches(members: Integers, colours: Integers, most: int) -> NDArray[np.int64]:
    """(T, B): sites of one colour in each row, -1 where there are no more."""
    found, counts = np.unique(colours[members], return_counts=True)
    size = int(np.clip(-(-len(members) // len(found)), 1, max(most, 1)))
    rows = []
    for colour, count in zip(found, counts, strict=True):
        own = np.full(-(-count // size) * size, -1)
        own[:count] = members[colours[members] == colour]
        rows.append(own.reshape(-1, size))
    return np.concatenate(rows)


def _group(cardinality: Integers, reads: _Reads, places: Integers, batches: Integers, most: int, width: int) -> Group:
    count = np.where(batches >= 0, np.diff(reads.starts)[batches], 0)[:, None, :]
    at = reads.starts[batches][:, None, :] + np.arange(width)[None, :, None]
    at = np.where(np.arange(width)[None, :, None] < count, at, len(reads.offset) - 1)
    others = np.moveaxis(places[reads.others[at]], -1, 1)
    return Group(
        states=np.where(batches >= 0, cardinality[batches], 1).astype(np.int32),
        values=np.arange(most, dtype=np.int32),
        offset=reads.offset[at].astype(np.int32),
        own=reads.own[at].astype(np.int32),
        others=others.astype(np.int32),
        strides=np.moveaxis(reads.strides[at], -1, 1).astype(np.int32),
    )
