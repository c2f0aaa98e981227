"""How strong penalties are: what gives the most accepted effective samples an update.

Whatever the strength, valid readouts have the law of the model; weak penalties waste readouts, strong ones hold units
where they are. Up to MOST_STATES states both are computed: units are updated in random order, a reversible chain P with
law π; a mean over valid readouts, E[f v] / E[v], has the asymptotic variance (Geyer 1992, theorem 2.1; delta method)

    (2 ⟨g, (1 - P)⁻¹ g⟩ - ⟨g, g⟩) / π(v)²,   g = v (f - E[f | v]),

and Var[f | v] over it is how many effective samples an update gives. f are the indicators of the states of each
element, of which the worst counts. Larger netlists take a strength of 1, the rule in `encoding`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ppl.hardware.exact import enumerated, state_count
from ppl.hardware.lowering.products import Floats, Integers
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.readout import decoded

MOST_STATES = 2**9
STRENGTHS = (1.0, 0.125, 0.25, 0.5, 0.75, 1.5, 2.0)


def best(lowered: Callable[[float], Netlist]) -> Netlist:
    """lowered: the netlist of a strength."""
    usual = lowered(1.0)
    if not rejects(usual) or state_count(usual) > MOST_STATES:
        return usual
    return max((lowered(strength) for strength in STRENGTHS), key=effective)


def rejects(netlist: Netlist) -> bool:
    """Whether there are readouts that are not valid."""
    return bool(netlist.invalid) or any(variable.strength is not None for variable in netlist.variables)


def effective(netlist: Netlist) -> float:
    """Accepted effective samples of the slowest indicator, for as many updates as there are free units."""
    states, law, _ = enumerated(netlist)
    found, valid = decoded(netlist, states)
    share = float(law @ valid)
    if share == 0:
        return 0.0
    shown = np.concatenate([found[v.name][:, v.fixed < 0] for v in netlist.variables], axis=1)
    columns = [shown[:, i] == z for i in range(shown.shape[1]) for z in np.unique(shown[valid, i])[1:]]
    if not columns:
        return np.inf
    f = np.stack(columns, axis=1).astype(float)
    given = law * valid / share
    centred = f - given @ f
    spread = given @ centred**2
    g = centred * valid[:, None]
    free = np.flatnonzero(netlist.clamped < 0)
    moves = _moves(netlist, states, law, free)
    # (1 - P) has the constants as its null space, and g none of them.
    try:
        solved = np.linalg.solve(np.eye(len(law)) - moves + law, g)
    except np.linalg.LinAlgError:
        return 0.0
    variance = (law @ (g * (2 * solved - g))) / share**2
    there = spread > 1e-12
    return float(np.min(spread[there] / variance[there], initial=np.inf)) * len(free)


def _moves(netlist: Netlist, states: Integers, law: Floats, free: Integers) -> Floats:
    """(s, s): an update of a free unit chosen at random, from its law given all others."""
    moves = np.zeros((len(law), len(law)))
    for unit in free:
        others = np.delete(states, unit, axis=1)
        _, block = np.unique(others, axis=0, return_inverse=True)
        same = block.ravel()[:, None] == block.ravel()
        weight = same * law
        total = weight.sum(axis=1, keepdims=True)
        moves += np.divide(weight, total, out=np.eye(len(law)), where=total > 0) / len(free)
    return moves
