"""Missing data against densities, posteriors and conditional laws written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest
from scipy import stats

from ppl.compiler.density.compiled import CompiledDensity
from ppl.errors import PplError
from tests.density.from_text import compare, compiled, evaluated, points

NAN = float("nan")
DRAWS = 20_000


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def log_densities(density: CompiledDensity, us: Any) -> np.ndarray:
    return np.asarray(evaluated(lambda us: jax.lax.map(density.log_density, us), us))


def reconstructed(density: CompiledDensity, u: Any, draws: int) -> dict[str, np.ndarray]:
    keys = jax.random.split(jax.random.key(1), draws)
    return dict(evaluated(jax.vmap(lambda key: density.reconstruct(u, key)), keys))


REGRESSION = """
dim obs ordered
data y[obs]?, x[obs]
a, b ~ Normal(0, 1)
s ~ HalfNormal(1)
y[obs] ~ Normal(a + b * x[obs], s)
residual[obs] = y[obs] - a - b * x[obs]
predict last ~ Normal(y[0], 0.001)
"""


def regression_data() -> tuple[dict[str, Any], dict[str, Any]]:
    """With gaps, and without the rows that have them."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=12)
    y = 0.5 - x + rng.normal(size=12)
    gone = np.isin(np.arange(12), [0, 4, 11])
    return {"y": np.where(gone, NAN, y), "x": x}, {"y": y[~gone], "x": x[~gone]}


def test_missing_outcomes_that_nothing_reads_leave_the_density_alone() -> None:
    gaps, rows = regression_data()
    density, dropped = compiled(REGRESSION, gaps), compiled(REGRESSION, rows)
    assert density.size == dropped.size == 3
    both = jax.jit(lambda u: [jax.value_and_grad(d.log_density)(u) for d in (density, dropped)])
    for u in points(density, 20):
        (value, gradient), (expected_value, expected) = both(u)
        np.testing.assert_allclose(value, expected_value, rtol=1e-12)
        np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-12)
    u = points(density, 1)[0]
    likelihood, rows_alone = evaluated(lambda u: [d.log_likelihood(u)["y"] for d in (density, dropped)], u)
    assert np.isnan(likelihood[[0, 4, 11]]).all()
    np.testing.assert_allclose(likelihood[~np.isnan(likelihood)], rows_alone, rtol=1e-12)


def test_missing_outcomes_that_nothing_reads_are_drawn_from_their_distribution() -> None:
    gaps, _ = regression_data()
    density = compiled(REGRESSION, gaps)
    u = np.array([0.4, -0.8, -0.3])
    assert "y_missing" not in jax.eval_shape(density.constrain, u)
    found = reconstructed(density, u, DRAWS)
    mean, sd = 0.4 - 0.8 * gaps["x"][[0, 4, 11]], np.exp(-0.3)
    assert found["y_missing"].shape == (DRAWS, 3)
    np.testing.assert_allclose(found["y_missing"].mean(0), mean, atol=5 * sd / np.sqrt(DRAWS))
    np.testing.assert_allclose(found["y_missing"].std(0), sd, rtol=0.03)
    assert np.all(np.abs(np.corrcoef(found["y_missing"].T) - np.eye(3)) < 0.04)
    # What reads the missing elements reads these very draws.
    np.testing.assert_allclose(found["residual"][:, [0, 4, 11]], found["y_missing"] - mean, atol=1e-12)
    there = gaps["y"] - (0.4 - 0.8 * gaps["x"])
    np.testing.assert_allclose(found["residual"][7, 1:4], there[1:4], rtol=1e-12)
    both = evaluated(density.follow, u, jax.random.key(0))
    np.testing.assert_allclose(both["predictions"]["last"], both["values"]["y_missing"][0], atol=0.01)
    assert np.isfinite(both["replicates"]["y"]).all()


AR = """
dim time ordered
data y[time]?
phi ~ Normal(0, 1)
s ~ HalfNormal(1)
y[0] ~ Normal(0, 3)
y[t] ~ Normal(phi * y[t-1], s) for t in time[1:]
"""


def series() -> tuple[np.ndarray, np.ndarray]:
    """A whole series, and which of its elements go missing: the first, one, two in a row, the last."""
    rng = np.random.default_rng(5)
    y = np.zeros(15)
    for t in range(1, 15):
        y[t] = 0.7 * y[t - 1] + rng.normal()
    return y, np.isin(np.arange(15), [0, 4, 8, 9, 14])


def test_missing_elements_that_others_read_are_latents() -> None:
    y, gone = series()
    density = compiled(AR, {"y": np.where(gone, NAN, y)})
    assert density.size == 2 + 4

    def reference(values: dict[str, Any]) -> float:
        whole = y.copy()
        whole[[0]] = values["first"]
        whole[[4, 8, 9]] = values["rest"]
        phi, s = values["phi"], values["s"]
        # the last element is missing, and nothing reads it
        steps = stats.norm.logpdf(whole[1:14], phi * whole[:13], s).sum()
        return float(stats.norm.logpdf(phi) + stats.halfnorm.logpdf(s) + stats.norm.logpdf(whole[0], 0, 3) + steps)

    us = points(density, 50)
    for u, found in zip(us, log_densities(density, us), strict=True):
        values = {"first": u[:1], "rest": u[1:4], "phi": u[4], "s": np.exp(u[5])}
        np.testing.assert_allclose(found, reference(values) + u[5], rtol=1e-10)
    likelihood = evaluated(density.log_likelihood, us[0])["y"]
    assert np.array_equal(np.isnan(likelihood), gone)


def test_gaps_of_an_autoregression_have_the_exact_posterior() -> None:
    """Given phi and s, the gaps are Gaussian: the log density is quadratic in them, with the moments of the process."""
    y, gone = series()
    density = compiled(AR, {"y": np.where(gone, NAN, y)})
    phi, s = 0.7, 1.1
    fixed = np.array([phi, np.log(s)])

    def log_density(gaps: jax.Array) -> jax.Array:
        return density.log_density(jax.numpy.concatenate([gaps, fixed]))

    with jax.enable_x64(True):
        zero = jax.numpy.zeros(4)
        hessian, gradient = jax.jit(lambda u: (jax.hessian(log_density)(u), jax.grad(log_density)(u)))(zero)
        precision = -np.asarray(hessian)
        mean = np.linalg.solve(precision, np.asarray(gradient))
    lags = np.subtract.outer(np.arange(15), np.arange(15))
    loading = np.where(lags >= 0, phi ** np.maximum(lags, 0), 0.0)
    whole = loading @ np.diag([9.0] + [s**2] * 14) @ loading.T
    u, o = np.flatnonzero(gone), np.flatnonzero(~gone)
    gain = whole[np.ix_(u, o)] @ np.linalg.inv(whole[np.ix_(o, o)])
    expected_mean = gain @ y[o]
    expected = whole[np.ix_(u, u)] - gain @ whole[np.ix_(o, u)]
    np.testing.assert_allclose(mean, expected_mean[:4], rtol=1e-9)
    np.testing.assert_allclose(np.linalg.inv(precision), expected[:4, :4], rtol=1e-9, atol=1e-12)
    # The last is drawn given the one before, which is there.
    found = reconstructed(density, np.concatenate([mean, fixed]), DRAWS)["y_missing"]
    np.testing.assert_allclose(found[0, :4], mean, rtol=1e-12)
    assert abs(found[:, 4].mean() - phi * y[13]) < 5 * s / np.sqrt(DRAWS)
    assert abs(found[:, 4].std() / s - 1) < 0.03


BOUNDED = """
dim obs, group
data y[obs]?, group_of[obs] : group, low[obs], z[obs]
top[group] ~ Uniform(5, 9)
y[obs] ~ truncated(Normal(2, 3), lower=low[obs], upper=top[group_of[obs]])
z[obs] ~ Normal(log(y[obs] - low[obs]), 1)
"""


def test_missing_elements_have_the_support_of_their_distribution() -> None:
    data = {
        "y": [1.0, NAN, 3.0, NAN],
        "group_of": [0, 1, 1, 0],
        "low": [0.0, 0.5, -1.0, 2.0],
        "z": [0.3, 0.1, 1.0, -0.2],
    }
    density = compiled(BOUNDED, data)

    def reference(values: dict[str, Any]) -> float:
        y = np.array([1.0, values["y_missing"][0], 3.0, values["y_missing"][1]])
        low, top = np.array(data["low"]), values["top"][[0, 1, 1, 0]]
        law = stats.truncnorm((low - 2) / 3, (top - 2) / 3, 2, 3)
        return float(law.logpdf(y).sum() + stats.norm.logpdf(data["z"], np.log(y - low), 1).sum() - 2 * np.log(4))

    compare(density, reference, lambda v: [v["top"], v["y_missing"]], count=30)


def test_covariates_with_a_distribution_of_their_own() -> None:
    text = """
dim obs
data y[obs], x[obs]?
m, b ~ Normal(0, 1)
x ~ Normal(m, 2)
y ~ Normal(b * x, 1)
"""
    x, y = np.array([0.3, NAN, -1.0, NAN]), np.array([1.0, 2.0, -0.5, 0.1])
    density = compiled(text, {"y": y, "x": x})
    assert density.size == 4

    def reference(values: dict[str, Any]) -> float:
        whole = np.array([0.3, values["x_missing"][0], -1.0, values["x_missing"][1]])
        m, b = values["m"], values["b"]
        return float(
            stats.norm.logpdf([m, b]).sum()
            + stats.norm.logpdf(whole, m, 2).sum()
            + stats.norm.logpdf(y, b * whole, 1).sum()
        )

    compare(density, reference, lambda v: [v["m"], v["b"], v["x_missing"]], count=30)


# --- Gaussian vectors --------------------------------------------------------------------------------

ROWS = """
dim row
dim k = 4
data x[row, k]?, y[row, k]?, z[row, k]?, S[k, k], Q[k, k]
m[k] ~ Normal(0, 1)
s ~ HalfNormal(1)
x[row, k] ~ MvNormal(m, s * S)
y[row, k] ~ MvNormal(m, precision=Q / s)
z[row, k] ~ MvNormal(m, cholesky=cholesky(s * S))
"""


def rows() -> tuple[np.ndarray, np.ndarray]:
    """Vectors with random holes: whole ones, wholly missing ones, and everything between."""
    rng = np.random.default_rng(11)
    x = rng.normal(size=(9, 4))
    gone = rng.uniform(size=(9, 4)) < 0.4
    gone[0], gone[1] = False, True
    assert 0 < gone[2:].sum() < 28
    half = rng.normal(size=(4, 4))
    return np.where(gone, NAN, x), half @ half.T + np.eye(4)


def gaussian_rows() -> tuple[CompiledDensity, np.ndarray, np.ndarray]:
    x, matrix = rows()
    density = compiled(ROWS, {"x": x, "y": x, "z": x, "S": matrix, "Q": np.linalg.inv(matrix)})
    assert density.size == 5
    return density, x, matrix


def test_rows_with_holes_count_by_their_marginal_density() -> None:
    """Whichever matrix they are given by: the same rows stand in the model three times."""
    density, x, matrix = gaussian_rows()

    def of_row(row: np.ndarray, values: dict[str, Any]) -> float:
        there = np.flatnonzero(~np.isnan(row))
        if not there.size:
            return 0.0
        law = stats.multivariate_normal(values["m"][there], values["s"] * matrix[np.ix_(there, there)])
        return float(law.logpdf(row[there]))

    def reference(values: dict[str, Any]) -> float:
        prior = stats.norm.logpdf(values["m"]).sum() + stats.halfnorm.logpdf(values["s"])
        return float(prior + 3 * sum(of_row(row, values) for row in x))

    compare(density, reference, lambda v: [v["m"], v["s"]], count=20)
    u = points(density, 1)[0]
    values, found = evaluated(lambda u: (density.constrain(u), density.log_likelihood(u)), u)
    gone = np.isnan(x).all(1)
    expected = np.array([of_row(row, values) for row in x])
    for likelihood in found.values():
        assert np.array_equal(np.isnan(likelihood), gone)
        np.testing.assert_allclose(likelihood[~gone], expected[~gone], rtol=1e-10)


def test_holes_are_drawn_from_their_conditional_law() -> None:
    density, x, matrix = gaussian_rows()
    m, s = np.array([0.5, -1.0, 0.2, 0.0]), 0.8
    found = reconstructed(density, density.unconstrain({"m": m, "s": s}), DRAWS)
    at = np.argwhere(np.isnan(x))
    for name in ("x", "y", "z"):
        drawn = found[f"{name}_missing"]
        assert drawn.shape == (DRAWS, len(at))
        for i, row in enumerate(x):
            if np.isnan(row).any():
                _has_conditional_law(drawn[:, at[:, 0] == i], row, m, s * matrix)


def _has_conditional_law(drawn: np.ndarray, row: np.ndarray, mean: np.ndarray, matrix: np.ndarray) -> None:
    """Rasmussen and Williams (2006), equation A.6: mean and covariance over the draws within five standard errors."""
    gone, there = np.flatnonzero(np.isnan(row)), np.flatnonzero(~np.isnan(row))
    gain = matrix[np.ix_(gone, there)] @ np.linalg.inv(matrix[np.ix_(there, there)])
    expected = mean[gone] + gain @ (row - mean)[there]
    covariance = matrix[np.ix_(gone, gone)] - gain @ matrix[np.ix_(there, gone)]
    sd = np.sqrt(np.diag(covariance))
    assert np.all(np.abs(drawn.mean(0) - expected) < 5 * sd / np.sqrt(len(drawn)))
    spread = np.cov(drawn.T).reshape(gone.size, gone.size) / np.outer(sd, sd)
    assert np.all(np.abs(spread - covariance / np.outer(sd, sd)) < 5 * np.sqrt(2 / len(drawn)))


def test_a_process_with_missing_values() -> None:
    text = """
dim obs
data t[obs], y[obs]?
rho ~ InverseGamma(5, 5)
K[i, j] = exp(-0.5 * ((t[i] - t[j]) / rho)^2) + (0.1 if i == j else 0) for i in obs, j in obs
y[obs] ~ MvNormal(0, K)
"""
    t, y = np.arange(6.0), np.array([0.1, NAN, 0.5, -0.4, NAN, 1.0])
    density = compiled(text, {"t": t, "y": y})
    assert density.size == 1

    def reference(values: dict[str, Any]) -> float:
        there = ~np.isnan(y)
        near = np.exp(-0.5 * (np.subtract.outer(t[there], t[there]) / values["rho"]) ** 2)
        law = stats.multivariate_normal(np.zeros(4), near + 0.1 * np.eye(4))
        return float(law.logpdf(y[there]) + stats.invgamma.logpdf(values["rho"], 5, scale=5))

    compare(density, reference, lambda v: [v["rho"]], count=20)


def test_holes_that_others_read_are_latents_of_the_joint_density() -> None:
    text = """
dim row
dim k = 2
data x[row, k]?, S[k, k], y[row]
b ~ Normal(0, 1)
x[row, k] ~ MvNormal(fill(0, k), S)
y[row] ~ Normal(b * x[row, 0], 1)
"""
    x, matrix = np.array([[1.0, NAN], [NAN, 0.5], [NAN, NAN], [0.2, 0.3]]), np.array([[2.0, 0.5], [0.5, 1.0]])
    y = np.array([0.1, -0.2, 0.4, 1.0])
    density = compiled(text, {"x": x, "S": matrix, "y": y})
    # the second element of the first row is read by nothing; the others are read, or joined to one that is
    assert density.size == 1 + 3

    def reference(values: dict[str, Any]) -> float:
        whole = x.copy()
        whole[1, 0], whole[2] = values["x1"], values["x2"]
        law = stats.multivariate_normal(np.zeros(2), matrix)
        rows_ = law.logpdf(whole[1:]).sum() + stats.norm.logpdf(1.0, 0, np.sqrt(2.0))
        return float(stats.norm.logpdf(values["b"]) + rows_ + stats.norm.logpdf(y, values["b"] * whole[:, 0], 1).sum())

    us = points(density, 20)
    for u, found in zip(us, log_densities(density, us), strict=True):
        np.testing.assert_allclose(found, reference({"x1": u[0], "x2": u[1:3], "b": u[3]}), rtol=1e-10)


# --- discrete outcomes and joint events --------------------------------------------------------------


def test_missing_discrete_outcomes() -> None:
    text = """
dim obs
dim k = 3
data n[obs]? : count, b[obs]? : bool, c[obs]? : k
rate ~ Gamma(2, 1)
p ~ Beta(1, 1)
w[k] ~ Dirichlet(fill(1, k))
n[obs] ~ Poisson(rate)
b[obs] ~ Bernoulli(p)
c[obs] ~ Categorical(w)
"""
    data = {"n": [2, NAN, 0], "b": [None, True, False], "c": [NAN, 2, 0]}
    density = compiled(text, data)

    def reference(values: dict[str, Any]) -> float:
        prior = stats.gamma.logpdf(values["rate"], 2) + stats.beta.logpdf(values["p"], 1, 1) + np.log(2.0)
        seen = stats.poisson.logpmf([2, 0], values["rate"]).sum() + stats.bernoulli.logpmf([1, 0], values["p"]).sum()
        return float(prior + seen + np.log(values["w"][[2, 0]]).sum())

    compare(density, reference, lambda v: [v["rate"], v["p"], v["w"][:2]], count=20)
    u = density.unconstrain({"rate": 1.5, "p": 0.3, "w": np.array([0.2, 0.3, 0.5])})
    found = reconstructed(density, u, DRAWS)
    assert abs(found["n_missing"].mean() - 1.5) < 0.05
    assert found["b_missing"].dtype == bool
    assert abs(found["b_missing"].mean() - 0.3) < 0.02
    np.testing.assert_allclose(np.bincount(found["c_missing"][:, 0]) / DRAWS, [0.2, 0.3, 0.5], atol=0.02)


def test_whole_events_may_be_missing() -> None:
    text = """
dim row
dim k = 3
data y[row, k]? : count, w[row, k]?
a[k] ~ Gamma(2, 1)
w[row, k] ~ Dirichlet(a)
y[row, k] ~ Multinomial(4, w[row])
"""
    y = np.array([[1, 2, 1], [4, 0, 0], [0, 1, 3]], float)
    w = np.array([[0.2, 0.3, 0.5], [NAN, NAN, NAN], [0.1, 0.1, 0.8]])
    y[2] = NAN
    density = compiled(text, {"y": y, "w": w})
    assert density.size == 3 + 2

    def reference(values: dict[str, Any]) -> float:
        whole = w.copy()
        whole[1] = values["w_missing"]
        prior = stats.gamma.logpdf(values["a"], 2).sum()
        drawn = sum(stats.dirichlet.logpdf(row / row.sum(), values["a"]) for row in whole)
        return float(prior + drawn + sum(stats.multinomial.logpmf(y[i], 4, whole[i] / whole[i].sum()) for i in (0, 1)))

    compare(density, reference, lambda v: [v["a"], v["w_missing"][:2]], count=20)


def test_a_single_value() -> None:
    text = "data y?, z?\nm ~ Normal(0, 1)\ny ~ Normal(m, 1)\nz ~ Normal(y, 2)\n"
    density = compiled(text, {"y": None, "z": 1.5})

    def reference(values: dict[str, Any]) -> float:
        m, y = values["m"], values["y_missing"]
        return float(stats.norm.logpdf(m) + stats.norm.logpdf(y, m, 1) + stats.norm.logpdf(1.5, y, 2))

    compare(density, reference, lambda v: [v["m"], v["y_missing"]], count=10)


# --- the rest of a density ---------------------------------------------------------------------------


def test_no_gaps_change_nothing() -> None:
    y, _ = series()
    density, plain = compiled(AR, {"y": y}), compiled(AR.replace("]?", "]"), {"y": y})
    us = points(density, 5)
    assert log_densities(density, us).tolist() == log_densities(plain, us).tolist()
    assert set(jax.eval_shape(density.constrain, us[0])) == {"phi", "s"}


def test_values_to_vector_and_back() -> None:
    y, gone = series()
    density = compiled(AR, {"y": np.where(gone, NAN, y)})
    u = points(density, 1)[0]
    values = evaluated(density.reconstruct, u, jax.random.key(0))  # in one program XLA might cancel the two
    np.testing.assert_allclose(evaluated(density.unconstrain, values), u, rtol=1e-10, atol=1e-12)
    with pytest.raises(ValueError, match="no value is given for `y_missing`"):
        density.unconstrain({"phi": 0.1, "s": 1.0})


def test_minibatches_are_unbiased() -> None:
    for text, data in ((REGRESSION, regression_data()[0]), (AR, {"y": np.where(series()[1], NAN, series()[0])})):
        density = compiled(text, data)
        dim = "obs" if text is REGRESSION else "time"
        size = len(data["y"])
        u = points(density, 1)[0]
        one = jax.jit(lambda i, density=density, dim=dim, u=u: density.log_density_on(u, {dim: i}))
        whole = np.mean([one(np.array([i])) for i in range(size)])
        np.testing.assert_allclose(whole, jax.jit(density.log_density)(u), rtol=1e-10)


def test_faults_name_terms_and_elements() -> None:
    y, gone = series()
    density = compiled(AR, {"y": np.where(gone, NAN, y)})
    u = np.array([0.0, 0.0, np.inf, 0.0, 0.1, 0.0])
    found = {(fault.term, fault.positions["time"]) for fault in density.diagnose(u)}
    assert found == {("y[t] missing", 8), ("y[t] missing", 9)}


def test_several_statements_with_different_gaps() -> None:
    text = """
dim obs
data y[obs]?, left[obs] : bool
m, d ~ Normal(0, 1)
y[i] ~ Normal(m, 1) for i in obs if left[i]
y[i] ~ Normal(m + d, 2) for i in obs if not left[i]
"""
    y, left = np.array([1.0, NAN, 0.5, NAN, 2.0]), np.array([True, True, False, False, False])
    density = compiled(text, {"y": y, "left": left})

    def reference(values: dict[str, Any]) -> float:
        m, d = values["m"], values["d"]
        seen = stats.norm.logpdf(1.0, m, 1) + stats.norm.logpdf([0.5, 2.0], m + d, 2).sum()
        return float(stats.norm.logpdf([m, d]).sum() + seen)

    compare(density, reference, lambda v: [v["m"], v["d"]], count=10)
    u = density.unconstrain({"m": 1.0, "d": 3.0})
    found = reconstructed(density, u, DRAWS)["y_missing"]
    np.testing.assert_allclose(found.mean(0), [1.0, 4.0], atol=0.1)
    np.testing.assert_allclose(found.std(0), [1.0, 2.0], rtol=0.03)


def test_an_element_that_is_drawn_twice_is_sampled() -> None:
    text = "dim obs\ndata y[obs]?\nm ~ Normal(0, 1)\ny[obs] ~ Normal(m, 1)\ny[obs] ~ Normal(0, 3)\n"
    density = compiled(text, {"y": [0.5, NAN]})
    assert density.size == 2

    def reference(values: dict[str, Any]) -> float:
        y = np.array([0.5, values["y_missing"][0]])
        twice = stats.norm.logpdf(y, values["m"], 1).sum() + stats.norm.logpdf(y, 0, 3).sum()
        return float(stats.norm.logpdf(values["m"]) + twice)

    compare(density, reference, lambda v: [v["m"], v["y_missing"]], count=10)


WHOLE = """
dim obs
data y[obs]?, u[obs]?, w[obs], v[obs]?, r[obs], m[obs], low[obs], near[obs, obs] : bool
s ~ HalfNormal(1)
y ~ mixture(0.3, Normal(m, s), Normal(2 * m, 1))
u ~ truncated(Normal(m, 1), lower=low)
w ~ Normal(u, s)
v ~ Normal(s, 2)
r[i] ~ Normal(sum(v[j] for j in obs if near[i, j]), 1) for i in obs
"""


def test_statements_of_whole_arrays() -> None:
    """Parameters and bounds are taken element by element, whatever they are parameters of; what one element of another
    statement reads is read."""
    m, low, w, r = np.array([[0.5, -1.0, 2.0], [-0.5, -2.0, 0.3], [0.2, -0.4, 1.3], [0.1, 2.0, -0.6]])
    near = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1]])
    data = {"m": m, "low": low, "w": w, "r": r, "near": near, "y": [0.1, NAN, 1.0]}
    density = compiled(WHOLE, {**data, "u": [NAN, 0.7, 0.9], "v": [0.4, NAN, 0.2]})

    def reference(values: dict[str, Any]) -> float:
        s, v = values["s"], np.array([0.4, values["v_missing"][0], 0.2])
        u = np.array([values["u_missing"][0], 0.7, 0.9])
        y = np.log(0.3 * stats.norm.pdf([0.1, 1.0], m[[0, 2]], s) + 0.7 * stats.norm.pdf([0.1, 1.0], 2 * m[[0, 2]], 1))
        above = stats.norm.logpdf(u, m, 1) - stats.norm.logsf(low, m, 1)
        read = stats.norm.logpdf(w, u, s) + stats.norm.logpdf(v, s, 2) + stats.norm.logpdf(r, near @ v, 1)
        return float(y.sum() + above.sum() + read.sum() + stats.halfnorm.logpdf(s))

    compare(density, reference, lambda v: [v["s"], v["u_missing"], v["v_missing"]], count=5)


@pytest.mark.parametrize(
    ("text", "data", "code"),
    [
        ("y[0] ~ Poisson(1)\ny[t] ~ Poisson(1 + y[t-1]) for t in time[1:]", [1, None, 0], "E318"),
        ("m ~ Normal(0, 1)\ny[t] ~ Normal(m * y[t-1], 1) for t in time[1:]", [None, 1.0, 0], "E317"),
        ("m ~ Normal(0, 1)\ny[0] ~ Normal(0, 1)\ny[t] ~ Uniform(y[t-1], 9) for t in time[1:]", [1, None, 3.0], "E318"),
        (
            "y[0] ~ Normal(0, 1)\ne[t] = y[t-1] for t in time[1:]\ne[0] = 0\ny[t] ~ Uniform(e[t], 9) for t in time[1:]",
            [1, None, 3.0],
            "E318",
        ),
        ("m ~ Normal(0, 1)\ny[time] ~ Normal(m, 1)\ny[time] ~ Exponential(1)", [1, None, 3.0], "E318"),
    ],
)
def test_refusals(text: str, data: list[Any], code: str) -> None:
    with pytest.raises(PplError) as caught:
        compiled(f"dim time ordered\ndata y[time]?\n{text}\n", {"y": data})
    assert [d.code for d in caught.value.diagnostics] == [code]
