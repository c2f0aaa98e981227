"""vi against closed forms, with all data and with minibatches; what it says of itself."""

from __future__ import annotations

import dataclasses
import itertools
import pickle
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ppl.inference.contract import Findings
from ppl.inference.engines.vi import VI
from ppl.inference.modes.drawing import ApproximationLife
from ppl.inference.settings import SettingsError
from ppl.inference.variational.families import Draw, Family, FullRank, LowRank, MeanField, Member
from ppl.inference.variational.fitting import VariationalFitter
from ppl.inference.variational.flow import Bent, bent
from tests.engines.subsampled import Regression, Unscaled, simulated
from tests.inference.densities import Funnel, gaussian
from tests.inference.runs import Run, run

MEAN = np.array([1.0, -200.0, 0.5])
COVARIANCE = np.array([[1.0, 9.0, 0.0], [9.0, 400.0, 0.2], [0.0, 0.2, 0.0025]])
FAMILIES: list[Family] = [MeanField(), LowRank(2), FullRank()]


@pytest.fixture(autouse=True)
def _double() -> Any:
    with jax.enable_x64(True):
        yield


def fitted(engine: Any, density: Any, **given: Any) -> tuple[Run, Findings]:
    made = run(engine, density, **given)
    return made, engine.findings(density, made.carry)


def verdicts(findings: Findings) -> dict[str, str]:
    return {remark.name: remark.verdict for remark in findings.remarks}


def member(family: Family, seed: int = 0) -> Member:
    rng = np.random.default_rng(seed)
    begun = family.begin(rng.normal(size=4))
    factor = 0.5 * rng.normal(size=begun.factor.shape)
    return Member(begun.mean, 0.3 * rng.normal(size=4), np.tril(factor, -1) if family == FullRank() else factor)


def dense(family: Family, of: Member) -> Any:
    own: Any = family.approximation(of)
    root = np.array([own.sample(z) - own.mean for z in np.eye(4)]).T
    return root @ root.T


# --- families ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_a_gradient_is_the_path_derivative(family: Family) -> None:
    """The derivative of s·u - log q(u) along the way of u alone, for a step from nothing; and log q is that of q."""
    own = member(family)
    z, slope = np.random.default_rng(1).normal(size=family.normals(4)), np.arange(4.0)
    drawn = family.draw(own, jnp.asarray(z))
    q = family.approximation(own)
    assert float(drawn.log_density) == pytest.approx(float(q.log_density(drawn.position)), rel=1e-12)

    def along(step: Member) -> jax.Array:
        u = family.draw(family.moved(own, step), jnp.asarray(z)).position
        return jnp.dot(slope, u) - q.log_density(u)

    wanted = jax.jit(jax.grad(along))(jax.tree.map(np.zeros_like, own))
    if family == FullRank():  # its steps stay triangular
        wanted = wanted._replace(factor=jnp.tril(wanted.factor, -1))
    for got, want in zip(family.gradient(own, jnp.asarray(z), drawn, jnp.asarray(slope)), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_a_change_is_the_divergence_both_ways(family: Family) -> None:
    old, new = member(family, 1), member(family, 2)
    covariances, away = [dense(family, each) for each in (old, new)], new.mean - old.mean
    precisions = [np.linalg.inv(each) for each in covariances]
    traces = np.trace(precisions[0] @ covariances[1]) + np.trace(precisions[1] @ covariances[0])
    wanted = 0.5 * (traces - 8 + away @ (precisions[0] + precisions[1]) @ away)
    assert family.change(old, new) == pytest.approx(wanted, rel=1e-10)
    assert family.change(old, old) == pytest.approx(0, abs=1e-12)


# --- flows -------------------------------------------------------------------------------------------


def bent_member(family: Bent, size: int, free: float) -> Member:
    rng = np.random.default_rng(4)
    begun = family.begin(rng.normal(size=size))
    own = begun.couplings
    networks = own._replace(
        stretch=0.3 * rng.normal(size=own.stretch.shape),
        shift=0.3 * rng.normal(size=own.shift.shape),
        free=np.full_like(own.free, free),
    )
    factor = np.tril(0.5 * rng.normal(size=(size, size)), -1)
    return Member(begun.mean, 0.3 * rng.normal(size=size), factor, networks)


@pytest.mark.parametrize("size", [1, 5])
def test_a_flow_knows_its_density(size: int) -> None:
    family = Bent(layers=1, hidden=3)
    own, z = bent_member(family, size, 1.0), jnp.asarray(np.random.default_rng(1).normal(size=size))
    drawn, flow = jax.jit(family.draw)(own, z), family.approximation(own)
    np.testing.assert_allclose(drawn.position, flow.sample(z), rtol=1e-12)
    volume = np.linalg.slogdet(jax.jit(jax.jacobian(flow.sample))(z))[1]
    wanted = -0.5 * float(z @ z) - 0.5 * size * np.log(2 * np.pi) - volume
    assert float(drawn.log_density) == pytest.approx(wanted, rel=1e-10)
    assert float(flow.log_density(drawn.position)) == pytest.approx(wanted, rel=1e-10)
    # Before the networks learn anything it is the Gaussian of its mean and scales.
    begun, plain = family.begin(np.arange(size)), FullRank().begin(np.arange(size))
    for got, want in zip(jax.jit(family.draw)(begun, z), FullRank().draw(plain, z), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_in_a_flow_every_coordinate_acts_on_every_other() -> None:
    family = Bent(layers=1, hidden=3)
    own = bent_member(family, 11, 1.0)
    reads = jax.jit(jax.jacobian(lambda z: bent(own.couplings, z)[0]))(jnp.zeros(11))
    assert np.all(np.asarray(reads) != 0)


def test_a_gradient_of_a_flow_is_the_path_derivative() -> None:
    family = Bent(layers=1, hidden=3)
    own, z = bent_member(family, 5, 0.0), jnp.asarray(np.random.default_rng(1).normal(size=5))
    q, drawn = family.approximation(own), jax.jit(family.draw)(own, z)
    slope = jax.jit(jax.grad(q.log_density))(drawn.position) + 0.1 * jnp.arange(5.0)

    def along(u: jax.Array) -> jax.Array:
        return jnp.dot(slope, u) - q.log_density(u)

    def by_step(step: Member) -> jax.Array:
        return along(family.draw(family.moved(own, step), z).position)

    def by_networks(networks: Any) -> jax.Array:
        return along(family.draw(own._replace(couplings=networks), z).position)

    found = jax.jit(family.gradient)(own, z, drawn, slope)
    wanted = jax.jit(jax.grad(by_step))(jax.tree.map(np.zeros_like, own))
    for got, want in zip(found[:2], wanted[:2], strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.factor, jnp.tril(wanted.factor, -1), rtol=1e-9, atol=1e-12)
    # Networks have theirs up to a factor, the same for all.
    networks = jax.jit(jax.grad(by_networks))(own.couplings)
    ratio = np.asarray(found.couplings.offset) / np.asarray(networks.offset)
    assert ratio.min() > 0
    assert ratio.max() == pytest.approx(ratio.min(), rel=1e-8)
    np.testing.assert_allclose(found.couplings.stretch, ratio[0, 0] * networks.stretch, rtol=1e-8, atol=1e-10)


@partial(jax.tree_util.register_dataclass, data_fields=[], meta_fields=["size"])
@dataclasses.dataclass(frozen=True)
class Banana:
    """u0 ~ N(0, 2), u1 ~ N(u0² / 2 - 2, 1/2): its integral is 2π."""

    size: int = 2

    def log_density(self, u: jax.Array) -> jax.Array:
        return -0.5 * (u[0] / 2) ** 2 - 2 * (u[1] - 0.5 * (u[0] ** 2 - 4)) ** 2


def elbo(findings: Findings) -> Any:
    """Of each chain's fit, from its draws."""
    return findings.values["log_ratio"][1].mean(axis=1)


@pytest.mark.long
def test_a_flow_fits_what_no_gaussian_does() -> None:
    for density, log_z, better in (
        (Banana(), np.log(2 * np.pi), 0.6),
        (Funnel(4), 2 * np.log(2 * np.pi) + np.log(3), 0.6),
    ):
        plain = fitted(VI(draws=1000, iterations=12000), density, chains=2)[1]
        flow = fitted(VI(draws=1000, iterations=12000, family="flow"), density, chains=2)[1]
        assert np.all(elbo(flow) > elbo(plain) + better)
        assert np.all(elbo(flow) < log_z + 0.05)
        assert flow.values["effective_draws"][1].min() > 2 * plain.values["effective_draws"][1].max()


@pytest.mark.long
@pytest.mark.parametrize("minibatch", ["", "obs=40"])
def test_a_flow_is_no_worse_where_a_gaussian_does(minibatch: str) -> None:
    if not minibatch:
        made, findings = fitted(VI(draws=1000, family="flow", layers=1), gaussian(COVARIANCE, MEAN), chains=2)
        assert verdicts(findings) == {"rest": "good", "pareto_k": "good"}
        log_z = 1.5 * np.log(2 * np.pi) + 0.5 * np.linalg.slogdet(COVARIANCE)[1]
        np.testing.assert_allclose(elbo(findings), log_z, atol=0.01)
    density = simulated("logistic", 200, 2)
    made, findings = fitted(
        VI(draws=500, family="flow", layers=1, iterations=8000, minibatch=minibatch), density, chains=2
    )
    assert not complaints(made, density)


# --- fits --------------------------------------------------------------------------------------------


def test_full_rank_is_exact_for_a_gaussian() -> None:
    """And goes on from any carry as if it had not stopped, and says what it found."""
    engine, density = VI(draws=200), gaussian(COVARIANCE, MEAN)
    made, findings = fitted(engine, density, chains=2)
    result = made.carry["fit"]["result"]
    for chain in range(2):
        root = result.factor[chain] + np.diag(np.exp(result.log_scale[chain]))
        assert np.max(np.abs(root @ root.T - COVARIANCE) / np.sqrt(np.outer(*[np.diagonal(COVARIANCE)] * 2))) < 0.01
        assert np.max(np.abs(result.mean[chain] - MEAN) / np.sqrt(np.diagonal(COVARIANCE))) < 0.01
    errors = (made.positions.mean((0, 1)) - MEAN) / np.sqrt(np.diagonal(COVARIANCE) / 400)
    assert np.max(np.abs(errors)) < 4
    assert verdicts(findings) == {"rest": "good", "pareto_k": "good"}
    log_z = 1.5 * np.log(2 * np.pi) + 0.5 * np.linalg.slogdet(COVARIANCE)[1]
    axes, elbo = findings.values["elbo"]
    assert axes == ("chain", "step")
    np.testing.assert_allclose([np.nanmax(row) for row in elbo], log_z, atol=0.01)
    np.testing.assert_allclose(findings.values["log_evidence"][1], log_z, atol=0.01)
    assert np.all(elbo[:, 0] < log_z - 1)

    carry = engine.start(density, jax.random.split(jax.random.key(1), 2), None)
    kept = []
    for limit in itertools.cycle([7, 1, 60]):
        carry, chunk = engine.advance(density, pickle.loads(pickle.dumps(carry)), limit)
        kept.append(chunk.positions)
        if engine.done(carry):
            break
    np.testing.assert_array_equal(np.concatenate(kept, axis=1), made.positions)


def moments(density: Regression) -> tuple[Any, Any]:
    """Means and standard deviations of two coordinates, by quadrature."""
    axis = np.linspace(-2, 2, 161)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    log_p = np.asarray(jax.vmap(density.log_density)(jnp.asarray(grid)))
    weights = np.exp(log_p - log_p.max())
    weights /= weights.sum()
    mean = weights @ grid
    return mean, np.sqrt(weights @ (grid - mean) ** 2)


def complaints(made: Run, density: Regression) -> list[str]:
    """What is off by more than the promise: means by 0.2 sd, sds by a factor in [0.8, 1.25]."""
    mean, sd = moments(density)
    x = made.positions.reshape(-1, 2)
    found = [] if np.all(np.abs(x.mean(0) - mean) <= 0.2 * sd) else ["means"]
    ratio = x.std(0) / sd
    return found if np.all((ratio >= 0.8) & (ratio <= 1.25)) else [*found, "sds"]


@pytest.mark.parametrize("minibatch", [pytest.param("", marks=pytest.mark.long), "obs=40"])
def test_a_logistic_regression(minibatch: str) -> None:
    density = simulated("logistic", 200, 2)
    made, findings = fitted(VI(draws=500, minibatch=minibatch), density, chains=2)
    assert not complaints(made, density)
    assert verdicts(findings)["rest"] == "good"


def test_what_no_member_fits_is_said() -> None:
    """Correlations, for the mean-field family."""
    density = gaussian(0.1 * np.eye(6) + 0.9)
    made, findings = fitted(VI(draws=300, family="mean-field"), density, chains=2)
    assert verdicts(findings)["pareto_k"] == "bad"
    # KL(q|p) is least where the variances are those of each coordinate given the others (Bishop 2006, section 10.1.2).
    wanted = 1 / np.sqrt(np.diagonal(density.precision))
    np.testing.assert_allclose(made.positions.std((0, 1)), np.broadcast_to(wanted, 6), rtol=4 / np.sqrt(2 * 600))
    for wrong in ({"family": "mixture"}, {"layers": 0}, {"hidden": 0}, {"hidden": 2.5}):
        with pytest.raises(SettingsError):
            VI(**wrong)


@pytest.mark.long
def test_a_full_rank_fit_of_many_dimensions_comes_to_rest() -> None:
    """Its gradients have a noise that grows with the dimension."""
    rng = np.random.default_rng(5)
    root = np.eye(60) + 0.3 * rng.normal(size=(60, 60))
    _, findings = fitted(VI(draws=300, iterations=20000), gaussian(root @ root.T), chains=1)
    assert verdicts(findings) == {"rest": "good", "pareto_k": "good"}


@pytest.mark.long
def test_a_funnel_is_said_to_be_none_of_its_family() -> None:
    _, findings = fitted(VI(draws=500, iterations=5000), Funnel(5), chains=2)
    assert verdicts(findings)["pareto_k"] == "bad"
    assert verdicts(findings)["rest"] == "bad"


@pytest.mark.long
def test_low_rank_holds_what_its_rank_allows() -> None:
    rng = np.random.default_rng(3)
    factor = rng.normal(size=(8, 2))
    covariance = np.eye(8) + factor @ factor.T
    made, findings = fitted(VI(draws=500, family="low-rank", rank=2, resample="yes"), gaussian(covariance))
    assert verdicts(findings) == {"rest": "good", "pareto_k": "good"}
    sds = made.positions.std((0, 1)) / np.sqrt(np.diagonal(covariance))
    np.testing.assert_allclose(sds, 1, atol=4 / np.sqrt(2 * 2000))


# --- faults ------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class NoEntropy(FullRank):
    """Nothing holds it open."""

    def draw(self, member: Member, z: jax.Array) -> Draw:
        drawn = super().draw(member, z)
        return drawn._replace(pull=jnp.zeros_like(drawn.pull))


@pytest.mark.long
def test_a_fit_without_entropy_is_seen() -> None:
    density = simulated("logistic", 200, 2)
    life = ApproximationLife(VariationalFitter(NoEntropy(), 4, 0.01, 2000, None), 300, False)
    made, findings = fitted(life, density, chains=2)
    assert "sds" in complaints(made, density)
    assert "bad" in verdicts(findings).values()


@pytest.mark.long
def test_minibatches_that_are_not_rescaled_are_seen() -> None:
    density = Unscaled(**vars(simulated("logistic", 200, 2)))
    assert "sds" in complaints(run(VI(draws=300, minibatch="obs=40"), density, chains=2), density)
