"""The density of every model in `models/`, written by hand with NumPy and SciPy, one function each.

v: values of the latents, as `constrain` gives them; d: the data as the file has them, missing numbers as NaN. Each adds
the log-Jacobians of its supports: of numbers above 0, between 0 and 1, increasing vectors, simplexes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import integrate, special, stats

Values = dict[str, np.ndarray]
Data = dict[str, np.ndarray]

# --- distributions with the Jacobians of their supports ----------------------------------------------


def normal(x: np.ndarray, mean: Any, scale: Any) -> float:
    return float(np.sum(stats.norm.logpdf(x, mean, scale)))


def half_cauchy(x: np.ndarray, scale: float) -> float:
    return float(np.sum(stats.halfcauchy.logpdf(x, scale=scale) + np.log(x)))


def half_normal(x: np.ndarray, scale: float) -> float:
    return float(np.sum(stats.halfnorm.logpdf(x, scale=scale) + np.log(x)))


def log_normal(x: np.ndarray, location: float, scale: float) -> float:
    return float(np.sum(stats.norm.logpdf(np.log(x), location, scale)))


def exponential(x: np.ndarray) -> float:
    return float(np.sum(-x + np.log(x)))


def beta(x: np.ndarray, a: float, b: float) -> float:
    return float(np.sum(stats.beta.logpdf(x, a, b) + np.log(x) + np.log1p(-x)))


def dirichlet(x: np.ndarray, concentration: float) -> float:
    """One simplex, or one a row."""
    rows = np.atleast_2d(x)
    jacobian = 0.5 * np.log(rows.shape[1]) + np.sum(np.log(rows), -1)
    return float(sum(stats.dirichlet.logpdf(row, np.full(row.size, concentration)) for row in rows) + np.sum(jacobian))


def ordered(x: np.ndarray, log_density: np.ndarray) -> float:
    """Independent draws put in order. Jacobian of the steps; the first element is on its own scale."""
    return float(special.gammaln(x.size + 1) + np.sum(log_density) + np.sum(np.log(np.diff(x))))


# --- models ------------------------------------------------------------------------------------------


def eight_schools(v: Values, d: Data) -> float:
    prior = normal(v["mu"], 0, 5) + half_cauchy(v["tau"], 5) + normal(v["theta"], v["mu"], v["tau"])
    return prior + normal(d["y"], v["theta"], d["sigma"])


def radon(v: Values, d: Data) -> float:
    prior = normal(v["a"], 0, 5) + normal(v["b"], 0, 1) + normal(v["g"], 0, 1)
    prior += half_normal(v["tau"], 1) + half_normal(v["sigma"], 1)
    prior += normal(v["alpha"], v["a"] + v["g"] * d["uranium"], v["tau"])
    return prior + normal(d["log_radon"], v["alpha"][d["county_of"] - 1] + v["b"] * d["floor"], v["sigma"])


def wells(v: Values, d: Data) -> float:
    far, log_as, schooled = d["dist"] / 100, np.log(d["arsenic"]), d["educ"] / 4
    far, log_as, schooled = far - far.mean(), log_as - log_as.mean(), schooled - schooled.mean()
    eta = v["alpha"] + v["b_dist"] * far + v["b_arsenic"] * log_as + v["b_educ"] * schooled + v["b_both"] * far * log_as
    prior = sum(normal(v[n], 0, 2.5) for n in ("alpha", "b_dist", "b_arsenic", "b_educ", "b_both"))
    return prior + float(np.sum(-np.logaddexp(0, np.where(d["switched"] == 1, -eta, eta))))


def stackloss(v: Values, d: Data) -> float:
    mean = v["alpha"] + v["b_air"] * (d["air_flow"] - 60) / 9
    mean = mean + v["b_water"] * (d["water_temp"] - 21) / 3 + v["b_acid"] * (d["acid_conc"] - 86) / 5
    prior = normal(v["alpha"], 17, 10) + sum(normal(v[n], 0, 10) for n in ("b_air", "b_water", "b_acid"))
    prior += half_normal(v["sigma"], 10) + float(stats.gamma.logpdf(v["nu"], 2, scale=10) + np.log(v["nu"]))
    return prior + float(np.sum(stats.t.logpdf(d["loss"], v["nu"], mean, v["sigma"])))


def lynx(v: Values, d: Data) -> float:
    y = np.log10(d["trapped"])
    prior = normal(v["a"], 0, 3) + normal(v["phi1"], 0, 1) + normal(v["phi2"], 0, 1) + half_normal(v["sigma"], 1)
    return prior + normal(y[2:], v["a"] + v["phi1"] * y[1:-1] + v["phi2"] * y[:-2], v["sigma"])


def gaussian_process(v: Values, d: Data) -> float:
    x = d["x"]
    covariance = v["alpha"] ** 2 * np.exp(-((x[:, None] - x) ** 2) / (2 * v["rho"] ** 2))
    covariance += v["sigma"] ** 2 * np.eye(x.size)
    prior = float(stats.invgamma.logpdf(v["rho"], 5, scale=5) + np.log(v["rho"]))
    prior += half_normal(v["alpha"], 2) + half_normal(v["sigma"], 1)
    return prior + float(stats.multivariate_normal.logpdf(d["y"], np.zeros(x.size), covariance))


def lsat(v: Values, d: Data) -> float:
    prior = normal(v["ability"], 0, 1) + log_normal(v["slope"], 0, 0.5) + normal(v["easiness"], 0, 2)
    p = special.expit(v["slope"] * v["ability"][:, None] + v["easiness"])
    return prior + float(np.sum(stats.bernoulli.logpmf(d["correct"], p)))


def cheese(v: Values, d: Data) -> float:
    liking, cut = v["liking"], v["cutpoint"]
    prior = ordered(cut, stats.norm.logpdf(cut, 0, 5))
    # The density on the plane where the sum is 0, in any orthonormal coordinates of it.
    prior += normal(liking, 0, 3) + np.log(3 * np.sqrt(2 * np.pi))
    ends = np.concatenate([[-np.inf], cut, [np.inf]])
    mean = liking[["ABCD".index(c) for c in d["cheese_of"]]]
    low, high = ends[d["rating"] - 1] - mean, ends[d["rating"]] - mean
    # F(high) - F(low) of the logistic distribution, without cancellation.
    logs = special.log_expit(high) + special.log_expit(-low) + np.log(-np.expm1(low - high))
    return prior + float(np.sum(logs))


def stochastic_volatility(v: Values, d: Data) -> float:
    mu, phi, sigma, h = v["mu"], v["phi"], v["sigma"], v["h"]
    prior = normal(mu, 0, 2) + beta(phi, 20, 2) + log_normal(sigma, -1.5, 0.5)
    prior += normal(h[0], mu, 1) + normal(h[1:], mu + phi * (h[:-1] - mu), sigma)
    return prior + normal(d["y"], 0, np.exp(h / 2))


def neural_network(v: Values, d: Data) -> float:
    prior = ordered(v["centre"], stats.norm.logpdf(v["centre"], 0, 1.5)) + log_normal(v["slope"], 0.8, 0.3)
    prior += half_normal(v["weight"], 1) + normal(v["bias"], 0, 1) + half_normal(v["sigma"], 0.5)
    hidden = np.tanh((d["x"][:, None] - v["centre"]) * v["slope"])
    return prior + normal(d["y"], hidden @ v["weight"] + v["bias"], v["sigma"])


def dippers(v: Values, d: Data) -> float:
    phi, p = float(v["phi"]), float(v["p"])
    total = beta(v["phi"], 1, 1) + beta(v["p"], 1, 1)
    for i in range(6):
        q = [phi * p * (phi * (1 - p)) ** (j - i) if j >= i else 0.0 for j in range(6)]
        total += float(stats.multinomial.logpmf(d["fate"][i], d["released"][i], [*q, 1 - sum(q)]))
    return total


def seeds(v: Values, d: Data) -> float:
    prior = sum(normal(v[n], 0, 5) for n in ("a0", "a_seed", "a_extract", "a_both"))
    prior += half_normal(v["sigma"], 1) + normal(v["b"], 0, v["sigma"])
    design = np.stack([np.ones(21), d["aegyptiaca_73"], d["cucumber"], d["aegyptiaca_73"] & d["cucumber"]])
    logit = np.array([v["a0"], v["a_seed"], v["a_extract"], v["a_both"]]) @ design + v["b"]
    return prior + float(np.sum(stats.binom.logpmf(d["germinated"], d["seeds"], special.expit(logit))))


def rats(v: Values, d: Data) -> float:
    prior = normal(v["mu_alpha"], 250, 50) + normal(v["mu_beta"], 6, 5)
    prior += half_normal(v["tau_alpha"], 30) + half_normal(v["tau_beta"], 5) + half_normal(v["sigma"], 20)
    prior += normal(v["alpha"], v["mu_alpha"], v["tau_alpha"]) + normal(v["beta"], v["mu_beta"], v["tau_beta"])
    mean = v["alpha"][:, None] + np.outer(v["beta"], d["day"] - 22)
    known = ~np.isnan(d["weight"])
    return prior + normal(d["weight"][known], mean[known], v["sigma"])


def galaxies(v: Values, d: Data) -> float:
    prior = dirichlet(v["w"], 2) + ordered(v["mu"], stats.norm.logpdf(v["mu"], 20, 10)) + half_normal(v["sigma"], 3)
    logs = np.log(v["w"]) + stats.norm.logpdf(d["velocity"][:, None], v["mu"], v["sigma"])
    return prior + float(np.sum(special.logsumexp(logs, axis=1)))


def earthquakes(v: Values, d: Data) -> float:
    rate = v["rate"]
    prior = ordered(rate, stats.gamma.logpdf(rate, 4, scale=5)) + float(np.log(rate[0])) + dirichlet(v["P"], 1)
    forward = np.full(2, -np.log(2)) + stats.poisson.logpmf(d["count"][0], rate)
    for count in d["count"][1:]:
        forward = special.logsumexp(forward[:, None] + np.log(v["P"]), axis=0) + stats.poisson.logpmf(count, rate)
    return prior + float(special.logsumexp(forward))


def disasters(v: Values, d: Data) -> float:
    count, years = d["count"], np.arange(d["count"].size)
    cases = [
        float(np.sum(stats.poisson.logpmf(count, np.where(years < change, v["early"], v["late"])))) for change in years
    ]
    return (
        exponential(v["early"]) + exponential(v["late"]) + float(special.logsumexp(cases)) - float(np.log(years.size))
    )


def occupancy(v: Values, d: Data) -> float:
    lives = special.expit(v["a"] + v["b"] * d["cover"])
    probability = lives * stats.binom.pmf(d["seen"], 5, v["p"]) + (1 - lives) * (d["seen"] == 0)
    return normal(v["a"], 0, 2) + normal(v["b"], 0, 2) + beta(v["p"], 1, 1) + float(np.sum(np.log(probability)))


def garch(v: Values, d: Data) -> float:
    a, b, w = float(v["a"]), float(v["b"]), float(v["w"])
    prior = normal(v["mean"], 0, 1) + half_normal(v["w"], 1)
    prior += np.log(a) + np.log1p(-a) + np.log(b) + np.log(1 - b / (1 - a))  # flat, in [0, 1] and [0, 1 - a]
    variance = [w / (1 - a - b)]
    for y in d["y"][:-1]:
        variance.append(w + a * (y - v["mean"]) ** 2 + b * variance[-1])
    return float(prior + normal(d["y"], v["mean"], np.sqrt(variance)))


def predator_prey(v: Values, d: Data) -> float:
    a, b, g, e = (float(v[n]) for n in ("alpha", "beta", "gamma", "delta"))
    prior = sum(log_normal(v[n], -0.5, 0.3) for n in ("alpha", "beta", "gamma", "delta"))
    prior += log_normal(v["start"], 0, 0.7) + log_normal(v["sigma"], -1, 0.5)

    def rate(_: float, z: np.ndarray) -> list[float]:
        return [(a - b * z[1] / 20) * z[0], (e * z[0] / 20 - g) * z[1]]

    solved = integrate.solve_ivp(rate, (0, 20), 10 * v["start"], "DOP853", np.arange(21.0), rtol=1e-11, atol=1e-11)
    return prior + normal(np.log(d["y"]), np.log(solved.y.T), v["sigma"]) - float(np.sum(np.log(d["y"])))


def ising(v: Values, d: Data) -> float:
    """The logarithm of the partition function, by the transfer matrix: the trace of its power."""
    coupling, field = d["coupling"][0], d["field"][0]
    s = np.array([1.0, -1.0])
    transfer = np.exp(coupling * s[:, None] * s + field * (s[:, None] + s) / 2)
    return float(np.log(np.trace(np.linalg.matrix_power(transfer, len(d["field"])))))


BY_HAND: dict[str, Callable[[Values, Data], float]] = {
    f.__name__: f
    for f in (
        eight_schools, radon, wells, stackloss, lynx, gaussian_process, lsat, cheese, stochastic_volatility,
        neural_network, dippers, seeds, rats, galaxies, earthquakes, disasters, occupancy, garch, predator_prey,
        ising,
    )
}  # fmt: skip
BY_HAND["rats_missing"] = rats
