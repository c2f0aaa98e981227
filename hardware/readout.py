"""What the units show, as states of the model's quantities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.hardware.netlist.netlist import Netlist, Patterns, Variable

States = NDArray[np.integer[Any]]


def decoded(netlist: Netlist, states: States) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.bool_]]:
    """(..., n) states of the units -> for each variable the states of its elements, (..., elements), and (...) whether
    all of it is valid. Those of an invalid code are 0."""
    found: dict[str, NDArray[np.int64]] = {}
    goods: list[NDArray[np.bool_]] = []
    for variable in netlist.variables:
        own, good = _decoded(variable, states)
        found[variable.name] = own
        goods.append(np.asarray(good.all(axis=-1)))
    good_everywhere = np.all(goods, axis=0) if goods else np.ones(states.shape[:-1], np.bool_)
    whole = np.asarray(good_everywhere, np.bool_)
    if netlist.invalid and whole.any():  # forbidden combinations are many, and looked for in what is left alone
        kept = states[whole]
        whole = whole.copy()
        whole[whole] = ~np.any([_seen(patterns, kept) for patterns in netlist.invalid], axis=0)
    return found, whole


def _seen(patterns: Patterns, states: States) -> NDArray[np.bool_]:
    """(...): whether any row of units is in its states; row by row, for their number times that of states is large."""
    seen = np.zeros(states.shape[:-1], np.bool_)
    for units, wanted in zip(patterns.units, patterns.states, strict=True):
        seen |= (states[..., units] == wanted).all(axis=-1)
    return seen


def values(variable: Variable, states: States) -> NDArray[np.int64]:
    """(..., elements) -> (..., *shape): what the states mean."""
    meant = variable.values[states]
    return np.asarray(meant.reshape(*states.shape[:-1], *variable.shape))


def _decoded(variable: Variable, states: States) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(..., elements) each: the state, and whether its code is valid."""
    free = variable.fixed < 0
    out = np.broadcast_to(variable.fixed, (*states.shape[:-1], variable.size)).copy()
    good: NDArray[Any] = np.ones(out.shape, np.bool_)
    if not free.any():
        return out, good
    shown = states[..., variable.units[free]].astype(np.int64)  # (..., free elements, units of each)
    k = len(variable.values)
    fine: Any  # the kinds of truth that NumPy's comparisons have differ in type alone
    if variable.encoding == "direct":
        state, fine = shown[..., 0], np.asarray(shown[..., 0] >= 0)
    elif variable.encoding == "one-hot":
        state, fine = np.argmax(shown, axis=-1), shown.sum(axis=-1) == 1
    elif variable.encoding == "domain-wall":
        state, fine = shown.sum(axis=-1), (np.diff(shown, axis=-1) <= 0).all(axis=-1)
    else:
        state = shown @ (1 << np.arange(shown.shape[-1]))
        fine = state < k
    out[..., free] = np.where(fine, state, 0)
    good[..., free] = fine
    return out, good
