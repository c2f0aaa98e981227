"""The law of every model in `models/circuits/`, by hand: all states in NumPy, one function each.

Each gives the states, their energies, and what is asked of states: by name, an array with a number for each.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = dict[str, NDArray[Any]]
"""Of each quantity, (states, ...)."""
Data = dict[str, NDArray[Any]]
Law = tuple[Values, NDArray[np.float64]]


def bits(count: int) -> NDArray[np.int8]:
    """(2^count, count): all states of so many bits."""
    return (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(np.int8)


def number(digits: NDArray[Any]) -> NDArray[np.int64]:
    """(..., n) spins or truth values, the lowest digit first -> (...)."""
    return np.asarray((digits > 0) @ 2 ** np.arange(digits.shape[-1]))


# --- gates -------------------------------------------------------------------------------------------


def and_gate(_: Data) -> Law:
    a, b, c = bits(3).T.astype(int)
    energy = np.select([c == (a & b), (a == 0) & (b == 0)], [0, 3], 1)
    return {"a": 2 * a - 1, "b": 2 * b - 1, "c": 2 * c - 1}, 3.0 * energy


def and_gate_answers(v: Values, _: Data) -> Values:
    return {"valid": (v["c"] > 0) == ((v["a"] > 0) & (v["b"] > 0)), "a": v["a"], "c": v["c"]}


def full_adder(_: Data) -> Law:
    x, y, z, s, carry = bits(5).T.astype(int)
    names = {"x": x, "y": y, "z": z, "s": s, "carry": carry}
    return {name: 2 * one - 1 for name, one in names.items()}, 3.0 * (x + y + z - s - 2 * carry) ** 2


def full_adder_answers(v: Values, _: Data) -> Values:
    x, y, z, s, carry = ((v[name] > 0).astype(int) for name in ("x", "y", "z", "s", "carry"))
    return {"valid": x + y + z == s + 2 * carry, "x": v["x"], "carry": v["carry"]}


def factors(d: Data) -> Law:
    """Of odd factors of three digits each; what is determined is left to its energy like all else."""
    free = bits(22)
    ones = np.ones((len(free), 1), np.int8)
    a, b = np.hstack([ones, free[:, :2]]), np.hstack([ones, free[:, 2:4]])
    s, c = free[:, 4:13].reshape(-1, 3, 3), free[:, 13:].reshape(-1, 3, 3)
    energy = np.zeros(len(free))
    for i, j in product(range(3), repeat=2):
        cell = a[:, j] * b[:, i] - s[:, i, j] - 2 * c[:, i, j]
        if i:
            cell += s[:, i - 1, j + 1] if j < 2 else c[:, i - 1, 2]
        if j and i:
            cell += c[:, i, j - 1]
        energy += cell.astype(float) ** 2
    shown = np.column_stack([s[:, :, 0], s[:, 2, 1:], c[:, 2, 2]])
    energy += (shown != d["product"]).sum(axis=1)
    return {"a": 2 * a - 1, "b": 2 * b - 1}, 2.0 * energy


def factors_answers(v: Values, d: Data) -> Values:
    first, second = number(v["a"]), number(v["b"])
    return {"found": first * second == number(d["product"]), "first": first}


# --- graphs and clauses ------------------------------------------------------------------------------


def colouring(d: Data) -> Law:
    c = np.array(list(product(range(3), repeat=10)))
    return {"c": c}, 3.0 * (c[:, d["tail"]] == c[:, d["head"]]).sum(axis=1)


def colouring_answers(v: Values, d: Data) -> Values:
    left = (v["c"][..., d["tail"]] == v["c"][..., d["head"]]).sum(axis=-1)
    return {"proper": left == 0, "conflicts_left": left}


def broken(x: NDArray[Any], d: Data) -> NDArray[np.int64]:
    names = ("first", "second", "third")
    return np.asarray(np.all([x[..., d[n]] != d[f"{n}_is"] for n in names], axis=0).sum(axis=-1))


def satisfiability(d: Data) -> Law:
    x = bits(18) == 1
    return {"x": x}, 4.0 * broken(x, d)


def satisfiability_answers(v: Values, d: Data) -> Values:
    count = broken(v["x"], d)
    return {"satisfied": count == 0, "broken_clauses": count, "x[0]": v["x"][..., 0]}


def cut(side: NDArray[Any], d: Data) -> NDArray[np.float64]:
    return np.asarray((side[..., d["tail"]] != side[..., d["head"]]) @ d["weight"])


def max_cut(d: Data) -> Law:
    side = 2 * bits(16) - 1
    return {"side": side}, -cut(side, d)


def max_cut_answers(v: Values, d: Data) -> Values:
    size = cut(v["side"], d)
    return {"size": size, "largest": size == 73}


# --- networks ----------------------------------------------------------------------------------------


def hopfield(d: Data) -> Law:
    """Units that all patterns and the cue show alike count by how many of them are +1."""
    kinds, sizes = np.unique(np.vstack([d["pattern"], d["cue"]]), axis=1, return_counts=True)
    up = np.array(list(product(*(range(n + 1) for n in sizes))))
    log_ways = sum(np.log([float(choose(n, k)) for k in range(n + 1)])[up[:, g]] for g, n in enumerate(sizes))
    sums = (2 * up - sizes) @ kinds.T
    energy = -1.5 * (sums[:, :3].astype(float) ** 2).sum(axis=1) / sizes.sum() - 0.5 * sums[:, 3]
    return {"sums": sums[:, :3]}, energy - log_ways


def choose(n: int, k: int) -> int:
    return 1 if k == 0 else choose(n - 1, k - 1) * n // k


def hopfield_answers(v: Values, d: Data) -> Values:
    sums = v["sums"] if "sums" in v else v["s"] @ d["pattern"].T
    return {f"overlap[{name}]": sums[..., m] / 25 for m, name in enumerate(d["memory"])}


def bars_and_stripes(d: Data) -> Law:
    """The hidden units summed out."""
    v = bits(9) == 1
    field = v @ d["weight"] + d["threshold"]
    return {"v": v}, -(v @ d["bias"]) - np.logaddexp(0, field).sum(axis=1)


def bars_and_stripes_answers(v: Values, _: Data) -> Values:
    picture = v["v"].reshape(*v["v"].shape[:-1], 3, 3)
    bars = (picture == picture[..., :1, :]).all(axis=(-2, -1))
    stripes = (picture == picture[..., :1]).all(axis=(-2, -1))
    return {"clean": bars | stripes, "v[0]": v["v"][..., 0]}


def diagnosis(d: Data) -> Law:
    sick = bits(8) == 1
    prior = np.where(sick, d["prevalence"], 1 - d["prevalence"]).prod(axis=1)
    absent = (1 - d["leak"]) * np.where(sick[:, None, :], 1 - d["causes"], 1).prod(axis=2)
    seen = np.where(d["found"], 1 - absent, absent).prod(axis=1)
    with np.errstate(divide="ignore"):
        return {"sick": sick}, -np.log(prior * seen)


def diagnosis_answers(v: Values, d: Data) -> Values:
    return {f"sick[{name}]": v["sick"][..., i] for i, name in enumerate(d["disease"])}


BY_HAND: dict[str, tuple[Callable[[Data], Law], Callable[[Values, Data], Values]]] = {
    "and_gate": (and_gate, and_gate_answers),
    "full_adder": (full_adder, full_adder_answers),
    "factors": (factors, factors_answers),
    "colouring": (colouring, colouring_answers),
    "satisfiability": (satisfiability, satisfiability_answers),
    "max_cut": (max_cut, max_cut_answers),
    "hopfield": (hopfield, hopfield_answers),
    "bars_and_stripes": (bars_and_stripes, bars_and_stripes_answers),
    "diagnosis": (diagnosis, diagnosis_answers),
}


def expectations(name: str, data: Data, given: dict[str, int]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each answer; given: quantities that are held."""
    law, answers = BY_HAND[name]
    values, energy = law(data)
    for quantity, value in given.items():
        energy = np.where(values[quantity] == value, energy, np.inf)
    p = np.exp(-(energy - energy.min()))
    p /= p.sum()
    found = {}
    for quantity, one in answers(values, data).items():
        mean = float(p @ one)
        found[quantity] = (mean, float(np.sqrt(p @ (one - mean) ** 2)))
    return found
