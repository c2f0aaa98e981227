"""Whether a netlist makes sense: every position is that of a unit, every number is one, no edge is inside a colour."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ppl.hardware.netlist.netlist import Bodies, Netlist, Patterns, Tables, Variable
from ppl.hardware.netlist.problem import Wrong

# Of numbers of E: simulators count in single precision, which is infinite a little beyond.
LARGEST = 1e30
# As good as infinite.
LARGEST_BETA = 1e6


def check(netlist: Netlist) -> None:
    """Raises Wrong with the first thing that does not."""
    n = netlist.size
    numbers = {"biases": netlist.bias, "offset": np.array([netlist.offset])}
    numbers |= {"couplings": np.concatenate([b.coupling for b in (netlist.pairs, *netlist.bodies)])}
    numbers |= {"tables": np.concatenate([np.zeros(0), *(t.energy.ravel() for t in netlist.tables)])}
    for what, found in numbers.items():
        if (np.abs(found[np.isfinite(found)]) > LARGEST).any():
            raise Wrong(f"{what}: a number is beyond ±{LARGEST:g}, which simulators cannot tell from infinity")
    for name, count in Counter(netlist.names).items():
        if count > 1:
            raise Wrong(f"{count} units are called `{name}`")
    if len(netlist.bias) != n:
        raise Wrong(f"biases has {len(netlist.bias)} elements, but there are {n} units")
    if (netlist.bias[netlist.states > 2] != 0).any():
        raise Wrong("biases is not 0 for a pdit, whose energies are in tables")
    for bodies in (netlist.pairs, *netlist.bodies):
        _check_bodies(netlist, bodies)
    orders = [bodies.order for bodies in netlist.bodies]
    if netlist.pairs.order != 2 or orders != sorted(set(orders)) or any(order < 3 for order in orders):
        raise Wrong("couplings: there is one entry of pairs, and one for each larger order, the smallest first")
    for tables in netlist.tables:
        _check_tables(netlist, tables)
    beyond = np.flatnonzero(netlist.clamped >= netlist.states)
    if beyond.size:
        at = beyond[0]
        raise Wrong(f"clamps: `{netlist.names[at]}` has no state {netlist.clamped[at]}")
    for variable in netlist.variables:
        _check_variable(netlist, variable)
    for patterns in netlist.invalid:
        _check_patterns(netlist, patterns)
    _check_schedule(netlist)


def _known(netlist: Netlist, units: np.ndarray, what: str) -> None:
    """Whether they are all there, and none twice in a row."""
    outside = units[(units < 0) | (units >= netlist.size)]
    if outside.size:
        raise Wrong(f"{what} names unit {outside[0]}, but there are {netlist.size} units, counted from 0")
    ordered = np.sort(units, axis=1)
    twice = np.argwhere(ordered[:, 1:] == ordered[:, :-1])
    if len(twice):
        raise Wrong(f"{what} joins `{netlist.names[ordered[tuple(twice[0])]]}` with itself")


def _check_bodies(netlist: Netlist, bodies: Bodies) -> None:
    what = "a coupling of pairs" if bodies.order == 2 else f"a coupling of {bodies.order}"
    if len(bodies.coupling) != len(bodies.units):
        raise Wrong(f"{what}: {len(bodies.units)} rows of units, but {len(bodies.coupling)} numbers")
    _known(netlist, bodies.units, what)
    rows, count = np.unique(np.sort(bodies.units, axis=1), axis=0, return_counts=True)
    if (count > 1).any():
        names = ", ".join(netlist.names[unit] for unit in rows[np.argmax(count > 1)])
        raise Wrong(f"{what} joins {names} more than once; write the sum")
    if (netlist.states[bodies.units] != 2).any():
        raise Wrong(f"{what} joins a pdit; its energies go into a table")


def _check_tables(netlist: Netlist, tables: Tables) -> None:
    _known(netlist, tables.units, "a table")
    if not len(tables.units):
        return
    shapes = netlist.states[tables.units]
    if (shapes != shapes[0]).any() or tables.energy.shape != (len(tables.units), *shapes[0]):
        wanted = " × ".join(map(str, (len(tables.units), *shapes[0])))
        raise Wrong(f"a table is {' × '.join(map(str, tables.energy.shape))}, but its units ask for {wanted}")


def _check_variable(netlist: Netlist, variable: Variable) -> None:
    what = f"the variable `{variable.name}`"
    k, size = len(variable.values), int(np.prod(variable.shape, dtype=np.int64))
    width = code_width(variable.encoding, k)
    if variable.fixed.shape != (size,) or variable.units.shape[0] != size:
        raise Wrong(f"{what} has {size} elements, but units for {variable.units.shape[0]}")
    if (variable.fixed < -1).any() or (variable.fixed >= k).any():
        raise Wrong(f"{what} has a fixed state beyond its {k} values")
    free = variable.units[variable.fixed < 0]
    if not free.size and not (variable.fixed < 0).any():
        return
    if free.shape[1] != width:
        raise Wrong(f"{what} has {free.shape[1]} units an element, but its encoding takes {width}")
    _known(netlist, free, what)
    states = k if variable.encoding == "direct" else 2
    if (netlist.states[free] != states).any():
        raise Wrong(f"{what} needs units of {states} states")


def _check_patterns(netlist: Netlist, patterns: Patterns) -> None:
    if patterns.states.shape != patterns.units.shape:
        raise Wrong("invalid: units and states have different shapes")
    _known(netlist, patterns.units, "invalid")
    beyond = (patterns.states < 0) | (patterns.states >= netlist.states[patterns.units])
    if beyond.any():
        at = tuple(np.argwhere(beyond)[0])
        raise Wrong(f"invalid: `{netlist.names[patterns.units[at]]}` has no state {patterns.states[at]}")


def code_width(encoding: str, values: int) -> int:
    """How many units stand for a variable of so many values."""
    widths = {"direct": 1, "one-hot": values, "domain-wall": values - 1, "binary": max(values - 1, 1).bit_length()}
    return widths[encoding]


def _check_schedule(netlist: Netlist) -> None:
    schedule = netlist.schedule
    if schedule is None:
        return
    if not len(schedule.betas) or (schedule.betas < 0).any() or (schedule.betas > LARGEST_BETA).any():
        raise Wrong(f"schedule.betas needs at least one number, none below 0 or above {LARGEST_BETA:g}")
    if schedule.discipline != "chromatic":
        return
    if len(schedule.colours) != netlist.size or (schedule.colours < 0).any():
        raise Wrong(f"schedule.colours needs a colour of each of {netlist.size} units, counted from 0")
    for units in netlist.scopes:
        colours = np.sort(schedule.colours[units], axis=1)
        same = np.flatnonzero((colours[:, 1:] == colours[:, :-1]).any(axis=1))
        if same.size:
            joined = " and ".join(f"`{netlist.names[u]}`" for u in units[same[0]])
            raise Wrong(
                f"schedule.colours: {joined} are joined, and two of them have one colour: updated at once, "
                "they would not have the law of the netlist"
            )
