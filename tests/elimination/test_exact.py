"""Normalisers, gradients, marginals, draws and modes of small graphs against the sum over all joint states."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from ppl.compiler.elimination import (
    Plan,
    log_normaliser,
    log_normalisers,
    make_plan,
    marginals,
    mode,
    sample,
)
from ppl.compiler.elimination.structure import Chain
from tests.elimination import enumerate as exact
from tests.elimination.enumerate import Graph
from tests.elimination.structures import DRAWN, FORMS, MORE, SCANNED, Builder, build


def _forms(quick: tuple[Builder, ...]) -> list:
    """All of them; those that are not quick are for long runs."""
    marks = {form: () if form in quick else (pytest.mark.long,) for form in (*FORMS, *MORE)}
    return [pytest.param(form, id=form.__name__, marks=mark) for form, mark in marks.items()]


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def planned(graph: Graph) -> tuple[Plan, list[jax.Array]]:
    return make_plan(graph.variables, graph.scopes), [jnp.asarray(t) for t in graph.tables]


def _everything(structure, arrays, tables):
    value, gradient = jax.value_and_grad(log_normaliser, argnums=2)(structure, arrays, tables)
    return value, gradient, log_normalisers(structure, arrays, tables), marginals(structure, arrays, tables)


everything = jax.jit(_everything, static_argnums=0)  # one program for all tables of a structure


def check(graph: Graph) -> None:
    """Everything that has a derivative."""
    plan, tables = planned(graph)
    value, gradient, parts, found = everything(plan.structure, plan.arrays, tables)
    assert value == pytest.approx(exact.log_normaliser(graph), rel=1e-12, abs=1e-10)
    assert parts.shape == (plan.structure.components,)
    assert jnp.sum(parts) == pytest.approx(float(value), abs=1e-10)
    for ours, reference in zip(gradient, exact.gradients(graph), strict=True):
        np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-10)
    for name, reference in exact.marginals(graph).items():
        np.testing.assert_allclose(found[name], reference, rtol=0, atol=1e-10)


@pytest.mark.parametrize("form", _forms(FORMS))
def test_as_by_enumeration(form) -> None:
    check(build(form, 1))


@pytest.mark.parametrize("form", _forms(FORMS))
def test_with_impossible_states(form) -> None:
    graph = build(form, 2, impossible=0.3)
    assert any(np.isneginf(t).any() for t in graph.tables)
    check(graph)


@pytest.mark.parametrize("form", _forms(DRAWN))
def test_most_probable_states(form) -> None:
    graph = build(form, 3)
    plan, tables = planned(graph)
    found = jax.jit(mode, static_argnums=0)(plan.structure, plan.arrays, tables)
    states = np.concatenate([np.ravel(found[v.name]) for v in graph.variables])
    weights = exact.joint(graph)
    assert weights[tuple(states)] == pytest.approx(weights.max(), abs=1e-10)


@pytest.mark.parametrize("form", SCANNED, ids=lambda f: f.__name__)
def test_chains_are_scanned(form) -> None:
    plan, _ = planned(build(form, 1))
    assert any(isinstance(operation, Chain) for operation in plan.structure.operations)


@pytest.mark.parametrize("form", _forms(FORMS))
def test_nothing_possible(form) -> None:
    """The normaliser is −inf and no derivative is NaN."""
    graph = build(form, 4)
    plan, tables = planned(graph)
    tables[0] = jnp.full_like(tables[0], -jnp.inf)
    value, gradient, _, found = everything(plan.structure, plan.arrays, tables)
    assert np.isneginf(value)
    assert all(np.isfinite(g).all() for g in (*gradient, *found.values()))


@pytest.mark.parametrize("form", _forms(DRAWN))
def test_draws_follow_the_joint_distribution(form) -> None:
    """χ² of joint states: those whose expected count is small are one cell."""
    count = 4000
    graph = build(form, 5, impossible=0.05)
    plan, tables = planned(graph)
    program = jax.jit(jax.vmap(sample, (None, None, None, 0)), static_argnums=0)
    draws = program(plan.structure, plan.arrays, tables, jax.random.split(jax.random.key(11), count))
    found = {name: np.asarray(states) for name, states in draws.items()}
    states = np.concatenate([np.reshape(found[v.name], (count, -1)) for v in graph.variables], axis=1)
    assert all(found[v.name].dtype == np.int64 and found[v.name].shape == (count, *v.shape) for v in graph.variables)
    p = exact.probabilities(graph)
    seen = np.bincount(np.ravel_multi_index(tuple(states.T), p.shape), minlength=p.size)
    expected = count * p.ravel()
    assert not seen[expected == 0].any()
    large = expected > 8
    seen = np.append(seen[large], seen[~large].sum())
    expected = np.append(expected[large], expected[~large].sum())
    kept = expected > 0
    assert kept.sum() > 2
    assert stats.chisquare(seen[kept], expected[kept]).pvalue > 1e-4
    for s, probability in zip(graph.scopes, exact.gradients(graph), strict=True):
        columns = [np.reshape(found[name], (count, -1))[:, s.positions[:, i]] for i, name in enumerate(s.variables)]
        share = np.zeros_like(probability)
        np.add.at(share, (np.arange(len(share))[None], *columns), 1 / count)
        error = np.sqrt(np.clip(probability * (1 - probability), 0, 1) / count)
        enough = count * np.minimum(probability, 1 - probability) > 10  # for the normal approximation
        assert (abs(share - probability) <= 5.5 * error)[enough].all()


def test_an_impossible_component_leaves_the_others_alone() -> None:
    graph = build(FORMS[0], 6)
    plan, tables = planned(graph)
    tables[0] = tables[0].at[2].set(-jnp.inf)
    _, _, parts, found = everything(plan.structure, plan.arrays, tables)
    assert np.isneginf(parts).tolist() == [False, False, True, False, False, False]
    np.testing.assert_allclose(found["z"].sum(axis=2), [[1, 1, 0], [1, 1, 1]], atol=1e-12)


def test_not_a_number_is_not_hidden() -> None:
    graph = build(FORMS[0], 6)
    plan, tables = planned(graph)
    value, *_ = everything(plan.structure, plan.arrays, [tables[0].at[1, 1].set(jnp.nan), tables[1]])
    assert np.isnan(value)
