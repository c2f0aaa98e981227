"""sgld and sghmc against closed forms and NUTS, with all data and with minibatches; what they say of themselves."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.errors import PplError
from ppl.inference.engines.nuts import NUTS
from ppl.inference.engines.sghmc import SGHMC
from ppl.inference.engines.sgld import SGLD
from ppl.inference.settings import SettingsError
from ppl.inference.stepping import Step
from ppl.inference.stochastic.chain import StochasticKernel
from ppl.inference.stochastic.sghmc import Underdamped
from tests.density.from_text import compiled
from tests.engines.subsampled import Regression, Unscaled, simulated
from tests.inference.densities import Funnel, eight_schools, gaussian
from tests.inference.runs import Run, run

SHORT = {"warmup": 200, "draws": 250}
PLAIN = {"minibatch": "obs=40", "control_variates": "off"}


@pytest.fixture(autouse=True)
def _double() -> Any:
    with jax.enable_x64(True):
        yield


def remarks(life: Any, density: Any, made: Run) -> dict[str, str]:
    return {remark.name: remark.verdict for remark in life.findings(density, made.carry).remarks}


def complaints(made: Run, mean: Any, sd: Any) -> list[str]:
    """What is off by more than the promise: means by 0.2 sd, sds by a factor in [0.8, 1.25]."""
    x = made.positions.reshape(-1, made.positions.shape[-1])
    found = []
    if np.any(np.abs(x.mean(0) - mean) > 0.2 * sd):
        found.append(f"means {(x.mean(0) - mean) / sd}")
    ratio = x.std(0) / sd
    if np.any((ratio < 0.8) | (ratio > 1.25)):
        found.append(f"sds {ratio}")
    return found


def in_errors(positions: Any, expected: Any) -> Any:
    """The mean of (chains, draws, n) less what is expected, in standard errors of means of stretches."""
    chains, draws, size = positions.shape
    stretches = positions[:, : draws // 10 * 10].reshape(chains * 10, -1, size).mean(axis=1)
    return (stretches.mean(0) - expected) / (stretches.std(0, ddof=1) / np.sqrt(chains * 10))


def conjugate(density: Regression) -> tuple[Any, Any]:
    x, y = np.asarray(density.x), np.asarray(density.y)
    covariance = np.linalg.inv(x.T @ x + np.eye(density.size))
    return covariance @ x.T @ y, np.sqrt(np.diag(covariance))


def by_nuts(density: Any) -> tuple[Any, Any]:
    x = run(NUTS(warmup=500, draws=2000), density).positions.reshape(-1, density.size)
    return x.mean(0), x.std(0)


# --- the law of the draws ----------------------------------------------------------------------------


def test_underdamped_dynamics_with_all_data_are_exact_for_gaussians() -> None:
    covariance = np.array([[1.0, 1.6], [1.6, 4.0]])
    density = gaussian(covariance, [3.0, -1.0])
    engine = SGHMC(warmup=200, draws=1000, steps=10)
    made = run(engine, density)
    assert np.all(np.abs(in_errors(made.positions, density.mean)) < 4)
    centred = made.positions - density.mean
    products = np.stack([centred[..., 0] ** 2, centred[..., 0] * centred[..., 1], centred[..., 1] ** 2], axis=-1)
    assert np.all(np.abs(in_errors(products, [1.0, 1.6, 4.0])) < 4)
    heat = engine.findings(density, made.carry).values["kinetic_temperature"][1]
    assert abs(heat.mean() - 1) < 4 * heat.std(ddof=1) / 2
    assert remarks(engine, density, made) == {"balance": "good"}

    again = run(engine, density, limits=itertools.cycle([1, 90, 7]))
    np.testing.assert_array_equal(again.positions, made.positions)
    np.testing.assert_array_equal(again.carry["states"].tally.virial, made.carry["states"].tally.virial)

    # Only numbers differ: the same program.
    unwarmed = run(dataclasses.replace(engine, warmup=0, draws=20), density)
    assert np.all(np.isfinite(unwarmed.stats["step_size"]))
    assert np.all(np.ptp(unwarmed.positions, axis=1) > 0)
    large = dataclasses.replace(engine, step_size=2.4)
    assert remarks(large, density, run(large, density)).get("unstable") == "bad"


@pytest.mark.parametrize("engine", [SGHMC(**SHORT, **PLAIN), SGLD(**SHORT, **PLAIN)], ids=lambda engine: engine.name)
def test_minibatches_of_a_conjugate_model(engine: Any) -> None:
    density = simulated("normal", 400, 3)
    made = run(engine, density)
    assert complaints(made, *conjugate(density)) == []
    found = engine.findings(density, made.carry)
    assert [remark.verdict for remark in found.remarks] == ["good"]
    # The gradients bring in a good part of the diffusion, so that it matters that it is made up for.
    assert np.all((found.values["noise_share"][1] > 0.1) & (found.values["noise_share"][1] < 0.35))


def test_sgld_is_as_wide_as_its_step_says() -> None:
    """The variance of a Gaussian of curvature 1 is 1 / (1 - ε / 2), in z."""
    density = gaussian(np.diag([0.01, 25.0]))
    made = run(SGLD(warmup=300, draws=1500, steps=10, step_size=0.6), density)
    scale = made.carry["tuning"][0]
    step = made.stats["step_size"][:, -1].mean()
    expected = np.diag([0.01, 25.0]).diagonal() / (1 - step * scale**2 / np.array([0.01, 25.0]) / 2)
    errors = in_errors(made.positions**2, expected)
    assert np.all(np.abs(errors) < 4)
    assert np.all(in_errors(made.positions**2, [0.01, 25.0]) > 6)


TARGETS = {
    "normal": lambda: simulated("normal", 1000, 4),
    "logistic": lambda: simulated("logistic", 1000, 4),
    "poisson": lambda: simulated("poisson", 300, 3),
}


@pytest.mark.long
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("batch", [{}, {"minibatch": "obs=50"}, {"minibatch": "obs=50", "control_variates": "off"}])
@pytest.mark.parametrize("engine", [SGHMC, SGLD])
def test_regressions(engine: Any, batch: dict[str, str], target: str) -> None:
    density = TARGETS[target]()
    chosen = engine(warmup=500, draws=1000, **batch)
    made = run(chosen, density)
    assert complaints(made, *by_nuts(density)) == []
    assert remarks(chosen, density, made) == {"balance": "good"}


@pytest.mark.long
@pytest.mark.parametrize("engine", [SGHMC, SGLD])
def test_many_data_in_small_minibatches(engine: Any) -> None:
    """From far away, among noise, with the bulk some hundred times narrower than where chains start."""
    density = jax.device_put(simulated("normal", 30_000, 10))
    chosen = engine(warmup=1000, draws=500, minibatch="obs=100")
    made = run(chosen, density)
    assert complaints(made, *conjugate(density)) == []
    assert remarks(chosen, density, made) == {"balance": "good"}


@pytest.mark.long
@pytest.mark.parametrize("engine", [SGHMC, SGLD])
def test_eight_schools(engine: Any) -> None:
    density = eight_schools(centred=False)
    chosen = engine(warmup=1000, draws=2000)
    made = run(chosen, density)
    assert complaints(made, *by_nuts(density)) == []
    assert remarks(chosen, density, made) == {"balance": "good"}


@pytest.mark.long
@pytest.mark.parametrize("schedule", ["decreasing", "cyclical"])
def test_schedules(schedule: str) -> None:
    density = simulated("normal", 400, 3)
    engine = SGLD(warmup=300, draws=600, schedule=schedule, cycles=3)
    made = run(engine, density)
    assert complaints(made, *conjugate(density)) == []
    steps = made.stats["step_size"][0]
    if schedule == "decreasing":
        shares = np.ceil(engine.steps * (1 + 10 * np.arange(600) / 600) ** (1 / 3)) / engine.steps
        np.testing.assert_allclose(steps[0] / steps, shares)
    else:
        np.testing.assert_allclose(steps[:200], steps[200:400])
        assert np.all(np.diff(steps[:200]) < 0)


# --- what they say of draws that are not to be trusted -----------------------------------------------


@pytest.mark.long
def test_tiny_minibatches_are_told() -> None:
    density = simulated("normal", 400, 3)
    engine = SGHMC(warmup=60, draws=60, minibatch="obs=2", control_variates="off")
    assert remarks(engine, density, run(engine, density)).get("slow") == "bad"


@pytest.mark.long
def test_a_funnel_is_told() -> None:
    engine = SGHMC(warmup=500, draws=1000)
    density = Funnel(5)
    assert "bad" in remarks(engine, density, run(engine, density)).values()


# --- seeded faults -----------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class WrongNoise(Underdamped):
    """The injected noise is that of another temperature."""

    def numbers(self, curvature: Any, noise: Any, step: Step) -> Mapping[str, Any]:
        numbers = super().numbers(curvature, noise, step)
        return {**numbers, "spread": 1.5 * numbers["spread"]}


@dataclasses.dataclass(frozen=True)
class WrongFriction(Underdamped):
    """Less friction than the noise was made for."""

    def numbers(self, curvature: Any, noise: Any, step: Step) -> Mapping[str, Any]:
        numbers = super().numbers(curvature, noise, step)
        return {**numbers, "kept": numbers["kept"] ** (1 / 3)}


@dataclasses.dataclass(frozen=True)
class NoBalance(Underdamped):
    """The noise of gradients is taken to be nil."""

    def numbers(self, curvature: Any, noise: Any, step: Step) -> Mapping[str, Any]:
        return super().numbers(curvature, jnp.zeros_like(noise), step)


@dataclasses.dataclass(frozen=True)
class ReusedKey(StochasticKernel):
    """The same random words in each iteration."""

    def step(self, density: Any, state: Any, tuning: Any, step: Step) -> Any:
        fixed = jnp.where(step.warming, 0, step.options["warmup"]).astype(jnp.uint32)
        return super().step(density, state, tuning, step._replace(number=fixed))


@pytest.mark.long
@pytest.mark.parametrize("fault", [WrongNoise, WrongFriction])
def test_wrong_noise_or_friction_is_told_and_seen(fault: type[Underdamped]) -> None:
    density = gaussian(np.eye(2))
    life: Any = SGHMC(**SHORT).life
    life = dataclasses.replace(life, kernel=dataclasses.replace(life.kernel, dynamics=fault()))
    made = run(life, density)
    assert complaints(made, np.zeros(2), np.ones(2))
    assert remarks(life, density, made).get("temperature") == "bad"


@pytest.mark.long
def test_noise_that_is_not_made_up_for_is_told_and_seen() -> None:
    density = simulated("normal", 400, 3)
    life: Any = SGHMC(**SHORT, **PLAIN).life
    life = dataclasses.replace(life, kernel=dataclasses.replace(life.kernel, dynamics=NoBalance()))
    made = run(life, density)
    assert complaints(made, *conjugate(density))
    assert "bad" in remarks(life, density, made).values()


@pytest.mark.long
def test_reused_keys_and_unscaled_minibatches_are_seen() -> None:
    density = simulated("normal", 400, 3)
    life: Any = SGHMC(**SHORT, **PLAIN).life
    reusing = dataclasses.replace(life, kernel=ReusedKey(life.kernel.dynamics, life.kernel.gradients))
    assert complaints(run(reusing, density), *conjugate(density))
    unscaled = Unscaled(density.x, density.y, density.family)
    assert complaints(run(life, unscaled), *conjugate(density))


# --- minibatches of models ---------------------------------------------------------------------------


MODEL = """
dim obs ordered
dim g
data y[obs], x[obs], z[obs], w[obs] > 0, c[obs] : g
a, b, e ~ Normal(0, 1)
t[g]    ~ Normal(0, 1)
v[obs]  ~ Normal(0, 1)
m[i] = a + b * x[i] + e * z[i] + t[c[i]] for i in obs
y[i] ~ Normal(m[i] + b * y[i-1] + v[i], w[i]) for i in obs[1:]
"""


def test_slices_are_minibatches() -> None:
    """With lags, parts of a dim, latents along it and gathers: as at these positions, and right on average."""
    rng = np.random.default_rng(0)
    data = {name: rng.normal(size=9) for name in "yxz"}
    density = compiled(MODEL, {**data, "w": rng.uniform(1, 2, size=9), "c": rng.integers(0, 3, size=9)})
    u = rng.normal(size=density.size)
    shuffled = density.shuffled("obs", 4, (1, 2))
    order = np.asarray(shuffled.order)
    assert sorted(order[:9]) == list(range(9))
    assert list(order[9:]) == list(order[:3])

    def estimates(shuffled: Any, u: jax.Array) -> tuple[jax.Array, ...]:
        starts = jnp.arange(9)
        sliced = jax.lax.map(lambda start: shuffled.log_density_slice(u, start), starts)
        at = shuffled.order[starts[:, None] + jnp.arange(4)[None, :]]
        picked = jax.lax.map(lambda batch: shuffled.density.log_density_on(u, {"obs": batch}), at)
        return sliced, picked, shuffled.log_density(u)

    sliced, picked, whole = jax.jit(estimates)(shuffled, u)
    np.testing.assert_allclose(sliced, picked, rtol=1e-12)
    assert float(np.mean(sliced)) == pytest.approx(float(whole), rel=1e-12)
    assert float(np.std(sliced)) > 0.1

    for dim, count, code in (("obz", 4, "E608"), ("obs", 10, "E608"), ("g", 2, "E551")):
        with pytest.raises(PplError, match=code):
            SGLD(minibatch=f"{dim}={count}").start(density, jax.random.split(jax.random.key(0), 2))


def test_what_discrete_latents_are_summed_out_of_is_no_minibatch() -> None:
    text = """
dim obs
data y[obs]
m     ~ Normal(0, 1)
z[obs] ~ Bernoulli(0.5)
y[i]  ~ Normal(m * z[i], 1) for i in obs
"""
    density = compiled(text, {"y": np.arange(4.0)})
    with pytest.raises(PplError, match=r"E551.*\n.*\n.*summed out of this"):
        density.shuffled("obs", 2, (1,))


@pytest.mark.parametrize("text", ["obs", "obs=", "obs=0", "=3", "obs=2.5", "obs=3,g=2", "2=3"])
def test_a_minibatch_names_a_dim_and_a_number(text: str) -> None:
    with pytest.raises(SettingsError, match="NAME=NUMBER"):
        SGLD(minibatch=text)
