"""Every sentence and table row of the language, as a small model on data next to a density written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import linalg, special, stats

from tests.language.models import agrees

RNG = np.random.default_rng(20)
X = RNG.normal(size=6)
Y = RNG.normal(size=6)
COUNTY = np.array([0, 2, 1, 1, 0, 2])
FLOOR = np.array([True, False, True, True, False, False])


def normal(x: Any, mean: Any = 0.0, scale: Any = 1.0) -> float:
    return float(np.sum(stats.norm(mean, scale).logpdf(x)))


def half_normal(x: Any, scale: Any = 1.0) -> float:
    return float(np.sum(stats.halfnorm(0, scale).logpdf(x)))


# --- functions ---------------------------------------------------------------------------------------


def test_function_with_locals_and_closure() -> None:
    text = """
dim obs
data x[obs], y[obs]
alpha, beta ~ Normal(0, 2)
def curve(u) {
    v = beta * u
    w = tanh(v) + alpha
    return w * w
}
y[obs] ~ Normal(curve(x[obs]), 1)
"""

    def reference(v: Any) -> float:
        mean = (np.tanh(v["beta"] * X) + v["alpha"]) ** 2
        return normal(v["alpha"], 0, 2) + normal(v["beta"], 0, 2) + normal(Y, mean, 1)

    agrees(text, {"x": X, "y": Y}, reference)


def test_functions_that_call_functions() -> None:
    text = """
dim obs
data x[obs], y[obs]
a ~ Normal(0, 1)
def square_of(u) = u * u
def bump(u, width) = exp(-square_of(u / width))
def both(u) {
    left = bump(u - 1, 2)
    right = bump(width = 3, u = u + 1)
    return left - right
}
y[obs] ~ Normal(a * both(x[obs]), 1)
"""

    def reference(v: Any) -> float:
        mean = v["a"] * (np.exp(-(((X - 1) / 2) ** 2)) - np.exp(-(((X + 1) / 3) ** 2)))
        return normal(v["a"]) + normal(Y, mean, 1)

    agrees(text, {"x": X, "y": Y}, reference)


def test_functions_of_whole_arrays() -> None:
    text = """
dim obs
dim k = 3
data y[obs], X[obs, k]
b[k] ~ Normal(0, 1)
def centred(v) = v - mean(v)
def size(v) = sqrt(sum(v * v))
def direction(v) { c = centred(v); return c / size(c) }
d[k] = direction(b)
m[obs] = X @ direction(b)
y[obs] ~ Normal(m[obs], size(b))
"""
    design = RNG.normal(size=(6, 3))

    def reference(v: Any) -> float:
        c = v["b"] - v["b"].mean()
        d = c / np.linalg.norm(c)
        np.testing.assert_allclose(v["d"], d, rtol=1e-12)
        np.testing.assert_allclose(v["m"], design @ d, rtol=1e-12)
        return normal(v["b"]) + normal(Y, design @ d, np.linalg.norm(v["b"]))

    agrees(text, {"X": design, "y": Y}, reference)


def test_function_over_the_dims_of_the_statement() -> None:
    """A dim's own name inside a function is the index of the statement that calls it."""
    text = """
dim obs, county
data x[obs], y[obs], of[obs] : county
a[county] ~ Normal(0, 1)
def line(slope) = a[of[obs]] + slope * x[obs]
y[obs] ~ Normal(line(0.5), 1)
"""
    agrees(
        text,
        {"x": X, "y": Y, "of": COUNTY},
        lambda v: normal(v["a"]) + normal(Y, v["a"][COUNTY] + 0.5 * X, 1),
    )


# --- plates ------------------------------------------------------------------------------------------


def test_for_block_of_several_statements() -> None:
    text = """
dim obs, county
data x[obs], y[obs], of[obs] : county
a[county] ~ Normal(0, 1)
for i in obs {
    m[i] = a[of[i]] * x[i]
    e[i] ~ Normal(m[i], 2)
    y[i] ~ Normal(e[i], 1)
}
for c in county { twice[c] = 2 * a[c]; half[c] = a[c] / 2 }
"""

    def reference(v: Any) -> float:
        np.testing.assert_allclose(v["twice"], 4 * v["half"], rtol=1e-14)
        return normal(v["a"]) + normal(v["e"], v["a"][COUNTY] * X, 2) + normal(Y, v["e"], 1)

    agrees(text, {"x": X, "y": Y, "of": COUNTY}, reference)


def test_nested_blocks() -> None:
    text = """
dim row ordered, col ordered
data y[row, col]
for i in row {
    a[i] ~ Normal(0, 1)
    for j in col {
        m[i, j] = a[i] * j
        y[i, j] ~ Normal(m[i, j], 1 + i)
    }
}
"""
    y = RNG.normal(size=(3, 4))
    agrees(
        text,
        {"y": y},
        lambda v: normal(v["a"]) + normal(y, v["a"][:, None] * np.arange(4), 1 + np.arange(3)[:, None]),
    )


def test_filters_on_plates() -> None:
    text = """
dim obs
data x[obs], y[obs], floor[obs] : bool
a, b ~ Normal(0, 1)
y[i] ~ Normal(a, 1) for i in obs if floor[i]
y[i] ~ Normal(b * x[i], 2) for i in obs if not floor[i] and x[i] > -10
s = sum(a * x[i] for i in obs if floor[i] or x[i] > 0.3)
"""

    def reference(v: Any) -> float:
        np.testing.assert_allclose(v["s"], v["a"] * X[FLOOR | (X > 0.3)].sum(), rtol=1e-12)
        return normal([v["a"], v["b"]]) + normal(Y[FLOOR], v["a"], 1) + normal(Y[~FLOOR], v["b"] * X[~FLOOR], 2)

    agrees(text, {"x": X, "y": Y, "floor": FLOOR}, reference)


def test_filter_of_a_block() -> None:
    text = """
dim obs
data y[obs], z[obs], floor[obs] : bool
a ~ Normal(0, 1)
for i in obs if floor[i] {
    y[i] ~ Normal(a, 1)
    z[i] ~ Normal(2 * a, 1)
}
"""
    agrees(
        text,
        {"y": Y, "z": X, "floor": FLOOR},
        lambda v: normal(v["a"]) + normal(Y[FLOOR], v["a"], 1) + normal(X[FLOOR], 2 * v["a"], 1),
    )


def test_restricted_ranges_and_lags() -> None:
    text = """
dim time ordered
dim lag = 3 ordered
data y[time]
phi[lag] ~ Normal(0, 0.5)
y[t] ~ Normal(sum(phi[k] * y[t-1-k] for k in lag), 1) for t in time[3:]
early = sum(y[t] for t in time[:3])
last = y[-1] * phi[0]
"""

    def reference(v: Any) -> float:
        np.testing.assert_allclose(v["last"], Y[-1] * v["phi"][0], rtol=1e-14)
        mean = [sum(v["phi"][k] * Y[t - 1 - k] for k in range(3)) for t in range(3, 6)]
        return normal(v["phi"], 0, 0.5) + normal(Y[3:], mean, 1)

    agrees(text, {"y": Y}, reference)


# --- left sides --------------------------------------------------------------------------------------


def test_several_names_on_a_left_side() -> None:
    text = """
dim county
data y[county]
mu, beta ~ Normal(0, 3)
alpha, sigma ~ HalfNormal(1)
u[county], v[county] ~ Normal(mu, alpha)
y[county] ~ Normal(u[county] * v[county] + beta, sigma)
"""
    y = np.array([0.3, 2.0, -1.0])

    def reference(v: Any) -> float:
        return (
            normal([v["mu"], v["beta"]], 0, 3)
            + half_normal([v["alpha"], v["sigma"]])
            + normal([v["u"], v["v"]], v["mu"], v["alpha"])
            + normal(y, v["u"] * v["v"] + v["beta"], v["sigma"])
        )

    agrees(text, {"y": y}, reference)


def test_data_computed_from_data() -> None:
    text = """
dim obs
data earn[obs] > 0, x[obs]
log_earn = log(earn)
scaled[obs] = (x[obs] - mean(x)) / sd(x)
a, b ~ Normal(0, 1)
log_earn[obs] ~ Normal(a + b * scaled[obs], 1)
"""
    earn = np.exp(Y)

    def reference(v: Any) -> float:
        scaled = (X - X.mean()) / X.std(ddof=1)
        return normal([v["a"], v["b"]]) + normal(np.log(earn), v["a"] + v["b"] * scaled, 1)

    agrees(text, {"earn": earn, "x": X}, reference)


def test_density_on_elements_of_a_var() -> None:
    text = """
dim state = 2
var mu[state] : ordered > 0
var b1 in [0, 1]
var b2 in [0, 1 - b1]
mu[0] ~ Normal(3, 1)
mu[1] ~ Normal(5, 2)
"""

    def reference(v: Any) -> float:
        assert 0 < v["mu"][0] < v["mu"][1]
        assert 0 <= v["b2"] <= 1 - v["b1"]
        return normal(v["mu"][0], 3, 1) + normal(v["mu"][1], 5, 2)

    agrees(text, {}, reference)


def test_pieces_of_a_value() -> None:
    text = """
dim time ordered
data y[time]
a, b ~ Normal(0, 1)
m[0] = a
m[t] = b * y[t-1] for t in time[1:]
y[time] ~ Normal(m[time], 1)
"""
    agrees(
        text,
        {"y": Y},
        lambda v: normal([v["a"], v["b"]]) + normal(Y, np.concatenate([[v["a"]], v["b"] * Y[:-1]]), 1),
    )


# --- labels ------------------------------------------------------------------------------------------


def test_labels_as_attributes() -> None:
    text = """
dim obs
dim species = {prey, predator}
data y[obs, species]
m[species] ~ Normal(0, 1)
ratio = m.predator / (1 + m.prey^2)
y[obs, species] ~ Normal(m[species], 1)
w[species] = species(predator = exp(m.prey), prey = ratio)
d[obs] = y[obs].prey - y[obs].predator
d[obs] ~ Normal(w.predator, 1)
z = w["prey"] + m["predator"]
"""
    y = RNG.normal(size=(4, 2))

    def reference(v: Any) -> float:
        ratio = v["m"][1] / (1 + v["m"][0] ** 2)
        np.testing.assert_allclose(v["w"], [ratio, np.exp(v["m"][0])], rtol=1e-13)
        np.testing.assert_allclose(v["z"], ratio + v["m"][1], rtol=1e-13)
        return normal(v["m"]) + normal(y, v["m"], 1) + normal(y[:, 0] - y[:, 1], np.exp(v["m"][0]), 1)

    agrees(text, {"y": y}, reference)


def test_labels_from_the_data() -> None:
    text = """
dim obs, school
data y[obs], of[obs] : school
a[school] ~ Normal(0, 1)
gap = a["Choate"] - a.Andover
y[obs] ~ Normal(a[of[obs]], 1)
"""
    names = ["Choate", "Andover", "Choate", "Deerfield"]
    order = ["Choate", "Andover", "Deerfield"]
    at = np.array([order.index(n) for n in names])

    def reference(v: Any) -> float:
        np.testing.assert_allclose(v["gap"], v["a"][0] - v["a"][1], rtol=1e-13)
        return normal(v["a"]) + normal(Y[:4], v["a"][at], 1)

    agrees(text, {"y": Y[:4], "of": names}, reference)


def test_index_data_from_one() -> None:
    text = """
dim obs
dim county = 3
data y[obs], of[obs] : county from 1
a[county] ~ Normal(0, 1)
y[obs] ~ Normal(a[of[obs]], 1)
"""
    agrees(text, {"y": Y, "of": COUNTY + 1}, lambda v: normal(v["a"]) + normal(Y, v["a"][COUNTY], 1))


def test_unicode_names_and_comments() -> None:
    text = """
model Schüler   # a title
# Größen
dim schüler
data y[schüler]     # data
μ ~ Normal(0, 5)    # the mean
σ ~ HalfNormal(1)
θ̂[schüler] ~ Normal(μ, σ)
y[schüler] ~ Normal(θ̂[schüler],   # over two lines
                    1)
"""
    agrees(
        text,
        {"y": Y},
        lambda v: normal(v["μ"], 0, 5) + half_normal(v["σ"]) + normal(v["θ̂"], v["μ"], v["σ"]) + normal(Y, v["θ̂"], 1),
    )


# --- whole arrays ------------------------------------------------------------------------------------


def test_rows_and_softmax() -> None:
    text = """
dim obs, feature
dim state = 3
data x[obs] : state, z[obs] : state, X[obs, feature]
P[k, state] ~ Dirichlet(fill(2, state)) for k in state
B[state, feature] ~ Normal(0, 1)
z[obs] ~ Categorical(P[x[obs]])
eta[obs, state] = sum(B[state, feature] * X[obs, feature], feature)
x[obs] ~ Categorical(softmax(eta[obs]))
l[obs] = logsumexp(eta[obs])
"""
    design = RNG.normal(size=(6, 2))
    z = np.array([2, 0, 1, 2, 1, 0])

    def reference(v: Any) -> float:
        eta = design @ v["B"].T
        np.testing.assert_allclose(v["l"], special.logsumexp(eta, axis=1), rtol=1e-12)
        prior = sum(stats.dirichlet([2, 2, 2]).logpdf(row) for row in v["P"])
        picked = np.log(v["P"][COUNTY, z]).sum()
        return prior + normal(v["B"]) + picked + np.sum(special.log_softmax(eta, axis=1)[np.arange(6), COUNTY])

    agrees(text, {"x": COUNTY, "z": z, "X": design}, reference)


def test_reductions() -> None:
    text = """
dim obs, k
data X[obs, k]
b[k] ~ Normal(0, 1)
by_loop[obs] = sum(X[obs, i] * b[i] for i in k)
by_name[obs] = sum(X[obs, k] * b[k], k)
product = prod(1 + b[i]^2 for i in k)
average[obs] = mean(X[obs, k] * b[k], k)
highest = max(b[k], k)
lowest = min(b)
largest[obs] = max(X[obs, i] + b[i] for i in k)
log_total = logsumexp(b[i] for i in k)
total = sum(X[i, j] * b[j] for i in obs, j in k)
both = sum(X[obs, k] * b[k], obs, k)
running[k] = cumsum(b)
sums[k] = sum(X, obs)
upper = max(0.1, sum(b))
"""
    design = RNG.normal(size=(4, 3))

    def reference(v: Any) -> float:
        b = v["b"]
        expected = {
            "by_loop": design @ b,
            "by_name": design @ b,
            "product": np.prod(1 + b**2),
            "average": (design * b).mean(1),
            "highest": b.max(),
            "lowest": b.min(),
            "largest": (design + b).max(1),
            "log_total": special.logsumexp(b),
            "total": (design @ b).sum(),
            "both": (design @ b).sum(),
            "running": np.cumsum(b),
            "upper": max(0.1, b.sum()),
        }
        for name, wanted in expected.items():
            np.testing.assert_allclose(v[name], wanted, rtol=1e-12, err_msg=name)
        return normal(b)

    agrees(text, {"X": design}, reference)


def test_running_sums_over_an_index() -> None:
    text = """
dim time ordered
dim group
data y[group, time]
s[time] ~ Normal(0, 1)
path[group, time] = cumsum(s[t] * y[group, t] for t in time)
y[group, time] ~ Normal(path[group, time], 1)
"""
    y = RNG.normal(size=(2, 5))
    agrees(text, {"y": y}, lambda v: normal(v["s"]) + normal(y, np.cumsum(v["s"] * y, 1), 1))


def test_linear_algebra() -> None:
    text = """
dim obs
dim k = 3
data X[obs, k], y[obs], A[k, k], tie
b[k] ~ Normal(0, 1)
L[k, j] ~ LKJCholesky(2) for k in k, j in k
S = L @ transpose(L) + diag(fill(0.5, k))
mean_y = X @ b
x1 = solve(S, b)
x2 = solve_lower(cholesky(S), b)
q = quadratic(b, S)
ld = logdet(S)
tr = trace(A @ S)
d = dot(b, diagonal(S))
inv = inverse(S)
o = outer(b, x1)
v[k] ~ MvNormal(b, S)
y[obs] ~ Normal(mean_y[obs], 1)
tie ~ Normal(sum(v), 1)
"""
    design, matrix = RNG.normal(size=(6, 3)), RNG.normal(size=(3, 3))

    def reference(v: Any) -> float:
        b, s = v["b"], v["L"] @ v["L"].T + 0.5 * np.eye(3)
        expected = {
            "x1": np.linalg.solve(s, b),
            "x2": linalg.solve_triangular(np.linalg.cholesky(s), b, lower=True),
            "q": b @ s @ b,
            "ld": np.linalg.slogdet(s)[1],
            "tr": np.trace(matrix @ s),
            "d": b @ np.diag(s),
            "inv": np.linalg.inv(s),
            "o": np.outer(b, np.linalg.solve(s, b)),
        }
        for name, wanted in expected.items():
            np.testing.assert_allclose(v[name], wanted, rtol=1e-10, atol=1e-12, err_msg=name)
        diagonal = np.diag(v["L"])
        lkj = 3 * np.log(diagonal[1]) + 2 * np.log(diagonal[2])
        # Lewandowski, Kurowicka and Joe: the powers are n - k + 2 eta - 2 for rows k = 2, 3; the constant by quadrature
        constant = sum(
            0.5 * (k - 1) * np.log(np.pi) + special.gammaln(p / 2 + 1) - special.gammaln(p / 2 + 1 + 0.5 * (k - 1))
            for k, p in ((2, 3.0), (3, 2.0))
        )
        return (
            normal(b)
            + lkj
            - constant
            + stats.multivariate_normal(b, s).logpdf(v["v"])
            + normal(Y, design @ b, 1)
            + normal(0.5, v["v"].sum(), 1)
        )

    agrees(text, {"X": design, "y": Y, "A": matrix, "tie": 0.5}, reference)


def test_keywords_and_alternatives() -> None:
    text = """
dim k = 2
data Q[k, k], y[k], C[k, k], tie
mu ~ Normal(scale=2, mean=1)
x[k] ~ MvNormal(mu, precision=Q)
z[k] ~ MvNormal(x, cholesky=cholesky(C))
t ~ StudentT(df=4, scale=2)
tie ~ Normal(t, 1)
y[k] ~ Normal(mean=z[k], scale=1)
"""
    precision = np.array([[2.0, 0.3], [0.3, 1.0]])
    covariance = np.array([[1.0, -0.2], [-0.2, 0.7]])
    y = np.array([0.3, -1.0])

    def reference(v: Any) -> float:
        return (
            normal(v["mu"], 1, 2)
            + stats.multivariate_normal(np.full(2, v["mu"]), np.linalg.inv(precision)).logpdf(v["x"])
            + stats.multivariate_normal(v["x"], covariance).logpdf(v["z"])
            + stats.t(4, 0, 2).logpdf(v["t"])
            + normal(0.5, v["t"], 1)
            + normal(y, v["z"], 1)
        )

    agrees(text, {"Q": precision, "y": y, "C": covariance, "tie": 0.5}, reference)


def test_event_axes_of_every_multivariate_distribution() -> None:
    text = """
dim g = 2
dim k = 3
data n[g, k] : count, K[k, k], tie
p[g, k] ~ Dirichlet(fill(2, k))
q[i, j] ~ Dirichlet(stack(k, 1, 2, 3)) for i in g, j in k
m[g, k] ~ MvNormal(0, K)
w[i, j] ~ MvNormal(m[i], K) for i in g, j in k
c[g, k] ~ ordered(Normal(0, 1))
z[g, k] ~ zerosum(Normal(0, 2))
L[g, a, b] ~ LKJCholesky(1.5) for a in k, b in k
n[g, k] ~ Multinomial(10, p[g])
tie ~ Normal(sum(q * w) + sum(c) + sum(z) + sum(L), 1)
"""
    n = np.array([[3, 5, 2], [10, 0, 0]])
    covariance = np.array([[1.0, 0.2, 0.0], [0.2, 1.5, 0.1], [0.0, 0.1, 0.6]])

    def reference(v: Any) -> float:
        mvn = stats.multivariate_normal(np.zeros(3), covariance)
        rows = v["L"][:, [1, 2], [1, 2]]
        constant = sum(
            0.5 * (k - 1) * np.log(np.pi) + special.gammaln(p / 2 + 1) - special.gammaln(p / 2 + 1 + 0.5 * (k - 1))
            for k, p in ((2, 2.0), (3, 1.0))
        )
        return (
            sum(stats.dirichlet([2, 2, 2]).logpdf(row) for row in v["p"])
            + sum(stats.dirichlet([1, 2, 3]).logpdf(row) for row in v["q"])
            + mvn.logpdf(v["m"]).sum()
            + mvn.logpdf(v["w"] - v["m"]).sum()
            + normal(v["c"])
            + 2 * np.log(6)
            + normal(v["z"], 0, 2)
            + normal(0.5, np.sum(v["q"] * v["w"]) + v["c"].sum() + v["z"].sum() + v["L"].sum(), 1)
            + 2 * (np.log(2) + 0.5 * np.log(2 * np.pi))
            + np.sum(2 * np.log(rows[:, 0]) + 1 * np.log(rows[:, 1]))
            - 2 * constant
            + sum(stats.multinomial(10, p).logpmf(row) for p, row in zip(v["p"], n, strict=True))
        )

    agrees(text, {"n": n, "K": covariance, "tie": 0.5}, reference)


def test_pairs_of_indices() -> None:
    text = """
dim obs
data x[obs], y[obs]
rho ~ InverseGamma(5, 5)
alpha, sigma ~ HalfNormal(1)
K[i, j] = alpha^2 * exp(-0.5 * ((x[i] - x[j]) / rho)^2) + (0.1 if i == j else 0) for i in obs, j in obs
f[obs] ~ MvNormal(0, K)
y[obs] ~ Normal(f[obs], sigma)
"""

    def reference(v: Any) -> float:
        gap = X[:, None] - X[None]
        kernel = v["alpha"] ** 2 * np.exp(-0.5 * (gap / v["rho"]) ** 2) + 0.1 * np.eye(6)
        return (
            stats.invgamma(5, scale=5).logpdf(v["rho"])
            + half_normal([v["alpha"], v["sigma"]])
            + stats.multivariate_normal(np.zeros(6), kernel).logpdf(v["f"])
            + normal(Y, v["f"], v["sigma"])
        )

    agrees(text, {"x": X, "y": Y}, reference, rtol=1e-8)


def test_choices() -> None:
    text = """
dim obs
data x[obs], y[obs], floor[obs] : bool
a, b ~ Normal(0, 1)
m[obs] = a if floor[obs] else b * x[obs]
s[obs] = sqrt(x[obs]) if x[obs] > 0 else 0.5 if x[obs] > -0.5 else 2
y[obs] ~ Normal(m[obs], s[obs] + 0.1)
"""

    def reference(v: Any) -> float:
        m = np.where(FLOOR, v["a"], v["b"] * X)
        s = np.where(X > 0, np.sqrt(np.abs(X)), np.where(X > -0.5, 0.5, 2.0))
        return normal([v["a"], v["b"]]) + normal(Y, m, s + 0.1)

    agrees(text, {"x": X, "y": Y, "floor": FLOOR}, reference)


def test_fill_and_stack() -> None:
    text = """
dim obs
dim k = 2
data y[obs, k]
a, b ~ Normal(0, 1)
m[k] = stack(k, a, b)
M = fill(a, obs, k)
R = stack(k, fill(a, obs), fill(b, obs))
y[obs, k] ~ Normal(m[k] + M[obs, k] * R[k, obs], 1)
n = length(obs) * a
"""
    y = RNG.normal(size=(3, 2))

    def reference(v: Any) -> float:
        assert v["n"] == pytest.approx(3 * v["a"])
        m = np.array([v["a"], v["b"]])
        return normal(m) + normal(y, m + v["a"] * m, 1)

    agrees(text, {"y": y}, reference)


def test_same_dim_twice_is_the_same_element() -> None:
    text = """
dim obs
data x[obs], y[obs]
a[obs] ~ Normal(x[obs], 1)
y[obs] ~ Normal(a[obs] * x[obs], 1)
"""
    agrees(text, {"x": X, "y": Y}, lambda v: normal(v["a"], X, 1) + normal(Y, v["a"] * X, 1))


def test_hidden_names_are_not_recorded() -> None:
    text = "dim obs\ndata y[obs]\na ~ Normal(0, 1)\n_m = exp(a)\nn = _m + 1\ny[obs] ~ Normal(_m, n)\n"

    def reference(v: Any) -> float:
        assert "_m" not in v
        return normal(v["a"]) + normal(Y, np.exp(v["a"]), np.exp(v["a"]) + 1)

    agrees(text, {"y": Y}, reference)


def test_bounds_of_data_and_integer_arithmetic() -> None:
    text = """
dim obs
data p[obs] in [0, 1], n[obs] : count, y[obs] : int, z[obs] : spin
a ~ Normal(0, 1)
k[obs] = n[obs] // 2 + y[obs] % 3
r[obs] ~ Normal(a * k[obs] + z[obs], 1 + p[obs])
"""
    data = {
        "p": np.array([0.0, 0.5, 1.0]),
        "n": np.array([0, 3, 8]),
        "y": np.array([-1, 4, 2]),
        "z": np.array([1, -1, 1]),
    }
    k = data["n"] // 2 + data["y"] % 3
    agrees(text, data, lambda v: normal(v["a"]) + normal(v["r"], v["a"] * k + data["z"], 1 + data["p"]))


def test_forms_of_indices_and_shapes() -> None:
    """Whole arrays, elements, slices, gathers and mixtures of them, as values."""
    text = """
dim obs, county
dim time ordered
dim k = 3
dim species = {prey, predator}
data x[obs], g[obs] : k, of[obs] : county, ts[time], Y[time, species], X[obs, k], S[k, k], floor[obs] : bool
b ~ Normal(0, 1)
v[k] ~ Normal(0, 1)
u[county] ~ Normal(0, 1)
m1 = v[g]
m2[obs] = v[g[obs]] + v[0]
m3[obs] = X[obs] @ v
m4 = u[of] * x
m5[obs] = (X @ v)[obs]
m6[obs] = softmax(v)[g[obs]]
m7[obs] = X[obs, 1:] @ v[1:] * b
m8 = (v + 1)[2]
m9 = X[:, 0] * b
m10[k, obs] = X[obs, k] * v[k]
m11[obs] = stack(k, b, 2 * b, x[obs])[g[obs]]
m12 = b if floor else -b
m13[obs] = mean(X[obs, i] * v[j] for i in k, j in k if i != j)
m14 = sum(v[1:] - v[:-1])
m15[i, j] = S[i, j] * v[i] for i in k, j in k
d[0] = b
d[t] = (ts[t] - ts[t-1]) * b for t in time[1:]
z[time] = Y[time].prey * b
zz = Y.predator + b
def pick(i) = u[of[i]] + 1
f1[obs] = pick(obs)
def first(q) = q.predator + q.prey
f2[time] = first(Y[time] * b)
def least() = min(v) - b
f3 = least()
f4[species] = Y[-1] * b
f5 = sum(time * ts[time] * b, time)
f6[obs] = sum(X[obs, k] * v[k], k) / length(k)
f7[k] = cumsum(v)[k] + v[k] * k
f8 = transpose(X) @ X @ v
f9[obs] = max(X[obs] * v)
"""
    data = {
        "x": X[:5],
        "g": np.array([2, 0, 1, 1, 2]),
        "of": np.array([1, 0, 0, 1, 1]),
        "ts": RNG.normal(size=4),
        "Y": RNG.normal(size=(4, 2)),
        "X": RNG.normal(size=(5, 3)),
        "S": RNG.normal(size=(3, 3)),
        "floor": FLOOR[:5],
    }

    def reference(r: Any) -> float:
        x, g, of, ts, pairs, design, matrix = (data[n] for n in ("x", "g", "of", "ts", "Y", "X", "S"))
        b, v, u = r["b"], r["v"], r["u"]
        off = ~np.eye(3, dtype=bool)
        expected = {
            "m1": v[g],
            "m2": v[g] + v[0],
            "m3": design @ v,
            "m4": u[of] * x,
            "m5": design @ v,
            "m6": special.softmax(v)[g],
            "m7": design[:, 1:] @ v[1:] * b,
            "m8": v[2] + 1,
            "m9": design[:, 0] * b,
            "m10": design.T * v[:, None],
            "m11": np.choose(g, [np.full(5, b), np.full(5, 2 * b), x]),
            "m12": np.where(data["floor"], b, -b),
            "m13": [np.outer(row, v)[off].mean() for row in design],
            "m14": v[2] - v[0],
            "m15": matrix * v[:, None],
            "d": np.concatenate([[b], np.diff(ts) * b]),
            "z": pairs[:, 0] * b,
            "zz": pairs[:, 1] + b,
            "f1": u[of] + 1,
            "f2": pairs.sum(1) * b,
            "f3": v.min() - b,
            "f4": pairs[-1] * b,
            "f5": np.sum(np.arange(4) * ts * b),
            "f6": design @ v / 3,
            "f7": np.cumsum(v) + v * np.arange(3),
            "f8": design.T @ design @ v,
            "f9": (design * v).max(1),
        }
        for name, wanted in expected.items():
            np.testing.assert_allclose(r[name], wanted, rtol=1e-11, atol=1e-13, err_msg=name)
        return normal(b) + normal(v) + normal(u)

    agrees(text, data, reference)
