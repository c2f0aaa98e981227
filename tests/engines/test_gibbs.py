"""Walks through discrete states against sums over all of them."""

from __future__ import annotations

import io
import itertools
import pickle
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ppl
from ppl.inference import randomness
from ppl.inference.contract import InitialisationError
from ppl.inference.discrete import schedule as scheduling
from ppl.inference.discrete.colouring import colouring
from ppl.inference.discrete.findings import standstill
from ppl.inference.discrete.schedule import make_schedule
from ppl.inference.discrete.sweep import flat_tables, walk
from ppl.inference.engines.gibbs import Gibbs
from tests.engines.factors import Factors, enumerated, grid, mean_bonds, random_model, together

MODELS = [random_model(seed) for seed in range(10)]


def discrete_run(engine: Any, density: Any, chains: int, seed: int = 1, limits: Any = None) -> tuple[Any, Any, Any]:
    """States (chains, draws, m), positions (chains, draws, n) and the carry."""
    carry = engine.start(density, jax.random.split(jax.random.key(seed), chains))
    states, positions = [], []
    while not engine.done(carry):
        carry, chunk = engine.advance(density, carry, None if limits is None else next(limits))
        if limits is not None:
            carry = pickle.load(io.BytesIO(pickle.dumps(carry)))
        if not chunk.warmup:
            states.append(chunk.discrete)
            positions.append(chunk.positions)
    return np.concatenate(states, axis=1), np.concatenate(positions, axis=1), carry


def worst(states: Any, models: list[Factors]) -> float:
    """The largest difference, in standard errors between chains, of the frequency of a joint state of one of models
    that stand side by side from its probability; infinite where an impossible one was seen."""
    found, first = 0.0, 0
    for model in models:
        mine = states[:, :, first : first + len(model.counts)].astype(np.int64)
        first += len(model.counts)
        code = np.ravel_multi_index(tuple(np.moveaxis(mine, -1, 0)), model.counts)
        probability = enumerated(model)[1]
        share = np.stack([np.bincount(chain, minlength=len(probability)) for chain in code]) / code.shape[1]
        if share[:, probability == 0].any():
            return np.inf
        often = probability * code.size > 30
        error = share.std(axis=0, ddof=1) / np.sqrt(len(share))
        apart = np.abs(share.mean(axis=0) - probability)
        found = max(found, float((apart[often] / np.maximum(error[often], 1e-12)).max()))
    return found


@pytest.mark.parametrize("update", ["gibbs", "metropolis"])
def test_random_models_have_the_probabilities_of_a_sum_over_all_states(
    update: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten at once, side by side; of Metropolis fewer, in groups by their numbers of states and factors."""
    models = MODELS
    if update == "metropolis":
        monkeypatch.setattr(scheduling, "_FEW", 0)
        models = MODELS[:3]
    engine = Gibbs(warmup=20, draws=400, sweeps=4, update=update)
    states, _, carry = discrete_run(engine, together(models), chains=40)
    assert (len(carry["schedule"].groups) > 1) == (update == "metropolis")
    assert worst(states, models) < 5


def test_interruptions_change_nothing() -> None:
    engine = Gibbs(warmup=20, draws=400, sweeps=4)
    density = together(MODELS)
    whole, _, carry = discrete_run(engine, density, chains=2)
    pieces, _, other = discrete_run(engine, density, chains=2, limits=itertools.cycle([1, 7, 90]))
    np.testing.assert_array_equal(whole, pieces)
    np.testing.assert_array_equal(carry["moves"], other["moves"])


@pytest.mark.long
@pytest.mark.parametrize("fault", ["none", "conditional", "colours", "factor"])
def test_faults_are_seen(fault: str) -> None:
    """A conditional at another temperature, neighbours updated together, a factor left out: each is caught by the
    test that finds nothing without them."""
    density = together(MODELS)
    scopes, shapes = density.scopes, [table.shape for table in density.logs]
    colours = np.zeros(len(density.counts), np.int64) if fault == "colours" else None
    with jax.enable_x64(True):
        flat = flat_tables(density, jnp.zeros(0)) * (0.9 if fault == "conditional" else 1.0)
    if fault == "factor":
        # The third of the first model, whose entries stay in the vector.
        kept = [np.zeros((0, 2), np.int64) if i == 2 else scope for i, scope in enumerate(scopes)]
        schedule = make_schedule(density.cardinality, kept, shapes)
    else:
        schedule = make_schedule(density.cardinality, scopes, shapes, colours)

    @partial(jax.jit, static_argnums=0)
    def drawn(draws: int, schedule: Any, flat: jax.Array, start: jax.Array, key: jax.Array) -> jax.Array:
        def draw(states: jax.Array, i: jax.Array) -> tuple[jax.Array, jax.Array]:
            states = walk("gibbs", schedule, flat, states, key, i, jnp.int32(4)).states
            return states, states[schedule.places]

        return jax.lax.scan(draw, start, jnp.arange(draws, dtype=jnp.int32))[1]

    with jax.enable_x64(True):
        keys = jax.vmap(lambda i: randomness.words(jnp.array([1, 2], jnp.uint32), i, 2))(
            jnp.arange(40, dtype=jnp.uint32)
        )
        # States that break no constraint: the last of every site.
        start = np.zeros(schedule.size, np.int32)
        start[schedule.places] = density.cardinality - 1
        run = jax.vmap(partial(drawn, 420), in_axes=(None, None, None, 0))
        states = np.asarray(run(schedule, flat, start, keys))[:, 20:]
    assert (worst(states, MODELS) < 5) == (fault == "none")


def test_the_energy_of_a_lattice_is_that_of_its_transfer_matrix() -> None:
    side, coupling = 12, 0.35
    density = grid(side, coupling)
    states, _, _ = discrete_run(Gibbs(warmup=100, draws=200, sweeps=5), density, chains=20)
    spins = 2 * states.astype(np.int64) - 1
    pairs = density.scopes[0]
    bonds = (spins[:, :, pairs[:, 0]] * spins[:, :, pairs[:, 1]]).sum(axis=2).mean(axis=1)
    error = bonds.std(ddof=1) / np.sqrt(len(bonds))
    assert error < 0.01 * len(pairs)
    assert abs(bonds.mean() - mean_bonds(side, coupling)) < 5 * error


# --- colours and orders ------------------------------------------------------------------------------


def test_no_factor_joins_sites_of_one_colour() -> None:
    rng = np.random.default_rng(1)
    scopes = [np.array([rng.choice(60, r, replace=False) for _ in range(40)]) for r in (1, 2, 3)]
    colours = colouring(60, scopes)
    for scope in scopes:
        assert all(len(set(colours[row])) == len(row) for row in scope)
    neighbours = np.zeros((60, 60), bool)
    for scope in scopes:
        for row in scope:
            neighbours[np.ix_(row, row)] = True
    assert colours.max() < neighbours.sum(axis=1).max()
    assert colouring(144, grid(12, 1.0).scopes).max() == 1
    assert colouring(3, []).max() == 0


def test_padding_stays_small_where_one_site_has_many_factors() -> None:
    """A hub that every other site touches, of many states: not everyone pays for it."""
    leaves = 2000
    cardinality = np.array([50] + [2] * leaves)
    scope = np.array([[0, i + 1] for i in range(leaves)])
    schedule = make_schedule(cardinality, [scope], [(1, 50, 2)])
    entries = sum(group.offset.size * len(group.values) for group in schedule.groups)
    assert entries <= 2 * leaves * (50 + 2)
    assert sorted(schedule.places) == list(range(leaves + 1))


# --- starts and standstill ---------------------------------------------------------------------------


def one_hot(rows: int, states: int, values: int) -> Factors:
    """A ring of sites, neighbours different, each row a ring; hard constraints that random states nearly never meet."""
    same = np.where(np.eye(values, dtype=bool), -np.inf, 0.0)[None]
    reads = tuple((r * states + i, r * states + (i + 1) % states) for r in range(rows) for i in range(states))
    return Factors((values,) * (rows * states), (reads,), (same,))


def test_states_that_meet_hard_constraints_are_found_or_their_absence_said() -> None:
    """Rings whose neighbours must differ: with three values possible for any length, with two for even ones alone."""
    engine = Gibbs(warmup=0, draws=1, sweeps=1)
    states, _, _ = discrete_run(engine, one_hot(4, 11, 3), chains=2)
    ring = states.reshape(2, 4, 11)
    assert (ring != np.roll(ring, 1, axis=2)).all()
    with pytest.raises(InitialisationError) as caught:
        discrete_run(engine, one_hot(4, 11, 2), chains=2)
    assert caught.value.log_density == -np.inf
    assert caught.value.states is not None
    assert caught.value.states.shape == (44,)


def test_elements_that_chains_hold_fast_in_different_states_are_reported() -> None:
    states = np.array([[0, 0, 1], [0, 1, 1]])
    moves = np.array([[5, 0, 0], [7, 0, 0]])
    found = standstill(states, moves, 10, np.array([2, 2, 2]))
    assert [remark.name for remark in found.remarks] == ["frozen"]
    assert found.remarks[0].values == {"elements": 1.0}
    np.testing.assert_allclose(found.values["flip_rate"][1], [5 / 30, 7 / 30])
    assert not standstill(states, moves + 1, 10, np.array([2, 2, 2])).remarks


# --- the language ------------------------------------------------------------------------------------

GLASS = """
dim site ordered
dim edge
data src[edge] : site, dst[edge] : site, J[edge]
dim kind = 3
var s[site] : spin
k ~ Categorical(fill(1/3, kind))
energy bonds: -J[edge] * s[src[edge]] * s[dst[edge]]
energy colours unnormalised: 0.5 * k * s[0]
"""


@pytest.mark.long
def test_named_draws_of_a_model_are_those_of_the_sum() -> None:
    """Names, types and laws as elimination gives them."""
    rng = np.random.default_rng(2)
    pairs = list(itertools.combinations(range(5), 2))
    data = {"src": [i for i, _ in pairs], "dst": [j for _, j in pairs], "J": 0.4 * rng.normal(size=len(pairs))}
    model = ppl.compile(GLASS)
    exact = model.sample(data, chains=4, draws=2000, progress=False).posterior
    walked = model.sample(data, engine="gibbs", warmup=50, chains=20, draws=400, sweeps=3, progress=False).posterior
    for name in ("s", "k"):
        assert exact[name].dtype == walked[name].dtype
        assert exact[name].dims == walked[name].dims
    products = [fit["s"].values[..., :, None] * fit["s"].values[..., None, :] for fit in (exact, walked)]
    kinds = [fit["k"].values[..., None] == np.arange(3) for fit in (exact, walked)]
    for one, other in (products, kinds):
        one, other = (a.reshape(*a.shape[:2], -1).astype(float) for a in (one, other))
        error = np.hypot(
            one.std(axis=(0, 1)) / np.sqrt(8000), other.mean(axis=1).std(axis=0, ddof=1) / np.sqrt(len(other))
        )
        apart = np.abs(one.mean(axis=(0, 1)) - other.mean(axis=(0, 1)))
        assert (apart <= 5 * error).all()


def test_a_model_that_cannot_hold_is_explained_by_its_line() -> None:
    text = """
dim site = 3
var b[site] : bool, a : bool
energy same: 0 * b[site]
energy never: -log(1 if a and b[site] else 0) + 0 * b[site]
energy not_a: -log(0 if a else 1)
"""
    with pytest.raises(ppl.PplError, match="E502") as caught:
        ppl.compile(text).sample(engine="gibbs", progress=False)
    assert "minus infinity" in str(caught.value)
    assert "a search for states of the discrete latents" in str(caught.value)
