"""Sites that no ground factor joins may be updated at once: a colouring of the interaction graph, on the host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.integer[Any]]


def colouring(sites: int, scopes: Sequence[Integers]) -> NDArray[np.int64]:
    """(m,): a colour, 0, 1, …, of each site; no two sites of one scope's row, (f, r), have the same.

    Greedy: sites in their order, each with the least colour that none of its neighbours has so far, so that there are
    at most one more than the most neighbours. A grid in its usual order gets two. Time goes with the number of pairs
    that factors join.
    """
    starts, neighbours = _neighbours(sites, scopes)
    degrees = np.diff(starts)
    colours = np.zeros(sites, np.int64)
    # Until it is coloured a site counts as coloured with the last, which nobody asks for.
    spare = int(degrees.max(initial=0)) + 1
    colours[degrees > 0] = spare
    taken = np.full(spare + 1, -1)
    for site in np.flatnonzero(degrees):
        around = neighbours[starts[site] : starts[site + 1]]
        taken[colours[around]] = site
        colours[site] = np.argmax(taken[: len(around) + 1] != site)
    return colours


def _neighbours(sites: int, scopes: Sequence[Integers]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of site i: `neighbours[starts[i] : starts[i + 1]]`."""
    pairs = [np.zeros(0, np.int64)]
    for scope in scopes:
        wide = np.asarray(scope, np.int64)
        for i in range(wide.shape[1]):
            for j in range(wide.shape[1]):
                if i != j:
                    pairs.append(np.unique(wide[:, i] * sites + wide[:, j]))
    joined = np.unique(np.concatenate(pairs))
    of, neighbours = np.divmod(joined, max(sites, 1))
    return np.searchsorted(of, np.arange(sites + 1)), neighbours
