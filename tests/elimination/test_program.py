"""Programs and plans: how large they are, what they refuse, what they say; larger graphs by recursions in NumPy."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp

from ppl.compiler.elimination import (
    Budget,
    Plan,
    Scope,
    TooWide,
    Variable,
    log_normaliser,
    log_normalisers,
    make_plan,
    marginals,
    sample,
    slices,
)
from tests.elimination.enumerate import Graph, random_tables, scope
from tests.elimination.structures import Form, each, pairs


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def mixture(n: int) -> Form:
    return [Variable("z", (n,), 3)], [scope("z", each(n)), scope("z", each(n))]


def several_at_a_site(n: int) -> Form:
    variables = [Variable("a", (n,), 2), Variable("b", (n,), 3)]
    return variables, [scope("ab", pairs(each(n), each(n))), scope("b", each(n))]


def markov(n: int) -> Form:
    return [Variable("z", (n,), 3)], [scope("zz", pairs(each(n - 1), each(1, n))), scope("z", each(n))]


def second_order(n: int) -> Form:
    return [Variable("z", (n,), 2)], [scope("zzz", np.stack([each(n - 2), each(1, n - 1), each(2, n)], 1))]


def factorial(n: int) -> Form:
    steps = pairs(each(n - 1), each(1, n))
    return (
        [Variable("a", (n,), 2), Variable("b", (n,), 3)],
        [scope("aa", steps), scope("bb", steps), scope("ab", pairs(each(n), each(n)))],
    )


def subjects(n: int) -> Form:
    at = each(20 * n).reshape(n, 20)
    return [Variable("z", (n, 20), 2)], [scope("zz", pairs(at[:, :-1].ravel(), at[:, 1:].ravel()))]


def subjects_of_a_class(n: int) -> Form:
    at = each(20 * n).reshape(n, 20)
    return (
        [Variable("g", (n,), 2), Variable("z", (n, 20), 3)],
        [
            scope("gzz", np.stack([np.repeat(each(n), 19), at[:, :-1].ravel(), at[:, 1:].ravel()], 1)),
            scope("z", each(20 * n)),
            scope("g", each(n)),
        ],
    )


def members_of_groups(n: int) -> Form:
    """Ten groups; members in no order."""
    group = np.random.default_rng(1).permutation(each(n) % 10)
    return [Variable("g", (10,), 3), Variable("z", (n,), 2)], [scope("gz", pairs(group, each(n))), scope("z", each(n))]


GROWING = (
    mixture,
    several_at_a_site,
    markov,
    second_order,
    factorial,
    subjects,
    subjects_of_a_class,
    members_of_groups,
)


def built(form: Form, seed: int = 1) -> tuple[Graph, Plan, list[jax.Array]]:
    variables, scopes = form
    graph = Graph(tuple(variables), tuple(scopes), random_tables(np.random.default_rng(seed), variables, scopes))
    return graph, make_plan(variables, scopes), [jnp.asarray(t) for t in graph.tables]


def jitted(function: Callable) -> Callable:
    return jax.jit(function, static_argnums=0)


def equations(program: Callable, *arguments) -> int:
    def count(jaxpr) -> int:
        inner = [v for e in jaxpr.eqns for v in e.params.values()]
        return len(jaxpr.eqns) + sum(
            count(getattr(v, "jaxpr", v)) for v in inner if hasattr(v, "eqns") or hasattr(v, "jaxpr")
        )

    return count(jax.make_jaxpr(program, static_argnums=0)(*arguments).jaxpr)


@pytest.mark.parametrize("form", GROWING, ids=lambda f: f.__name__)
def test_programs_do_not_grow_with_data(form) -> None:
    sizes = []
    for n in (40, 400):
        _, plan, tables = built(form(n))
        gradient = equations(jax.grad(log_normaliser, argnums=2), plan.structure, plan.arrays, tables)
        draw = equations(sample, plan.structure, plan.arrays, tables, jax.random.key(1))
        sizes.append((gradient, draw, len(plan.arrays)))
    assert sizes[0] == sizes[1]
    assert sizes[0][0] > 5


@pytest.mark.parametrize("form", GROWING, ids=lambda f: f.__name__)
def test_planning_calls_no_more_functions_for_more_data(form) -> None:
    calls = []
    for n in (100, 10_000):
        variables, scopes = form(n)
        calls.append(_calls(lambda v=variables, s=scopes: make_plan(v, s)))
    assert calls[1] < 1.1 * calls[0]  # distances double along a path: the logarithm of its length


def _calls(function: Callable[[], object]) -> int:
    count = 0

    def event(_frame, kind: str, _argument) -> None:
        nonlocal count
        count += kind in ("call", "c_call")

    sys.setprofile(event)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("form", [mixture, several_at_a_site, markov, subjects], ids=lambda f: f.__name__)
def test_rows_in_order_are_not_gathered(form) -> None:
    _, plan, _ = built(form(50))
    assert plan.arrays == ()


def test_structures_are_values() -> None:
    one, two = (built(subjects_of_a_class(30), seed)[1].structure for seed in (1, 2))
    assert one == two
    assert hash(one) == hash(two)
    assert one != built(subjects_of_a_class(31))[1].structure


# --- larger graphs -----------------------------------------------------------------------------------


def test_a_long_chain_by_the_forward_recursion() -> None:
    graph, plan, (moves, weights) = built(markov(500))
    alpha = graph.tables[1][0]
    for move, weight in zip(graph.tables[0], graph.tables[1][1:], strict=True):
        alpha = logsumexp(alpha[:, None] + move, axis=0) + weight
    value = jitted(log_normaliser)(plan.structure, plan.arrays, [moves, weights])
    assert value == pytest.approx(logsumexp(alpha), rel=1e-12)


def test_one_table_for_all_rows() -> None:
    _, plan, (moves, weights) = built(markov(30))
    same = [moves[:1], weights]
    every = [jnp.broadcast_to(moves[:1], moves.shape), weights]

    @jitted
    def everything(structure, arrays, tables):
        value, gradient = jax.value_and_grad(log_normaliser, argnums=2)(structure, arrays, tables)
        states = sample(structure, arrays, tables, jax.random.key(2))
        return value, log_normalisers(structure, arrays, tables), marginals(structure, arrays, tables), states, gradient

    *short, gradient = everything(plan.structure, plan.arrays, same)
    *full, whole = everything(plan.structure, plan.arrays, every)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14), short, full)
    np.testing.assert_allclose(gradient[0][0], whole[0].sum(axis=0), rtol=1e-10)


def test_subjects_of_a_class_one_by_one() -> None:
    graph, plan, tables = built(subjects_of_a_class(7))
    parts = jitted(log_normalisers)(plan.structure, plan.arrays, tables)
    moves, weights, classes = graph.tables
    for s in range(7):
        each_class = []
        for g in range(2):
            alpha = weights[20 * s]
            for t in range(19):
                alpha = logsumexp(alpha[:, None] + moves[19 * s + t, g], axis=0) + weights[20 * s + t + 1]
            each_class.append(classes[s, g] + logsumexp(alpha))
        assert plan.components["g"][s] == s
        assert (plan.components["z"][s] == s).all()
        assert parts[s] == pytest.approx(logsumexp(each_class), rel=1e-12)


def test_variables_in_any_order() -> None:
    """The axes of one table in a cycle, and two chains alike but for the variable that each touches throughout."""
    at = each(40).reshape(2, 20)
    variables = [Variable("g", (1,), 2), Variable("h", (1,), 2), Variable("z", (2, 20), 2), Variable("a", (2,), 2)]
    touched = [np.stack([np.zeros(19, int), row[:-1], row[1:]], 1) for row in at]
    scopes = [scope("gzz", touched[0]), scope("hzz", touched[1]), Scope("f", ("a", "g", "h"), np.array([[1, 0, 0]]))]
    graph, plan, tables = built((variables, scopes))
    hubs = [[np.linalg.multi_dot(np.exp(table[:, k])).sum() for k in range(2)] for table in graph.tables[:2]]
    wanted = np.log(2 * np.einsum("agh,g,h->", np.exp(graph.tables[2][0]), *hubs))
    found = jitted(log_normaliser)(plan.structure, plan.arrays, tables)
    assert float(found) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.long
@pytest.mark.parametrize("form", [markov, factorial, subjects_of_a_class], ids=lambda f: f.__name__)
def test_a_scan_and_rounds_agree(form, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, plan, tables = built(form(12))
    monkeypatch.setattr(slices, "SHORTEST", 10**9)
    other = make_plan(graph.variables, graph.scopes)
    assert len(other.structure.operations) > len(plan.structure.operations)
    first, second = (jitted(marginals)(p.structure, p.arrays, tables) for p in (plan, other))
    for name in first:
        np.testing.assert_allclose(first[name], second[name], rtol=0, atol=1e-10)


def random_tree(nodes: int, seed: int) -> Form:
    rng = np.random.default_rng(seed)
    number, parent = rng.permutation(nodes), np.array([rng.integers(0, i) for i in range(1, nodes)])
    return [Variable("z", (nodes,), 2)], [scope("zz", pairs(number[parent], number[1:]))]


@pytest.mark.parametrize("seed", range(20))
def test_trees_have_width_one_however_numbered(seed: int) -> None:
    variables, scopes = random_tree(10 + 15 * seed, seed)
    assert make_plan(variables, scopes).width == 1


def test_long_legs_of_a_spider_have_width_one() -> None:
    legs = each(1, 91).reshape(3, 30)
    steps = np.concatenate([pairs(leg[:-1], leg[1:]) for leg in legs] + [pairs(np.zeros(3, int), legs[:, 0])])
    assert make_plan([Variable("z", (91,), 2)], [scope("zz", steps)]).width == 1


def test_a_grid_is_as_wide_as_it_is_narrow() -> None:
    at = each(5 * 40).reshape(5, 40)
    across, down = pairs(at[:, :-1].ravel(), at[:, 1:].ravel()), pairs(at[:-1].ravel(), at[1:].ravel())
    plan = make_plan([Variable("s", (5, 40), 2)], [scope("ss", across), scope("ss", down)])
    assert plan.width == 5


# --- what is refused, what is said -------------------------------------------------------------------


def complete(nodes: int) -> tuple[Sequence[Variable], Sequence[Scope]]:
    rows, columns = np.triu_indices(nodes, 1)
    return [Variable("s", (nodes,), 2), Variable("t", (3,), 2)], [
        scope("ss", pairs(rows, columns)),
        scope("t", each(3)),
    ]


def test_too_wide() -> None:
    with pytest.raises(TooWide) as caught:
        make_plan(*complete(30))
    assert (caught.value.variables, caught.value.width, caught.value.cost) == (("s",), 29, 2**30)
    assert make_plan(*complete(12)).width == 11


def test_too_many_axes() -> None:
    rows, columns = np.triu_indices(60, 1)
    with pytest.raises(TooWide):
        make_plan([Variable("s", (60,), 1)], [scope("ss", pairs(rows, columns))])


def test_too_many_entries_in_all() -> None:
    variables, scopes = mixture(1000)
    assert make_plan(variables, scopes, Budget(cells=3000)).cells == 3000
    with pytest.raises(TooWide) as caught:
        make_plan(variables, scopes, Budget(cells=2999))
    assert caught.value.cost == 3000


def test_every_chain_costs() -> None:
    """Three subjects of 20 times: 60 tables of two binary elements."""
    assert make_plan(*subjects(3)).cells == 3 * 20 * 2**2
    with pytest.raises(TooWide):
        make_plan(*subjects(3), Budget(cells=200))


def test_too_many_operations() -> None:
    variables, scopes = random_tree(200, 1)
    needed = len(make_plan(variables, scopes).structure.operations)
    make_plan(variables, scopes, Budget(operations=needed))
    with pytest.raises(TooWide, match=r"z: width 1"):
        make_plan(variables, scopes, Budget(operations=needed - 1))


@pytest.mark.parametrize(
    "wrong",
    [scope("y", [0]), scope("z", [3]), scope("z", [-1]), Scope("f", (), np.zeros((1, 0), int))],
    ids=["name", "above", "below", "empty"],
)
def test_scopes_outside_the_variables(wrong: Scope) -> None:
    with pytest.raises(ValueError, match="f:"):
        make_plan([Variable("z", (3,), 2)], [wrong])


@pytest.mark.parametrize(
    ("form", "line"),
    [
        (mixture(1000), "z summed out: 3 states × 1,000 sites"),
        (several_at_a_site(50), "a, b summed out: 2, 3 states × 100 elements, in 1 step for 50 parts, width 1"),
        (markov(1000), "z summed out: 3 states × 1,000 elements, along 1 chain of 1,000 slices, width 1"),
        (subjects(5), "z summed out: 2 states × 100 elements, along 5 chains of 20 slices, width 1"),
    ],
)
def test_lines(form: Form, line: str) -> None:
    assert make_plan(*form).lines == (line,)
