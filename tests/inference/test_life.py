"""The engine contract: chunks, resuming, compilation, starts, settings; for the Hamiltonian engines."""

from __future__ import annotations

import io
import itertools
import pickle
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.inference.contract import InitialisationError
from ppl.inference.hamiltonian import program
from ppl.inference.placing import Place
from ppl.inference.registry import ENGINES
from ppl.inference.settings import SettingsError, settings_of
from tests.inference.densities import LogisticRegression, eight_schools, gaussian
from tests.inference.runs import run

HAMILTONIAN = ("nuts", "hmc")
STATS = {"lp", "energy", "energy_error", "acceptance_rate", "step_size", "n_steps", "tree_depth", "diverging"}


def assert_same(a: Any, b: Any) -> None:
    for left, right in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("name", [*HAMILTONIAN, "mh"])
def test_chunks_and_interruptions_change_nothing(name: str) -> None:
    engine = ENGINES[name](warmup=60, draws=40)
    density = eight_schools(False)
    whole = run(engine, density, chains=3)
    pieces = run(engine, density, chains=3, limits=itertools.cycle([1, 7, 3, 20]))
    np.testing.assert_array_equal(whole.positions, pieces.positions)
    assert_same(whole.stats, pieces.stats)
    assert_same(whole.carry["states"], pieces.carry["states"])

    carry = engine.start(density, jax.random.split(jax.random.key(1), 3))
    later: list[Any] = []
    while not engine.done(carry):
        carry, chunk = engine.advance(density, carry, 33)
        carry = pickle.load(io.BytesIO(pickle.dumps(carry)))
        later.extend([] if chunk.warmup else [chunk.positions])
    np.testing.assert_array_equal(whole.positions, np.concatenate(later, axis=1))


@pytest.mark.parametrize("name", HAMILTONIAN)
def test_a_chain_does_not_depend_on_how_many_run_without_pooling(name: str) -> None:
    engine = ENGINES[name](warmup=30, draws=20, adaptation="stan")
    density = eight_schools(False)
    many, few = (
        run(engine, density, chains=4),
        [
            engine.start(density, jax.random.split(jax.random.key(1), 4)[:2]),
        ],
    )
    carry, kept = few[0], []
    while not engine.done(carry):
        carry, chunk = engine.advance(density, carry)
        kept.extend([] if chunk.warmup else [chunk.positions])
    np.testing.assert_array_equal(many.positions[:2], np.concatenate(kept, axis=1))


@pytest.mark.parametrize("name", HAMILTONIAN)
def test_shapes_types_and_progress(name: str) -> None:
    engine = ENGINES[name](warmup=25, draws=15)
    density = eight_schools(False)
    carry = engine.start(density, jax.random.split(jax.random.key(0), 2))
    assert engine.progress(carry) == (0, 40)
    done = 0
    while not engine.done(carry):
        carry, chunk = engine.advance(density, carry, 9)
        assert 1 <= chunk.draws <= 9
        assert chunk.warmup == (done < 25)
        done += chunk.draws
        assert engine.progress(carry) == (done, 40)
        assert chunk.positions.shape == (2, chunk.draws, 10)
        assert chunk.positions.dtype == np.float64
        assert set(chunk.stats) == STATS
        assert all(values.shape == (2, chunk.draws) for values in chunk.stats.values())
        assert chunk.stats["diverging"].dtype == np.bool_
        assert chunk.stats["n_steps"].dtype == np.int32
    assert done == 40
    assert all(isinstance(leaf, np.ndarray | np.generic) for leaf in jax.tree.leaves(carry))


@pytest.mark.parametrize("name", HAMILTONIAN)
def test_lp_is_the_log_density_of_the_draw(name: str) -> None:
    engine = ENGINES[name](warmup=30, draws=20)
    density = eight_schools(True)
    result = run(engine, density, chains=2)
    with jax.enable_x64(True):
        wanted = jax.vmap(jax.vmap(density.log_density))(result.positions)
    np.testing.assert_allclose(result.stats["lp"], wanted, rtol=1e-12)


@pytest.mark.parametrize("name", HAMILTONIAN)
def test_one_compilation_serves_a_run_its_settings_and_every_data_set_of_a_shape(name: str) -> None:
    draw = np.random.default_rng(0)

    def data(seed: int) -> LogisticRegression:
        draw = np.random.default_rng(seed)
        return LogisticRegression(draw.normal(size=(37, 3)), (draw.random(37) < 0.5).astype(float))

    engine = ENGINES[name]
    before = program.run_chain._cache_size()
    run(engine(warmup=100, draws=30), data(1), limits=itertools.cycle([7, 50]))
    run(engine(warmup=50, draws=200, target_acceptance=0.9), data(2), chains=2)
    run(engine(warmup=0, draws=5, step_size=0.1), data(3), positions=draw.normal(size=(4, 3)))
    assert program.run_chain._cache_size() == before + 1


@pytest.mark.parametrize("name", HAMILTONIAN)
def test_float32(name: str) -> None:
    density = jax.tree.map(lambda leaf: leaf.astype(np.float32), gaussian(np.eye(3), np.ones(3)))
    result = run(ENGINES[name](precision="float32", warmup=100, draws=200), density)
    assert result.positions.dtype == np.float32
    assert np.abs(result.positions.mean((0, 1)) - 1).max() < 0.3


@partial(jax.tree_util.register_dataclass, data_fields=["bound"], meta_fields=[])
@dataclass(frozen=True)
class Above:
    """A standard normal cut off below a bound: NaN there."""

    bound: jax.Array
    size = 2

    def log_density(self, u: jax.Array) -> jax.Array:
        return -0.5 * jnp.sum(u * u) + 0 * jnp.sum(jnp.log(u - self.bound))


@pytest.mark.parametrize("name", HAMILTONIAN)
def test_starts_are_tried_until_one_is_finite(name: str) -> None:
    result = run(ENGINES[name](warmup=20, draws=20), Above(np.float64(1.0)))
    assert int(result.carry["states"].tries.max()) > 1
    assert (result.positions > 1.0).all()


@pytest.mark.parametrize("name", HAMILTONIAN)
def test_no_start_says_where_the_last_was(name: str) -> None:
    engine = ENGINES[name]()
    density = Above(np.float64(3.0))
    carry = engine.start(density, jax.random.split(jax.random.key(1), 2))
    with pytest.raises(InitialisationError) as caught:
        engine.advance(density, carry)
    assert caught.value.chain == 0
    assert caught.value.tries == 100
    assert caught.value.position.shape == (2,)
    assert (np.abs(caught.value.position) < 2).all()
    assert np.isnan(caught.value.log_density)


@pytest.mark.parametrize("name", HAMILTONIAN)
def test_a_given_start_is_taken_or_refused(name: str) -> None:
    density = Above(np.float64(1.0))
    engine = ENGINES[name](warmup=0, draws=1, step_size=1e-6)
    start = np.array([[1.5, 1.25], [1.75, 2.5]])
    result = run(engine, density, chains=2, positions=start)
    np.testing.assert_allclose(result.positions[:, 0], start, atol=1e-2)
    carry = engine.start(density, jax.random.split(jax.random.key(1), 2), start - 1)
    with pytest.raises(InitialisationError) as caught:
        engine.advance(density, carry)
    assert caught.value.tries == 1
    np.testing.assert_array_equal(caught.value.position, start[0] - 1)
    with pytest.raises(ValueError, match="shape"):
        engine.start(density, jax.random.split(jax.random.key(1), 2), start[:1])


@pytest.mark.parametrize("name", HAMILTONIAN)
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("draws", 0),
        ("warmup", -1),
        ("draws", 10.5),
        ("draws", "many"),
        ("draws", True),
        ("target_acceptance", 1.0),
        ("target_acceptance", float("nan")),
        ("metric", "round"),
        ("step_size", 0),
        ("precision", "float16"),
    ],
)
def test_settings_out_of_range_are_refused_in_words(name: str, setting: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=f"`{setting}` is .*but it takes") as caught:
        ENGINES[name](**{setting: value})
    assert caught.value.setting == setting


@pytest.mark.parametrize("name", HAMILTONIAN)
def test_settings_describe_themselves(name: str) -> None:
    settings = settings_of(ENGINES[name])
    assert {one.name for one in settings} >= {"warmup", "draws", "target_acceptance", "metric"}
    for one in settings:
        assert one.help
        assert one.check(one.default) == one.default
    assert ENGINES[name](draws=10.0).draws == 10


def test_stans_defaults() -> None:
    nuts = ENGINES["nuts"]()
    assert (nuts.warmup, nuts.draws, nuts.target_acceptance, nuts.max_depth) == (1000, 1000, 0.8, 10)


@pytest.mark.parametrize("name", HAMILTONIAN)
def test_vectorised_chains_are_the_same_chains(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs on an accelerator, here on the CPU: the same draws up to rounding, while chaos leaves them alike."""
    engine = ENGINES[name](warmup=0, draws=5, step_size=0.1)
    density = eight_schools(False)
    alone = run(engine, density, chains=3)
    monkeypatch.setattr(Place, "is_cpu", False)
    together = run(engine, density, chains=3)
    np.testing.assert_allclose(together.positions, alone.positions, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(together.stats["n_steps"], alone.stats["n_steps"])
