"""Mixtures, censored data, more zeros and sums of zero: densities and gradients against mpmath, draws against their
distribution functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from tests.density.from_text import compiled
from tests.language.models import predicted, term

Y = np.array([-2.3, -0.4, 0.0, 0.7, 1.9, 6.0])
COUNTS = np.array([0, 0, 1, 3, 7])


# --- the distributions, in mpmath --------------------------------------------------------------------


def normal(x: Any, m: Any = 0, s: Any = 1) -> Any:
    return mp.npdf(x, m, s)


def normal_cdf(x: Any, m: Any = 0, s: Any = 1) -> Any:
    return mp.ncdf(x, m, s)


def cauchy(x: Any, m: Any, s: Any) -> Any:
    return 1 / (mp.pi * s * (1 + ((x - m) / s) ** 2))


def half_normal(x: Any, s: Any = 1) -> Any:
    return 2 * mp.npdf(x, 0, s) if x >= 0 else mp.mpf(0)


def gamma(x: Any, shape: Any, rate: Any) -> Any:
    return rate**shape * x ** (shape - 1) * mp.exp(-rate * x) / mp.gamma(shape) if x > 0 else mp.mpf(0)


def poisson(x: Any, rate: Any) -> Any:
    return rate**x * mp.exp(-rate) / mp.factorial(x) if x >= 0 else mp.mpf(0)


def poisson_sf(x: Any, rate: Any) -> Any:
    """P(X > x)."""
    return 1 - sum(poisson(mp.mpf(k), rate) for k in range(int(x) + 1))


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


Density = Callable[..., Any]

HEAD = "dim obs\ndim comp = 3\ndata y[obs], w[comp], c[obs]\nvar a\nvar b\n"
WEIGHTS = np.array([0.2, 0.5, 0.3])
MU = (-1.5, 0.0, 2.0)

CASES: dict[str, tuple[str, Density]] = {
    "two, by a number": (
        "y[obs] ~ mixture(sigmoid(a), Normal(b, 1), Normal(2, exp(b)))",
        lambda y, c, a, b: sigmoid(a) * normal(y, b, 1) + (1 - sigmoid(a)) * normal(y, 2, mp.exp(b)),
    ),
    "three kinds, by a vector": (
        "y[obs] ~ mixture(w, Normal(a, 1), Cauchy(b, 1), Laplace(0, exp(a)))",
        lambda y, c, a, b: (
            WEIGHTS[0] * normal(y, a, 1)
            + WEIGHTS[1] * cauchy(y, b, 1)
            + WEIGHTS[2] * mp.exp(-abs(y) / mp.exp(a)) / (2 * mp.exp(a))
        ),
    ),
    "one family": (
        "mu[comp] = stack(comp, -1.5, 0.0, 2.0) * a\n"
        "y[obs] ~ mixture(w[comp], Normal(mu[comp] + b, exp(0.3 * mu[comp])))",
        lambda y, c, a, b: sum(
            w * normal(y, m * a + b, mp.exp(mp.mpf(3) / 10 * m * a)) for w, m in zip(WEIGHTS, MU, strict=True)
        ),
    ),
    "one family, whole weights": (
        "mu[comp] = stack(comp, -1.5, 0.0, 2.0)\ny[obs] ~ mixture(softmax(a * mu), Normal(mu[comp], exp(b)))",
        lambda y, c, a, b: sum(mp.exp(a * m) * normal(y, m, mp.exp(b)) for m in MU) / sum(mp.exp(a * m) for m in MU),
    ),
    "truncated inside": (
        "y[obs] ~ mixture(0.4, Normal(a, 1), truncated(Normal(b, 2), upper=3))",
        lambda y, c, a, b: (
            mp.mpf(2) / 5 * normal(y, a, 1) + (mp.mpf(3) / 5 * normal(y, b, 2) / normal_cdf(3, b, 2) if y <= 3 else 0)
        ),
    ),
    "truncated outside": (
        "y[obs] ~ truncated(mixture(0.4, Normal(a, 1), Normal(b, 2)), lower=-3, upper=7)",
        lambda y, c, a, b: (
            (mp.mpf(2) / 5 * normal(y, a, 1) + mp.mpf(3) / 5 * normal(y, b, 2))
            / (
                mp.mpf(2) / 5 * (normal_cdf(7, a, 1) - normal_cdf(-3, a, 1))
                + mp.mpf(3) / 5 * (normal_cdf(7, b, 2) - normal_cdf(-3, b, 2))
            )
        ),
    ),
    "a mixture in a mixture": (
        "y[obs] ~ mixture(0.25, mixture(sigmoid(a), Normal(0, 1), Normal(b, 1)), Cauchy(0, 2))",
        lambda y, c, a, b: (
            mp.mpf(1) / 4 * (sigmoid(a) * normal(y) + (1 - sigmoid(a)) * normal(y, b, 1))
            + mp.mpf(3) / 4 * cauchy(y, 0, 2)
        ),
    ),
    "a component that cannot give them all": (
        "y[obs] ~ mixture(sigmoid(a), HalfNormal(exp(b)), Normal(0, 1))",
        lambda y, c, a, b: sigmoid(a) * half_normal(y, mp.exp(b)) + (1 - sigmoid(a)) * normal(y),
    ),
    "censored": (
        "y[obs] ~ censored(Normal(a, exp(b)), lower=-2.3, upper=c[obs])",
        lambda y, c, a, b: (
            normal_cdf(mp.mpf(y), a, mp.exp(b))
            if y == -2.3
            else 1 - normal_cdf(c, a, mp.exp(b))
            if y == c
            else normal(y, a, mp.exp(b))
        ),
    ),
    "a censored mixture": (
        "y[obs] ~ censored(mixture(sigmoid(a), Normal(b, 1), Normal(1, 2)), upper=c[obs])",
        lambda y, c, a, b: (
            sigmoid(a) * (1 - normal_cdf(c, b, 1)) + (1 - sigmoid(a)) * (1 - normal_cdf(c, 1, 2))
            if y == c
            else sigmoid(a) * normal(y, b, 1) + (1 - sigmoid(a)) * normal(y, 1, 2)
        ),
    ),
    "a censored truncation": (
        "y[obs] ~ censored(truncated(Normal(a, exp(b)), lower=-4), upper=c[obs])",
        lambda y, c, a, b: (
            ((1 - normal_cdf(c, a, mp.exp(b))) if y == c else normal(y, a, mp.exp(b)))
            / (1 - normal_cdf(-4, a, mp.exp(b)))
        ),
    ),
}
UPPER = np.array([1.0, 2.0, 0.0, 3.0, 1.9, 6.0])
POINTS = ({"a": 0.3, "b": -0.2}, {"a": -1.1, "b": 0.7})


def compare(body: str, data: Mapping[str, Any], density: Density, columns: tuple[str, ...]) -> None:
    rows = list(zip(*(np.asarray(data[name], float) for name in columns), strict=True))

    def reference(a: Any, b: Any) -> Any:
        return mp.fsum(mp.log(density(*map(mp.mpf, row), a, b)) for row in rows)

    with mp.workdps(30):
        for at, found in zip(POINTS, term(body, data, columns[0], *POINTS), strict=True):
            point = (mp.mpf(at["a"]), mp.mpf(at["b"]))
            assert found.value == pytest.approx(float(reference(*point)), rel=1e-10)
            for name, n in (("a", (1, 0)), ("b", (0, 1))):
                slope = float(mp.diff(reference, point, n))
                assert float(found.gradient[name]) == pytest.approx(slope, rel=1e-6, abs=1e-9)
            each = [float(mp.log(density(*map(mp.mpf, row), *point))) for row in rows]
            np.testing.assert_allclose(found.pointwise, each, rtol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_continuous(name: str) -> None:
    body, density = CASES[name]
    data: dict[str, Any] = {"y": Y}
    text = HEAD + body + "\n"
    if "c[obs]" in body:
        data["c"] = UPPER
    else:
        text = text.replace(", c[obs]", "")
    if "mixture(w" in body:
        data["w"] = WEIGHTS
    else:
        text = text.replace(", w[comp]", "")
    wanted = density if "c" in data else lambda y, a, b: density(y, None, a, b)
    compare(text, data, wanted, ("y", "c") if "c" in data else ("y",))


COUNTED: dict[str, tuple[str, Density]] = {
    "more zeros": (
        "zeroinflated(sigmoid(a), Poisson(exp(b)))",
        lambda y, a, b: sigmoid(a) * (y == 0) + (1 - sigmoid(a)) * poisson(y, mp.exp(b)),
    ),
    "a hurdle": (
        "zeroinflated(sigmoid(a), truncated(Poisson(exp(b)), lower=1))",
        lambda y, a, b: (
            sigmoid(a) if y == 0 else (1 - sigmoid(a)) * poisson(y, mp.exp(b)) / (1 - poisson(mp.mpf(0), mp.exp(b)))
        ),
    ),
    "a mixture of counts": (
        "mixture(sigmoid(a), Poisson(exp(b)), Geometric(0.25))",
        lambda y, a, b: sigmoid(a) * poisson(y, mp.exp(b)) + (1 - sigmoid(a)) * mp.mpf(1) / 4 * (mp.mpf(3) / 4) ** y,
    ),
    "censored counts": (
        "censored(Poisson(exp(b) + exp(a)), upper=3)",
        lambda y, a, b: poisson_sf(2, mp.exp(b) + mp.exp(a)) if y == 3 else poisson(y, mp.exp(b) + mp.exp(a)),
    ),
    "censored counts with more zeros": (
        "censored(zeroinflated(sigmoid(a), Poisson(exp(b))), upper=3)",
        lambda y, a, b: (
            (1 - sigmoid(a)) * poisson_sf(2, mp.exp(b))
            if y == 3
            else sigmoid(a) * (y == 0) + (1 - sigmoid(a)) * poisson(y, mp.exp(b))
        ),
    ),
}


@pytest.mark.parametrize("name", COUNTED)
def test_counts(name: str) -> None:
    body, density = COUNTED[name]
    n = np.minimum(COUNTS, 3) if "censored" in body else COUNTS
    compare(f"dim obs\ndata n[obs]\nvar a\nvar b\nn[obs] ~ {body}\n", {"n": n}, density, ("n",))


def test_continuous_hurdle() -> None:
    """An exact zero has a probability; the rest has a density."""
    body = "dim obs\ndata y[obs]\nvar a\nvar b\ny[obs] ~ zeroinflated(sigmoid(a), Gamma(exp(b), 2))\n"
    y = np.array([0.0, 0.3, 0.0, 2.2])
    compare(body, {"y": y}, lambda y, a, b: sigmoid(a) if y == 0 else (1 - sigmoid(a)) * gamma(y, mp.exp(b), 2), ("y",))


def test_mixture_of_vectors() -> None:
    text = """
dim obs
dim k = 2
data y[obs, k], K[k, k]
var a
m[k] = stack(k, a, 1)
y[obs, k] ~ mixture(0.3, MvNormal(m, K), MvNormal(0, K))
"""
    y = np.array([[0.1, 0.2], [3.0, -1.0], [-0.5, 2.0]])
    covariance = np.array([[1.0, 0.4], [0.4, 2.0]])
    (found,) = term(text, {"y": y, "K": covariance}, "y", {"a": 0.7})
    parts = [stats.multivariate_normal(m, covariance).logpdf(y) for m in ([0.7, 1.0], [0.0, 0.0])]
    assert found.value == pytest.approx(np.sum(np.logaddexp(np.log(0.3) + parts[0], np.log(0.7) + parts[1])), rel=1e-10)


def test_family_of_vectors_with_weights_for_each_observation() -> None:
    text = """
dim obs
dim comp = 2
dim k = 3
data y[obs, k], w[obs, comp], K[k, k]
var m[comp, k]
y[obs, k] ~ mixture(w[obs, comp], MvNormal(m[comp], K))
"""
    rng = np.random.default_rng(3)
    y, m, w = rng.normal(size=(4, 3)), rng.normal(size=(2, 3)), rng.dirichlet([1, 2], 4)
    covariance = np.array([[1.0, 0.4, 0.1], [0.4, 2.0, 0.0], [0.1, 0.0, 0.5]])
    (found,) = term(text, {"y": y, "K": covariance, "w": w}, "y", {"m": m})
    parts = np.stack([stats.multivariate_normal(each, covariance).logpdf(y) for each in m], -1)
    assert found.value == pytest.approx(np.sum(np.logaddexp.reduce(np.log(w) + parts, -1)), rel=1e-10)


def test_no_component_possible() -> None:
    """-inf, with gradients that are no NaN."""
    text = """
dim obs
data y[obs]
var a
var b
y[obs] ~ mixture(sigmoid(a), truncated(Normal(0, exp(b)), lower=1 + exp(a)), truncated(Normal(0, 1), lower=exp(b)))
"""
    (found,) = term(text, {"y": np.array([0.5])}, "y", {"a": 0.2, "b": 0.3})
    assert found.value == -np.inf
    assert all(np.isfinite(g).all() for g in found.gradient.values())


def test_weight_of_zero() -> None:
    text = "dim obs\ndim k = 2\ndata y[obs], w[k]\nvar a\ny[obs] ~ mixture(w[k], Normal(a * 1.5, 1))\n"
    (found,) = term(text, {"y": np.array([0.5]), "w": np.array([0.0, 1.0])}, "y", {"a": 0.2})
    assert found.value == pytest.approx(stats.norm(0.3, 1).logpdf(0.5), rel=1e-12)
    assert np.isfinite(found.gradient["a"]).all()


def test_latent_mixture() -> None:
    text = "x ~ mixture(0.2, Normal(-3, 0.5), Normal(2, 1))\nt ~ mixture(0.5, Gamma(2, 1), LogNormal(0, 1))\n"
    (found,) = term(text, {}, "x", {"x": -2.0, "t": 1.3})
    assert found.value == pytest.approx(
        np.log(0.2 * stats.norm(-3, 0.5).pdf(-2) + 0.8 * stats.norm(2, 1).pdf(-2)), rel=1e-10
    )
    (found,) = term(text, {}, "t", {"x": -2.0, "t": 1.3})
    assert found.value == pytest.approx(
        np.log(0.5 * stats.gamma(2).pdf(1.3) + 0.5 * stats.lognorm(1).pdf(1.3)), rel=1e-10
    )


# --- sums of zero ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 3, 7])
def test_zero_sum(size: int) -> None:
    """In the coordinates of an orthonormal basis it is an isotropic normal of one dimension less."""
    text = f"dim k = {size}\nvar b\nx[k] ~ zerosum(Normal(0, exp(b)))\n"
    with jax.enable_x64(True):
        density = compiled(text, {})
        assert density.size == size
        u = jnp.asarray(np.random.default_rng(0).normal(size=size))
        values, found = jax.jit(lambda u: (density.constrain(u), density.log_density(u)))(u)
        steps = jax.jit(jax.jacobian(lambda v: density.constrain(v)["x"]))(u)[:, 1:]
    x, b = np.asarray(values["x"]), float(values["b"])
    assert abs(x.sum()) < 1e-14 * size
    np.testing.assert_allclose(np.asarray(steps).T @ np.asarray(steps), np.eye(size - 1), atol=1e-14)
    assert float(found) == pytest.approx(np.sum(stats.norm(0, np.exp(b)).logpdf(np.asarray(u)[1:])), rel=1e-12)
    # as a degenerate normal, by its pseudo-inverse
    centring = np.eye(size) - 1 / size
    degenerate = stats.multivariate_normal(np.zeros(size), np.exp(2 * b) * centring, allow_singular=True)
    assert float(found) == pytest.approx(degenerate.logpdf(x), rel=1e-9)


def test_zero_sum_of_rows_and_columns() -> None:
    text = "dim r = 3\ndim c = 4\ndim g = 2\nvar s[g] > 0\nx[g, r, c] ~ zerosum(Normal(0, s[g]), r, c)\n"
    with jax.enable_x64(True):
        density = compiled(text, {})
        u = jnp.asarray(np.random.default_rng(1).normal(size=density.size))
        values, terms = jax.jit(lambda u: (density.constrain(u), density.terms(u)))(u)
        back = jax.jit(density.unconstrain)(values)
    x, s = np.asarray(values["x"]), np.asarray(values["s"])
    assert density.size == 2 + 2 * 2 * 3
    np.testing.assert_allclose(x.sum(-1), 0, atol=1e-13)
    np.testing.assert_allclose(x.sum(-2), 0, atol=1e-13)
    np.testing.assert_allclose(np.asarray(back), np.asarray(u), rtol=1e-12, atol=1e-12)
    wanted = stats.norm(0, s[:, None]).logpdf(np.asarray(u)[2:].reshape(2, 6)).sum()
    assert float(terms["x"]) == pytest.approx(wanted, rel=1e-12)


def test_zero_sum_draws() -> None:
    text = "dim k = 4\ndim many = 5000\nvar b\npredict x[many, k] ~ zerosum(Normal(0, 2))\n"
    x = predicted(text, {}, {"b": 0.0})["x"]
    assert np.abs(x.sum(-1)).max() < 1e-12
    covariance = x.T @ x / len(x)
    np.testing.assert_allclose(covariance, 4 * (np.eye(4) - 1 / 4), atol=5 * 4 * np.sqrt(2 / len(x)))


# --- draws -------------------------------------------------------------------------------------------

DRAWS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "mixture": (
        "mixture(0.3, Normal(-2, 1), StudentT(4, 3, 0.5))",
        lambda x: 0.3 * stats.norm(-2, 1).cdf(x) + 0.7 * stats.t(4, 3, 0.5).cdf(x),
    ),
    "family": (
        "mixture(w, Normal(mu[comp], s[comp]))",
        lambda x: sum(w * stats.norm(m, s).cdf(x) for w, m, s in zip(WEIGHTS, MU, (0.5, 1.0, 2.0), strict=True)),
    ),
    "truncated mixture": (
        "truncated(mixture(0.3, Normal(-2, 1), Normal(3, 0.5)), lower=-1, upper=3)",
        lambda x: np.clip(
            (
                0.3 * (stats.norm(-2, 1).cdf(x) - stats.norm(-2, 1).cdf(-1))
                + 0.7 * (stats.norm(3, 0.5).cdf(x) - stats.norm(3, 0.5).cdf(-1))
            )
            / (
                0.3 * (stats.norm(-2, 1).cdf(3) - stats.norm(-2, 1).cdf(-1))
                + 0.7 * (stats.norm(3, 0.5).cdf(3) - stats.norm(3, 0.5).cdf(-1))
            ),
            0,
            1,
        ),
    ),
    "truncated family": (
        "truncated(mixture(w, Normal(mu[comp], s[comp])), lower=0)",
        lambda x: (
            sum(
                w * (stats.norm(m, s).cdf(x) - stats.norm(m, s).cdf(0))
                for w, m, s in zip(WEIGHTS, MU, (0.5, 1.0, 2.0), strict=True)
            )
            / sum(w * stats.norm(m, s).sf(0) for w, m, s in zip(WEIGHTS, MU, (0.5, 1.0, 2.0), strict=True))
        ),
    ),
}


def compare_draws(names: list[str]) -> None:
    text = (
        "dim many = 5000\ndim comp = 3\ndata w[comp]\nvar a\nmu[comp] = stack(comp, -1.5, 0.0, 2.0)\n"
        "s[comp] = stack(comp, 0.5, 1.0, 2.0)\n"
    )
    for n, name in enumerate(names):
        text += f"predict x{n}[many] ~ {DRAWS[name][0]}\n"
    draws = predicted(text, {"w": WEIGHTS}, {"a": 0.0})
    for n, name in enumerate(names):
        assert stats.kstest(draws[f"x{n}"], DRAWS[name][1]).pvalue > 1e-4


def test_draws_of_mixtures() -> None:
    compare_draws(["mixture", "family"])


@pytest.mark.long
def test_draws_of_truncated_mixtures() -> None:
    """By inversion of the distribution function of the whole mixture."""
    compare_draws(["truncated mixture", "truncated family"])


def test_draws_of_counts() -> None:
    text = """
dim many = 5000
var a
predict z[many] ~ zeroinflated(0.4, Poisson(2))
predict h[many] ~ zeroinflated(0.4, truncated(Poisson(2), lower=1))
predict c[many] ~ censored(Poisson(2), upper=3)
predict m[many] ~ mixture(0.25, Poisson(1), Binomial(8, 0.5))
predict g[many] ~ zeroinflated(0.4, Gamma(2, 1))
"""
    draws = predicted(text, {}, {"a": 0.0})
    k = np.arange(12)
    p = stats.poisson(2).pmf(k)
    expected = {
        "z": 0.4 * (k == 0) + 0.6 * p,
        "h": np.where(k == 0, 0.4, 0.6 * p / (1 - p[0])),
        "c": np.where(k < 3, p, np.where(k == 3, stats.poisson(2).sf(2), 0.0)),
        "m": 0.25 * stats.poisson(1).pmf(k) + 0.75 * stats.binom(8, 0.5).pmf(k),
    }
    for name, wanted in expected.items():
        found = np.bincount(draws[name], minlength=len(k))[: len(k)] / len(draws[name])
        np.testing.assert_allclose(found, wanted, atol=5 * np.sqrt(0.25 / len(draws[name])))
    zeros = draws["g"] == 0
    assert np.mean(zeros) == pytest.approx(0.4, abs=5 * np.sqrt(0.24 / len(zeros)))
    assert stats.kstest(draws["g"][~zeros], stats.gamma(2).cdf).pvalue > 1e-4


def test_censored_draws_stay_between_the_bounds() -> None:
    text = "dim obs\ndata c[obs]\nvar a\npredict y[obs] ~ censored(Normal(0, 1), lower=-1, upper=c[obs])\n"
    c = np.linspace(0.0, 1.0, 5000)
    y = predicted(text, {"c": c}, {"a": 0.0})["y"]
    assert np.all(y <= c)
    assert np.all(y >= -1)
    assert np.mean(y == c) == pytest.approx(np.mean(stats.norm.sf(c)), abs=5 * np.sqrt(0.25 / len(c)))
    assert np.mean(y == -1) == pytest.approx(stats.norm.cdf(-1), abs=5 * np.sqrt(0.25 / len(c)))
