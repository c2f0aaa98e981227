"""Factor graphs of every form, small enough to add up all their joint states; chains just long enough to be scanned."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ppl.compiler.elimination import Scope, Variable
from tests.elimination.enumerate import Graph, random_tables, scope

Form = tuple[Sequence[Variable], Sequence[Scope]]
each = np.arange


def pairs(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.stack([a, b], axis=1)


def sites(rng: np.random.Generator) -> Form:
    return [Variable("z", (2, 3), 3)], [scope("z", each(6)), scope("z", each(6))]


def joint_sites(rng: np.random.Generator) -> Form:
    variables = [Variable("a", (3,), 2), Variable("b", (3,), 3), Variable("c", (3,), 2)]
    return variables, [
        scope("abc", np.stack([each(3)] * 3, 1)),
        scope("a", each(3)),
        scope("cb", np.stack([each(3)] * 2, 1)),
    ]


def tree(rng: np.random.Generator) -> Form:
    number, parent = rng.permutation(10), np.array([rng.integers(0, i) for i in range(1, 10)])
    return [Variable("z", (10,), 3)], [scope("zz", pairs(number[parent], number[1:])), scope("z", each(10))]


def tree_of_two_variables(rng: np.random.Generator) -> Form:
    """Nodes 0 … 5 are of a, the others of b."""
    number, parent = rng.permutation(11), np.array([rng.integers(0, i) for i in range(1, 11)])
    ends = np.sort(pairs(number[parent], number[1:]), axis=1)
    scopes = []
    for first, names in (((True, True), "aa"), ((True, False), "ab"), ((False, False), "bb")):
        mine = ((ends < 6) == np.array(first)).all(axis=1)
        scopes.append(scope(names, ends[mine] - np.where(np.array(first), 0, 6)))
    return [Variable("a", (6,), 2), Variable("b", (5,), 3)], scopes


def loop(rng: np.random.Generator) -> Form:
    number = rng.permutation(7)
    return [Variable("z", (7,), 3)], [scope("zz", pairs(number, np.roll(number, 1)))]


def long_loop(rng: np.random.Generator) -> Form:
    return [Variable("z", (16,), 2)], [scope("zz", pairs(each(16), (each(16) + 1) % 16)), scope("z", each(16))]


def grid(rng: np.random.Generator) -> Form:
    at = each(12).reshape(3, 4)
    across, down = pairs(at[:, :-1].ravel(), at[:, 1:].ravel()), pairs(at[:-1].ravel(), at[1:].ravel())
    return [Variable("s", (3, 4), 2)], [scope("ss", across), scope("ss", down), scope("s", each(12))]


def narrow_grid(rng: np.random.Generator) -> Form:
    at = each(18).reshape(2, 9)
    across, down = pairs(at[:, :-1].ravel(), at[:, 1:].ravel()), pairs(at[:-1].ravel(), at[1:].ravel())
    return [Variable("s", (2, 9), 2)], [scope("ss", across), scope("ss", down)]


def plates(rng: np.random.Generator) -> Form:
    """A class a group, and of every member of it; groups of different sizes, members in no order."""
    group = rng.permutation([0, 0, 0, 0, 1, 1, 2, 1])
    return (
        [Variable("g", (3,), 3), Variable("z", (8,), 2)],
        [scope("g", each(3)), scope("gz", pairs(group, each(8))), scope("z", each(8))],
    )


def chain(rng: np.random.Generator) -> Form:
    return [Variable("z", (9,), 3)], [scope("z", [0]), scope("zz", pairs(each(8), each(1, 9))), scope("z", each(9))]


def short_chain(rng: np.random.Generator) -> Form:
    return [Variable("z", (5,), 4)], [scope("z", [0]), scope("zz", pairs(each(4), each(1, 5))), scope("z", each(5))]


def backward_chain(rng: np.random.Generator) -> Form:
    """Factors name the later element first."""
    return [Variable("z", (9,), 3)], [scope("zz", pairs(each(1, 9), each(8))), scope("z", each(9))]


def shuffled_chain(rng: np.random.Generator) -> Form:
    number = rng.permutation(9)
    return [Variable("z", (9,), 3)], [scope("zz", pairs(number[:-1], number[1:])), scope("z", each(9))]


def alternating_chain(rng: np.random.Generator) -> Form:
    """Slices with two and three states in turn."""
    there, back = pairs(each(5), each(5)), pairs(each(4), each(1, 5))
    return [Variable("a", (5,), 2), Variable("b", (5,), 3)], [scope("ab", there), scope("ba", back)]


def order_two(rng: np.random.Generator) -> Form:
    triples = np.stack([each(13), each(1, 14), each(2, 15)], 1)
    return [Variable("z", (15,), 2)], [scope("zz", [[0, 1]]), scope("zzz", triples), scope("z", each(15))]


def order_three(rng: np.random.Generator) -> Form:
    quadruples = np.stack([each(i, 14 + i) for i in range(4)], 1)
    return [Variable("z", (17,), 2)], [scope("zzzz", quadruples)]


def factorial(rng: np.random.Generator) -> Form:
    steps = pairs(each(8), each(1, 9))
    return (
        [Variable("a", (9,), 2), Variable("b", (9,), 2)],
        [scope("aa", steps), scope("bb", steps), scope("ab", pairs(each(9), each(9)))],
    )


def two_in_a_slice(rng: np.random.Generator) -> Form:
    """b depends on a of the same time, a on both of the time before; states differ."""
    return (
        [Variable("a", (8,), 2), Variable("b", (8,), 2), Variable("c", (1,), 3)],
        [
            scope("baa", np.stack([each(7), each(7), each(1, 8)], 1)),
            scope("ab", pairs(each(8), each(8))),
            scope("ca", [[0, 0]]),
        ],
    )


def chains_under_a_plate(rng: np.random.Generator) -> Form:
    at = each(18).reshape(2, 9)
    return (
        [Variable("z", (2, 9), 2)],
        [scope("z", at[:, 0]), scope("zz", pairs(at[:, :-1].ravel(), at[:, 1:].ravel())), scope("z", each(18))],
    )


def time_before_plate(rng: np.random.Generator) -> Form:
    at = each(18).reshape(9, 2)
    return [Variable("z", (9, 2), 2)], [scope("zz", pairs(at[:-1].ravel(), at[1:].ravel())), scope("z", each(18))]


def unequal_lengths(rng: np.random.Generator) -> Form:
    """Chains of 10 and 8 in one long table."""
    before = np.array([i for i in range(17) if i != 9])
    return [Variable("z", (18,), 2)], [scope("zz", pairs(before, before + 1)), scope("z", each(18))]


def chain_with_leaves(rng: np.random.Generator) -> Form:
    """Some times have one more variable."""
    some = np.array([0, 3, 4, 8])
    return (
        [Variable("z", (9,), 2), Variable("c", (4,), 3)],
        [scope("zz", pairs(each(8), each(1, 9))), scope("zc", pairs(some, each(4))), scope("z", each(9))],
    )


def chain_under_a_class(rng: np.random.Generator) -> Form:
    """The class is in every transition, so it touches all times."""
    regime = np.zeros(16, np.int64)
    return (
        [Variable("r", (), 2), Variable("z", (17,), 2)],
        [scope("rzz", np.stack([regime, each(16), each(1, 17)], 1)), scope("z", each(17)), scope("r", [0])],
    )


def chain_under_two_classes(rng: np.random.Generator) -> Form:
    zero = np.zeros(17, np.int64)
    return (
        [Variable("r", (), 2), Variable("z", (17,), 2), Variable("q", (), 2)],
        [
            scope("rz", pairs(zero, each(17))),
            scope("zz", pairs(each(16), each(1, 17))),
            scope("zq", pairs(each(17), zero)),
        ],
    )


def shared_observations(rng: np.random.Generator) -> Form:
    """Many factors on the same few variables, in no order."""
    seen = rng.integers(0, 4, 20)
    return [Variable("z", (4,), 3)], [
        scope("z", seen),
        scope("zz", rng.permutation(np.tile([[0, 1], [1, 0], [2, 3]], (3, 1)))),
    ]


def repeated_observations(rng: np.random.Generator) -> Form:
    """As many for every variable: one after another, and in turn."""
    return [Variable("z", (4,), 3)], [scope("z", np.repeat(each(4), 3)), scope("z", np.tile(each(4), 3))]


def nested(rng: np.random.Generator) -> Form:
    """A class of the whole, one of every group, one of every member."""
    group = np.array([0, 0, 1, 1, 1, 2])
    return (
        [Variable("top", (), 2), Variable("g", (3,), 3), Variable("z", (6,), 2)],
        [
            scope(["top"], [0]),
            scope(["top", "g"], pairs(np.zeros(3, int), each(3))),
            scope("gz", pairs(group, each(6))),
        ],
    )


def same_twice(rng: np.random.Generator) -> Form:
    """A factor that names one element twice allows only equal states."""
    return [Variable("z", (4,), 3)], [scope("zz", [[0, 1], [2, 2], [3, 1]]), scope("zzz", [[1, 1, 0], [3, 2, 3]])]


def idle(rng: np.random.Generator) -> Form:
    """A variable without a factor, one with a single state, a scope without factors."""
    return (
        [Variable("z", (3,), 2), Variable("one", (2,), 1), Variable("none", (0,), 2), Variable("free", (2,), 3)],
        [scope("z", np.tile([1, 2], 5)), scope(["z", "one"], [[1, 0], [2, 1]]), scope("zz", np.zeros((0, 2)))],
    )


def anything(rng: np.random.Generator) -> Form:
    """Random scopes of one to three elements."""
    variables = [Variable("a", (4,), 2), Variable("b", (3,), 3), Variable("c", (2,), 4)]
    scopes = []
    for _ in range(6):
        chosen = rng.choice(3, size=rng.integers(1, 4))
        rows = np.stack([rng.integers(0, variables[k].size, 2) for k in chosen], 1)
        scopes.append(scope([variables[k].name for k in chosen], rows))
    return variables, scopes


Builder = Callable[[np.random.Generator], Form]

# Between them they take every path of the program.
FORMS: tuple[Builder, ...] = (
    sites,
    joint_sites,
    tree_of_two_variables,
    loop,
    plates,
    chain,
    short_chain,
    order_two,
    factorial,
    alternating_chain,
    chains_under_a_plate,
    unequal_lengths,
    chain_with_leaves,
    chain_under_a_class,
    shared_observations,
    repeated_observations,
    nested,
    same_twice,
    idle,
)
MORE: tuple[Builder, ...] = (
    tree,
    grid,
    narrow_grid,
    long_loop,
    backward_chain,
    shuffled_chain,
    order_three,
    two_in_a_slice,
    time_before_plate,
    chain_under_two_classes,
    anything,
)
DRAWN: tuple[Builder, ...] = (  # of the first, those on which going back differs
    joint_sites,
    tree_of_two_variables,
    plates,
    order_two,
    unequal_lengths,
    chain_with_leaves,
    chain_under_a_class,
    idle,
)
SCANNED: tuple[Builder, ...] = (
    chain,
    backward_chain,
    shuffled_chain,
    alternating_chain,
    order_two,
    factorial,
    long_loop,
    narrow_grid,
    two_in_a_slice,
    chains_under_a_plate,
    time_before_plate,
    unequal_lengths,
    chain_with_leaves,
    chain_under_a_class,
    chain_under_two_classes,
)


def build(form: Builder, seed: int, impossible: float = 0.0) -> Graph:
    """The structure is always the same; the tables depend on the seed."""
    variables, scopes = form(np.random.default_rng(1))
    rng = np.random.default_rng([seed, 2])
    return Graph(tuple(variables), tuple(scopes), random_tables(rng, variables, scopes, impossible))
