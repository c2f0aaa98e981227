"""Densities of whole models against densities written by hand in SciPy, at 100 random points each."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from tests.density.from_text import compare, compiled, evaluated

RNG = np.random.default_rng(7)
norm = stats.norm.logpdf


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def everything(*names: str):
    """The values themselves are free coordinates."""
    return lambda v: [v[name] for name in names]


def test_autoregression_with_lags_of_data() -> None:
    text = """
dim time ordered
dim lag = 3
data y[time]
a ~ Normal(0, 10)
b[lag] ~ Normal(0, 10)
sigma ~ HalfCauchy(2.5)
y[t] ~ Normal(a + sum(b[k] * y[t-1-k] for k in lag), sigma) for t in time[3:]
"""
    y = RNG.normal(size=40).cumsum()
    density = compiled(text, {"y": y})

    def reference(v):
        total = norm(v["a"], 0, 10) + norm(v["b"], 0, 10).sum() + stats.halfcauchy.logpdf(v["sigma"], 0, 2.5)
        for t in range(3, 40):
            mean = v["a"] + sum(v["b"][k] * y[t - 1 - k] for k in range(3))
            total += norm(y[t], mean, v["sigma"])
        return total

    compare(density, reference, everything("a", "b", "sigma"))
    u = jnp.zeros(density.size)
    likelihood, replicated = evaluated(
        lambda u, key: (density.log_likelihood(u)["y"], density.replicate(u, key)["y"]), u, jax.random.key(0)
    )
    assert np.isnan(likelihood[:3]).all()
    assert np.isfinite(likelihood[3:]).all()
    assert (replicated[:3] == y[:3]).all()
    assert (replicated[3:] != y[3:]).all()


def test_latent_autoregression_in_pieces() -> None:
    text = """
dim time ordered
data y[time]
phi ~ Uniform(-1, 1)
s ~ HalfNormal(1)
x[0] ~ Normal(0, s / sqrt(1 - phi^2))
x[t] ~ Normal(phi * x[t-1], s) for t in time[1:]
y[time] ~ StudentT(4, x[time], 0.5)
"""
    y = RNG.normal(size=12)

    def reference(v):
        x, phi, s = v["x"], v["phi"], v["s"]
        return (
            stats.uniform.logpdf(phi, -1, 2)
            + stats.halfnorm.logpdf(s)
            + norm(x[0], 0, s / np.sqrt(1 - phi**2))
            + norm(x[1:], phi * x[:-1], s).sum()
            + stats.t.logpdf(y, 4, x, 0.5).sum()
        )

    compare(compiled(text, {"y": y}), reference, everything("phi", "s", "x"))


def test_values_in_pieces() -> None:
    text = """
dim time ordered
data y[time]
b ~ Normal(0, 1)
s ~ Exponential(1)
m[0] = b
m[t] = b * y[t-1] for t in time[1:]
y[time] ~ Normal(m[time], s)
"""
    y = RNG.normal(size=9)

    def reference(v):
        mean = np.concatenate([[v["b"]], v["b"] * y[:-1]])
        assert np.allclose(mean, v["m"])
        return norm(v["b"]) + stats.expon.logpdf(v["s"]) + norm(y, mean, v["s"]).sum()

    compare(compiled(text, {"y": y}), reference, everything("b", "s"))


def test_gaussian_process_with_latents_summed_out() -> None:
    text = """
dim obs
data x[obs], y[obs]
rho ~ InverseGamma(5, 5)
alpha, sigma ~ HalfNormal(1)
K[i, j] = alpha^2 * exp(-0.5 * ((x[i] - x[j]) / rho)^2) + (sigma^2 if i == j else 0) for i in obs, j in obs
y[obs] ~ MvNormal(0, covariance=K)
"""
    x, y = np.sort(RNG.uniform(0, 3, 8)), RNG.normal(size=8)

    def reference(v):
        kernel = v["alpha"] ** 2 * np.exp(-0.5 * ((x[:, None] - x) / v["rho"]) ** 2) + v["sigma"] ** 2 * np.eye(8)
        lower = np.linalg.cholesky(kernel)
        z = np.linalg.solve(lower, y)
        gaussian = -0.5 * z @ z - np.log(np.diag(lower)).sum() - 4 * np.log(2 * np.pi)
        priors = stats.halfnorm.logpdf(v["alpha"]) + stats.halfnorm.logpdf(v["sigma"])
        return priors + stats.invgamma.logpdf(v["rho"], 5, 0, 5) + gaussian

    density = compiled(text, {"x": x, "y": y})
    compare(density, reference, everything("rho", "alpha", "sigma"))
    u, key = jnp.zeros(3), jax.random.key(0)
    likelihood, replicated = evaluated(lambda u, key: (density.log_likelihood(u), density.replicate(u, key)), u, key)
    assert likelihood["y"].shape == ()
    assert density.likelihood_dims == {"y": ()}
    assert replicated["y"].shape == (8,)


def test_correlated_varying_slopes() -> None:
    text = """
dim obs, group
dim coef = 2
data y[obs], x[obs], group_of[obs] : group
mu[coef] ~ Normal(0, 2)
tau[coef] ~ HalfNormal(1)
L[i, j] ~ LKJCholesky(2) for i in coef, j in coef
C[i, j] = tau[i] * L[i, j] for i in coef, j in coef
b[group, coef] ~ MvNormal(mu, cholesky=C)
sigma ~ Exponential(1)
y[obs] ~ Normal(b[group_of[obs], 0] + b[group_of[obs], 1] * x[obs], sigma)
"""
    n, groups = 30, 4
    data = {"y": RNG.normal(size=n), "x": RNG.normal(size=n), "group_of": np.arange(n) % groups}

    def reference(v):
        lower = v["L"]
        corr = lower @ lower.T
        eta = 2.0
        # LKJ(eta) on 2 x 2 is Beta(eta, eta) on (1 + r) / 2; the factor's free entry is r itself
        r = corr[0, 1]
        lkj = stats.beta.logpdf((1 + r) / 2, eta, eta) - np.log(2)
        scaled = v["tau"][:, None] * lower
        total = norm(v["mu"], 0, 2).sum() + stats.halfnorm.logpdf(v["tau"]).sum() + lkj
        for g in range(groups):
            total += stats.multivariate_normal.logpdf(v["b"][g], v["mu"], scaled @ scaled.T)
        g = data["group_of"]
        mean = v["b"][g, 0] + v["b"][g, 1] * data["x"]
        return total + stats.expon.logpdf(v["sigma"]) + norm(data["y"], mean, v["sigma"]).sum()

    density = compiled(text, data)
    compare(density, reference, lambda v: [v["mu"], v["tau"], v["L"][1, 0], v["b"], v["sigma"]], scale=0.5)


def test_bounds_that_depend_on_other_latents() -> None:
    text = """
dim k = 3
data seen
var a in [0, 1]
var b in [0, 1 - a]
var c[k] > a
var d : real
a ~ Beta(2, 3)
c[k] ~ Normal(1, 1)
d ~ Normal(b, c[0])
hi[k] ~ Uniform(0, 2)
lo[k] ~ Uniform(-1, hi[k])
seen ~ Normal(sum(lo), 1)
"""

    def reference(v):
        return (
            stats.beta.logpdf(v["a"], 2, 3)
            + norm(v["c"], 1, 1).sum()
            + norm(v["d"], v["b"], v["c"][0])
            - 3 * np.log(2)
            - np.log(v["hi"] + 1).sum()
            + norm(0.4, v["lo"].sum(), 1)
        )

    compare(compiled(text, {"seen": 0.4}), reference, everything("a", "b", "c", "d", "hi", "lo"))


def test_truncated_and_ordered() -> None:
    text = """
dim k = 3
dim obs
data y[obs] > 0, seen
mu[k] ~ ordered(Normal(0, 5))
t ~ truncated(Normal(1, 2), lower=0.5)
u ~ truncated(Normal(t, 1), lower=-1, upper=2)
y[obs] ~ truncated(Normal(mu[1], t), lower=0)
seen ~ Normal(u, 1)
"""
    y = np.abs(RNG.normal(size=6))

    def truncated(x, mean, scale, lower, upper):
        a, b = (lower - mean) / scale, (upper - mean) / scale
        return stats.truncnorm.logpdf(x, a, b, mean, scale)

    def reference(v):
        return (
            np.log(6)
            + norm(v["mu"], 0, 5).sum()
            + truncated(v["t"], 1, 2, 0.5, np.inf)
            + truncated(v["u"], v["t"], 1, -1, 2)
            + truncated(y, v["mu"][1], v["t"], 0, np.inf).sum()
            + norm(0.7, v["u"], 1)
        )

    compare(compiled(text, {"y": y, "seen": 0.7}), reference, everything("mu", "t", "u"))


def test_ordered_logistic_and_multinomial() -> None:
    text = """
dim obs, row
dim cut = 3
dim grade = 4
data x[obs], rating[obs] : grade, counts[row, grade] : count, total[row] : count
b ~ Normal(0, 1)
cut_at[cut] ~ ordered(Normal(0, 2))
p[grade] ~ Dirichlet(fill(1, grade))
rating[obs] ~ OrderedLogistic(b * x[obs], cut_at)
counts[row, grade] ~ Multinomial(total[row], p)
"""
    x, rating = RNG.normal(size=10), RNG.integers(0, 4, size=10)
    counts = RNG.multinomial(9, [0.1, 0.2, 0.3, 0.4], size=3)
    data = {"x": x, "rating": rating, "counts": counts, "total": counts.sum(1)}

    def reference(v):
        total = norm(v["b"]) + np.log(6) + norm(v["cut_at"], 0, 2).sum() + stats.dirichlet.logpdf(v["p"], np.ones(4))
        cdf = np.concatenate([[0.0], special.expit(v["cut_at"]), [1.0]])
        for i in range(10):
            cdf[1:4] = special.expit(v["cut_at"] - v["b"] * x[i])
            total += np.log(np.diff(cdf)[rating[i]])
        return total + sum(stats.multinomial.logpmf(row, row.sum(), v["p"]) for row in counts)

    density = compiled(text, data)
    compare(density, reference, lambda v: [v["b"], v["cut_at"], v["p"][:-1]])
    u = jnp.zeros(density.size)
    likelihood, replicated = evaluated(
        lambda u, key: (density.log_likelihood(u), density.replicate(u, key)), u, jax.random.key(0)
    )
    assert likelihood["counts"].shape == (3,)
    assert density.likelihood_dims == {"rating": ("obs",), "counts": ("row",)}
    assert replicated["counts"].dtype == np.int64
    assert (replicated["counts"].sum(1) == counts.sum(1)).all()
    assert set(replicated["rating"].tolist()) <= {0, 1, 2, 3}


def test_observation_of_what_data_determine() -> None:
    text = """
dim obs
data earn[obs] > 0, height[obs]
b[obs] ~ Normal(0, 1)
s ~ Exponential(1)
log_earn = log(earn)
log_earn[obs] ~ Normal(b[obs] * (height[obs] - mean(height[obs], obs)), s)
"""
    earn, height = np.exp(RNG.normal(size=5)), RNG.normal(size=5)

    def reference(v):
        assert "log_earn" not in v
        centred = height - height.mean()
        return norm(v["b"]).sum() + stats.expon.logpdf(v["s"]) + norm(np.log(earn), v["b"] * centred, v["s"]).sum()

    density = compiled(text, {"earn": earn, "height": height})
    compare(density, reference, everything("b", "s"))
    assert set(jax.eval_shape(density.log_likelihood, jnp.zeros(6))) == {"log_earn"}


def test_reductions_and_filters() -> None:
    text = """
dim i
dim j ordered
data x[i], m[i, j], keep[i] : bool, y[i]
b[j] ~ Normal(0, 1)
a ~ Normal(0, 1)
s = sum(x[p] * m[p, q] * b[q] * a for p in i, q in j if keep[p])
top[i] = max(m[i, q] * b[q] for q in j)
lse[i] = logsumexp(m[i, q] + b[q] for q in j)
low = min(b[q] for q in j)
half[i] = mean(m[i, q] * b[q] for q in j)
run[j] = cumsum(b[q] for q in j)
area = prod(1 + b[q]^2 for q in j)
y[r] ~ Normal(top[r] + lse[r] + half[r] + low + run[1] + s / (1 + area), 1) for r in i if keep[r]
"""
    x, m, keep, y = RNG.normal(size=5), RNG.normal(size=(5, 3)), np.array([1, 0, 1, 1, 0], bool), RNG.normal(size=5)

    def reference(v):
        a, b = v["a"], v["b"]
        s = ((x * keep) @ m @ b) * a
        mean = (m * b).max(1) + special.logsumexp(m + b, axis=1) + (m * b).mean(1) + b.min() + b.cumsum()[1]
        mean = mean + s / (1 + np.prod(1 + b**2))
        return norm(a) + norm(b).sum() + norm(y, mean, 1)[keep].sum()

    density = compiled(text, {"x": x, "m": m, "keep": keep, "y": y})
    compare(density, reference, everything("b", "a"), scale=0.7)


def test_branches_send_no_nan_into_the_gradient() -> None:
    text = """
dim obs
data x[obs], y[obs]
a ~ Normal(0, 1)
m[obs] = (exp(800 * (a - x[obs])) if a < x[obs] else 1)
y[obs] ~ Normal(m[obs], 1)
"""
    x, y = np.linspace(-3, 3, 7), RNG.normal(size=7)

    def reference(v):
        mean = np.array([np.exp(800 * (v["a"] - t)) if v["a"] < t else 1.0 for t in x])
        return norm(v["a"]) + norm(y, mean, 1).sum()

    compare(compiled(text, {"x": x, "y": y}), reference, everything("a"))


def test_linear_predictors_and_matrix_products() -> None:
    text = """
dim row
dim k = 3
data y[row], x1[row], x2[row], x3[row], X[row, k], keep[row] : bool
a, b1, b2, b3 ~ Normal(0, 1)
c[k] ~ Normal(0, 1)
s ~ Exponential(1)
m = X @ c
e[row] = a - (2 * b1 * x1[row] - x1[row] * b2 * b1 * x2[row]) - b3 * 0.5 * x3[row] + a * a + m[row]
y[r] ~ Normal(e[r], s) for r in row if keep[r]
"""
    n = 7
    columns = {name: RNG.normal(size=n) for name in ("y", "x1", "x2", "x3")}
    data = {**columns, "X": RNG.normal(size=(n, 3)), "keep": np.arange(n) % 3 > 0}

    def reference(v):
        a, b1, b2, b3 = v["a"], v["b1"], v["b2"], v["b3"]
        x1, x2, x3 = data["x1"], data["x2"], data["x3"]
        mean = a - 2 * b1 * x1 + x1 * b2 * b1 * x2 - b3 * 0.5 * x3 + a * a + data["X"] @ v["c"]
        total = norm([a, b1, b2, b3]).sum() + norm(v["c"]).sum() + stats.expon.logpdf(v["s"])
        return total + norm(data["y"], mean, v["s"])[data["keep"]].sum()

    density = compiled(text, data)
    compare(density, reference, everything("a", "b1", "b2", "b3", "c", "s"))
    columns_of_data = [leaf.shape for leaf in density.leaves if leaf.ndim == 2 and leaf.shape[0] == 3]
    assert (3, n) in columns_of_data
    u = jnp.asarray(RNG.normal(size=density.size))
    estimate = jax.jit(lambda positions: density.log_density_on(u, {"row": positions}))
    mean = np.mean([float(estimate(np.array([i]))) for i in range(n)])
    assert mean == pytest.approx(float(jax.jit(density.log_density)(u)), rel=1e-11)
