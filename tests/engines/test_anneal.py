"""anneal: ground states against sums over all states, and the highest of many peaks."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.inference.annealing.cooling import KNOTS, Moments, even_knots, first_knots
from ppl.inference.contract import Findings
from ppl.inference.engines.anneal import Anneal
from ppl.inference.engines.map import MAP
from tests.engines.factors import Factors, grid
from tests.inference.runs import Run, run

COUPLING = np.array([[[1.0, -1.0], [-1.0, 1.0]]])


@pytest.fixture(autouse=True)
def _double() -> Any:
    with jax.enable_x64(True):
        yield


@partial(jax.tree_util.register_dataclass, data_fields=["centre", "bowl", "height"], meta_fields=[])
@dataclass(frozen=True)
class Rastrigin:
    """-Σ bowl x² / 2 + height (1 - cos 2πx), x = u - centre: a peak near every whole x, the highest at the centre."""

    centre: Any
    bowl: Any
    height: Any

    @property
    def size(self) -> int:
        return int(self.centre.shape[0])

    def log_density(self, u: jax.Array) -> jax.Array:
        x = u - self.centre
        return -jnp.sum(self.bowl * x**2 / 2 + self.height * (1 - jnp.cos(2 * np.pi * x)))


def glass(side: int, seed: int) -> Factors:
    """Couplings +1 and -1 on a square with free edges."""
    rng = np.random.default_rng(seed)
    reads = grid(side, 1.0).reads
    signs = rng.choice([-1.0, 1.0], len(reads[0]))
    return Factors((2,) * side**2, reads, (signs[:, None, None] * COUPLING,))


def highest(side: int, model: Factors) -> float:
    """The largest log density of a lattice: row by row and site by site, the best that leads to each row of spins."""
    shape = (2,) * side
    table = {read: model.logs[0][i] for i, read in enumerate(model.reads[0])}
    best = np.zeros(shape)
    for row in range(side):
        for column in range(side):
            site = row * side + column
            if row:
                above = table[site - side, site]
                best = np.moveaxis(best, column, -1)
                best = np.max(best[..., :, None] + above, axis=-2)
                best = np.moveaxis(best, -1, column)
            if column:
                before = table[site - 1, site].reshape([2 if k in (column - 1, column) else 1 for k in range(side)])
                best = best + before
    return float(best.max())


def verdicts(found: Findings) -> dict[str, str]:
    return {remark.name: remark.verdict for remark in found.remarks}


def searched(engine: Any, density: Any, chains: int = 4, **given: Any) -> tuple[Run, Findings]:
    made = run(engine, density, chains=chains, **given)
    return made, engine.findings(density, made.carry)


def states_of(made: Run) -> Any:
    return made.chunks[-1].discrete[:, 0].astype(np.int64)


def test_ground_states_of_a_glass() -> None:
    """±J on 8 × 8, whose ground state the transfer of maxima knows; the draw has the log density that it tells."""
    engine = Anneal(steps=600)
    model = glass(8, 1)
    exact = highest(8, model)
    made, found = searched(engine, model, chains=8)
    lp = made.stats["lp"][:, 0]
    assert lp.max() == pytest.approx(exact)
    assert np.sum(lp > exact - 1e-6) >= 4
    spins = 2 * states_of(made) - 1
    pairs = np.array(model.reads[0])
    bonds = (model.logs[0][:, 0, 0] * spins[:, pairs[:, 0]] * spins[:, pairs[:, 1]]).sum(axis=1)
    np.testing.assert_allclose(bonds, lp)
    assert "modes" in verdicts(found)
    again, _ = searched(engine, model, chains=8, limits=itertools.cycle([1, 90, 7]))
    np.testing.assert_array_equal(states_of(again), states_of(made))

    # Quenches of hot states: no spin would rather be turned, but that is no ground state; and what each says tells.
    quick, said = searched(Anneal(steps=16, hottest=3.0, coldest=2.9), model, chains=8)
    assert quick.stats["lp"].mean() < exact - 2
    spins = 2 * states_of(quick) - 1
    aligned = model.logs[0][:, 0, 0] * spins[:, pairs[:, 0]] * spins[:, pairs[:, 1]]
    field = np.zeros_like(spins, float)
    for end in (0, 1):
        np.add.at(field.T, pairs[:, end], aligned.T)
    assert field.min() >= 0
    assert verdicts(said) == {"modes": "bad"}


def test_the_highest_of_many_peaks() -> None:
    density = Rastrigin(np.array([0.9, -1.2, 1.4, 0.3, -0.7]), np.float64(4.0), np.float64(3.0))
    direct, _ = searched(MAP(), density, chains=8)
    assert direct.stats["lp"].max() < -1
    engine = Anneal()
    made, found = searched(engine, density, chains=8)
    at_top = made.stats["lp"][:, 0] > -1e-9
    assert at_top.sum() >= 3
    np.testing.assert_allclose(made.positions[at_top, 0], np.tile(density.centre, (at_top.sum(), 1)), atol=1e-9)
    assert verdicts(found)["modes"] == ("good" if at_top.all() else "bad")
    assert found.values["temperature"][1][-1] <= 0.1


def test_temperatures_are_dense_where_the_energy_varies() -> None:
    """A peak of the heat capacity in the middle of log T; none of it anywhere: even in log T."""
    knots = first_knots(np.array([-np.inf, -10.0, 0.0, 10.0]), 10.0, 0.1)
    np.testing.assert_allclose(np.exp(knots[[0, -1]]), [10.0, 0.1])
    spread = np.exp(knots) * np.exp(-0.5 * ((knots - np.log(1.0)) / 0.1) ** 2)
    count = np.ones((2, KNOTS))
    found = even_knots(knots, Moments(count, count, np.tile(spread**2, (2, 1))))
    middle = np.abs(found - np.log(1.0)) < 0.3
    assert middle.sum() > 1.8 * (np.abs(knots - np.log(1.0)) < 0.3).sum()
    np.testing.assert_allclose(even_knots(knots, Moments(count, count, 0 * count)), knots, atol=1e-9)
    chosen = np.exp(first_knots(np.linspace(-100.0, 100.0, 101), 0.0, 0.0))
    assert chosen[0] == pytest.approx(68.0)
    assert chosen[-1] == pytest.approx(0.068)


@pytest.mark.long
@pytest.mark.parametrize("update", ["gibbs", "metropolis"])
@pytest.mark.parametrize("schedule", ["adaptive", "geometric"])
def test_a_largest_cut(update: str, schedule: str) -> None:
    """Of a random graph with 20 nodes, against all its cuts."""
    rng = np.random.default_rng(3)
    pairs = tuple(pair for pair in itertools.combinations(range(20), 2) if rng.random() < 0.3)
    model = Factors((2,) * 20, (pairs,), (np.array([[[0.0, 1.0], [1.0, 0.0]]]),))
    sides = np.arange(2**19)[:, None] >> np.arange(20) & 1
    cut = np.zeros(2**19, np.int64)
    for i, j in pairs:
        cut += sides[:, i] != sides[:, j]
    made, found = searched(Anneal(steps=1000, update=update, schedule=schedule), model)
    np.testing.assert_array_equal(made.stats["lp"][:, 0], cut.max())
    assert verdicts(found)["modes"] in ("good", "note")


@pytest.mark.long
def test_slower_cooling_finds_more() -> None:
    """Of 12 × 12 ±J: how far above the ground state searches end."""
    model = glass(12, 2)
    exact = highest(12, model)
    above = [exact - searched(Anneal(steps=steps), model, chains=12)[0].stats["lp"].mean() for steps in (30, 300, 3000)]
    assert above[0] > above[1] > above[2] >= 0
    assert above[2] < 3
