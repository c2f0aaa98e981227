"""Effective draws per gradient with latents centred, not centred, and as the compiler chooses.

    python benchmarks/centring.py [NAME ...]

For each model the smallest effective number of draws (bulk) among all elements of all latents, for every 1000
gradients after warmup, and the number of divergences; medians over seeds. `cost` is what the choice loses against the
better of the two others: at most 20 % on any, and no divergences that another avoids, is what the rule was made for.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import ppl
from ppl.compiler.passes.centring import choose
from ppl.compiler.passes.sites import sites
from ppl.results.statistics import ess_bulk

DATA = Path(__file__).parents[1] / "models" / "data"
SEEDS = (1, 2, 3)

Case = tuple[str, Mapping[str, Any]]


def _given(name: str) -> dict[str, Any]:
    return dict(json.loads((DATA / f"{name}.json").read_text()))


def eight_schools() -> Case:
    text = """
dim school
data y[school], sigma[school] > 0
mu            ~ Normal(0, 5)
tau           ~ HalfCauchy(5)
theta[school] ~ Normal(mu, tau)
y[school]     ~ Normal(theta[school], sigma[school])
"""
    return text, _given("eight_schools")


def radon() -> Case:
    text = """
dim obs, county
data log_radon[obs], floor[obs] : bool, uranium[county], county_of[obs] : county from 1
a, b, g        ~ Normal(0, 2)
tau, sigma     ~ HalfNormal(1)
alpha[county]  ~ Normal(a + g * uranium[county], tau)
log_radon[obs] ~ Normal(alpha[county_of[obs]] + b * floor[obs], sigma)
"""
    return text, _given("radon")


def rats() -> Case:
    """Growth curves of 30 rats weighed five times (Gelfand et al. 1990), simulated from the published estimates."""
    text = """
dim obs, rat
data age[obs], weight[obs] > 0, rat_of[obs] : rat
mean_level            ~ Normal(250, 50)
mean_growth           ~ Normal(6, 5)
sd_level              ~ HalfNormal(30)
sd_growth             ~ HalfNormal(2)
sigma                 ~ HalfNormal(20)
level[rat]            ~ Normal(mean_level, sd_level)
growth[rat]           ~ Normal(mean_growth, sd_growth)
weight[obs]           ~ Normal(level[rat_of[obs]] + growth[rat_of[obs]] * (age[obs] - 22), sigma)
"""
    draw = np.random.default_rng(11)
    age, rat = np.tile([8.0, 15.0, 22.0, 29.0, 36.0], 30), np.repeat(np.arange(30), 5)
    level, growth = draw.normal(242, 14.5, 30), draw.normal(6.2, 0.5, 30)
    weight = level[rat] + growth[rat] * (age - 22) + draw.normal(0, 6, 150)
    return text, {"age": age, "weight": weight, "rat_of": rat}


def seeds() -> Case:
    """Seeds that germinate on 21 plates, with an effect of each plate (Crowder 1978), simulated alike."""
    text = """
dim plate
data germinated[plate] : count, sown[plate] : count, kind[plate], extract[plate]
level, of_kind, of_extract, of_both ~ Normal(0, 2)
tau                                 ~ HalfNormal(1)
logit[plate]      ~ Normal(level + of_kind * kind[plate] + of_extract * extract[plate]
    + of_both * kind[plate] * extract[plate], tau)
germinated[plate] ~ BinomialLogit(sown[plate], logit[plate])
"""
    draw = np.random.default_rng(12)
    sown = draw.integers(4, 82, 21)
    kind, extract = (np.arange(21) >= 11).astype(float), (np.arange(21) % 2).astype(float)
    logit = -0.55 + 0.08 * kind + 1.35 * extract - 0.8 * kind * extract + draw.normal(0, 0.3, 21)
    germinated = draw.binomial(sown, 1 / (1 + np.exp(-logit)))
    return text, {"germinated": germinated, "sown": sown, "kind": kind, "extract": extract}


def hierarchy(groups: int, each: int, tau: float, family: str = "Normal(mu, tau)") -> Callable[[], Case]:
    """Groups with observations of noise 1."""

    def case() -> Case:
        text = f"""
dim obs, group
data y[obs], of[obs] : group
mu           ~ Normal(0, 5)
tau, sigma   ~ HalfNormal(2)
theta[group] ~ {family}
y[obs]       ~ Normal(theta[of[obs]], sigma)
"""
        draw = np.random.default_rng(13)
        of = np.repeat(np.arange(groups), each)
        return text, {"y": draw.normal(1, tau, groups)[of] + draw.normal(size=of.size), "of": of}

    return case


def uneven() -> Case:
    """Groups with one to a thousand observations."""
    text, _ = hierarchy(2, 2, 1)()
    draw = np.random.default_rng(14)
    sizes = np.array([1, 1, 1, 2, 2, 3, 4, 5, 8, 10, 20, 50, 100, 300, 1000])
    of = np.repeat(np.arange(sizes.size), sizes)
    return text, {"y": draw.normal(1, 0.4, sizes.size)[of] + draw.normal(size=of.size), "of": of}


def poisson() -> Case:
    """Counts with rates from 1 to 100 in 30 groups."""
    text = """
dim obs, group
data y[obs] : count, of[obs] : group
mu       ~ Normal(0, 3)
tau      ~ HalfNormal(2)
a[group] ~ Normal(mu, tau)
y[obs]   ~ PoissonLog(a[of[obs]])
"""
    draw = np.random.default_rng(15)
    of = np.repeat(np.arange(30), 3)
    return text, {"y": draw.poisson(np.exp(draw.normal(2, 1, 30))[of]), "of": of}


def three_levels() -> Case:
    """Pupils in classes in schools."""
    text = """
dim obs, group, school
data y[obs], of[obs] : group, school_of[group] : school
mu                ~ Normal(0, 5)
tau, delta, sigma ~ HalfNormal(2)
level[school]     ~ Normal(mu, delta)
theta[group]      ~ Normal(level[school_of[group]], tau)
y[obs]            ~ Normal(theta[of[obs]], sigma)
"""
    draw = np.random.default_rng(16)
    of, school_of = np.repeat(np.arange(60), 6), np.repeat(np.arange(12), 5)
    theta = draw.normal(1, 0.7, 12)[school_of] + draw.normal(0, 0.4, 60)
    return text, {"y": theta[of] + draw.normal(size=360), "of": of, "school_of": school_of}


def walk(length: int, noise: float, every: int = 1) -> Callable[[], Case]:
    """A random walk of steps 1 (or unknown), seen with noise at every so many times."""

    def case() -> Case:
        text = """
dim time ordered
dim obs
data y[obs], at[obs] : time
s, sigma ~ HalfNormal(2)
x[0]     ~ Normal(0, 5)
x[t]     ~ Normal(x[t-1], s)  for t in time[1:]
y[obs]   ~ Normal(x[at[obs]], sigma)
"""
        draw = np.random.default_rng(17)
        at = np.arange(0, length, every)
        x = np.cumsum(0.5 * draw.normal(size=length))
        return text, {"y": x[at] + noise * draw.normal(size=at.size), "at": at, "time": [str(t) for t in range(length)]}

    return case


def autoregression() -> Case:
    """Stochastic volatility: a latent autoregression of log variances."""
    text = """
dim time ordered
data y[time]
phi  ~ Uniform(-1, 1)
mu   ~ Normal(0, 2)
s    ~ HalfNormal(1)
h[0] ~ Normal(mu, s / sqrt(1 - phi^2))
h[t] ~ Normal(mu + phi * (h[t-1] - mu), s)  for t in time[1:]
y[time] ~ Normal(0, exp(h[time] / 2))
"""
    draw = np.random.default_rng(18)
    h = np.zeros(300)
    for t in range(1, 300):
        h[t] = 0.95 * h[t - 1] + 0.25 * draw.normal()
    return text, {"y": np.exp(h / 2 - 0.5) * draw.normal(size=300)}


def gaussian_process(noise: float, size: int = 20) -> Callable[[], Case]:
    """A latent function seen with little or much noise."""

    def case() -> Case:
        text = """
dim obs
data x[obs], y[obs]
rho          ~ InverseGamma(5, 5)
alpha, sigma ~ HalfNormal(1)
K[i, j] = alpha^2 * exp(-0.5 * ((x[i] - x[j]) / rho)^2) + (0.000001 if i == j else 0)  for i in obs, j in obs
f[obs] ~ MvNormal(0, K)
y[obs] ~ Normal(f[obs], sigma)
"""
        draw = np.random.default_rng(19)
        x = np.linspace(0, 10, size)
        return text, {"x": x, "y": np.sin(x) + noise * draw.normal(size=size)}

    return case


def slopes(each: int) -> Callable[[], Case]:
    """Correlated intercepts and slopes of 40 groups."""

    def case() -> Case:
        text = """
dim obs, group
dim k = {level, slope}
data y[obs], x[obs], of[obs] : group
mean[k] ~ Normal(0, 2)
tau[k]  ~ HalfNormal(1)
sigma   ~ HalfNormal(1)
L[i, j] ~ LKJCholesky(2) for i in k, j in k
C[i, j] = tau[i] * L[i, j] for i in k, j in k
b[group, k] ~ MvNormal(mean, cholesky=C)
y[obs] ~ Normal(b[of[obs], "level"] + b[of[obs], "slope"] * x[obs], sigma)
"""
        draw = np.random.default_rng(20)
        of = np.repeat(np.arange(40), each)
        x = draw.normal(size=of.size)
        b = draw.normal(size=(40, 2)) @ np.array([[0.8, 0.3], [0.0, 0.4]])
        return text, {"y": b[of, 0] + b[of, 1] * x + 0.7 * draw.normal(size=of.size), "x": x, "of": of}

    return case


CASES: Mapping[str, Callable[[], Case]] = {
    "eight schools": eight_schools,
    "radon": radon,
    "rats": rats,
    "seeds": seeds,
    "8 × 2, tau 0.1": hierarchy(8, 2, 0.1),
    "8 × 2, tau 2": hierarchy(8, 2, 2.0),
    "100 × 2, tau 0.1": hierarchy(100, 2, 0.1),
    "100 × 2, tau 2": hierarchy(100, 2, 2.0),
    "20 × 100, tau 0.1": hierarchy(20, 100, 0.1),
    "20 × 100, tau 2": hierarchy(20, 100, 2.0),
    "100 × 5, tau 0.5": hierarchy(100, 5, 0.5),
    "50 × 4, Student": hierarchy(50, 4, 0.7, "StudentT(4, mu, tau)"),
    "50 × 4, Laplace": hierarchy(50, 4, 0.7, "Laplace(mu, tau)"),
    "50 × 4, Cauchy": hierarchy(50, 4, 0.7, "Cauchy(mu, tau)"),
    "uneven": uneven,
    "poisson": poisson,
    "three levels": three_levels,
    "walk, dense": walk(200, 0.1),
    "walk, noisy": walk(200, 1.0),
    "walk, very noisy": walk(200, 4.0),
    "walk, sparse": walk(200, 0.3, 20),
    "volatility": autoregression,
    "GP, little noise": gaussian_process(0.02),
    "GP, some noise": gaussian_process(0.2),
    "GP, much noise": gaussian_process(1.0),
    "slopes, 3 each": slopes(3),
    "slopes, 50 each": slopes(50),
}


def measure(text: str, data: Mapping[str, Any], seed: int, **request: Any) -> tuple[float, int, str]:
    """Effective draws per 1000 gradients, divergences, and the quantity with the fewest effective draws."""
    model = ppl.compile(text)
    fit = model.sample(data, seed=seed, log_likelihood=False, predictive=False, progress=False, **request)
    fewest, worst = np.inf, ""
    for latent in model.graph.latents:
        draws = np.asarray(fit.posterior[latent.name])
        ess = ess_bulk(draws.reshape(*draws.shape[:2], -1))
        free = ess[np.isfinite(ess)]  # entries of a Cholesky factor that are always 0 or 1 have none
        if free.size and free.min() < fewest:
            fewest, worst = float(free.min()), latent.name
    gradients = float(fit.sample_stats["n_steps"].sum())
    return 1000 * fewest / gradients, int(fit.sample_stats["diverging"].sum()), worst


def main(names: list[str]) -> None:
    print(f"{'model':20s} {'centred':>16s} {'non-centred':>16s} {'chosen':>16s} {'cost':>6s}  choice", flush=True)
    for name in names or CASES:
        text, data = CASES[name]()
        model = ppl.compile(text)
        every = [site.name for site in sites(model.graph).values() if site.parents]
        chosen = choose(model.graph, model.bind(data).dataset)
        requests = ({"centre": every}, {"noncentre": every}, {})
        found = [[measure(text, data, seed, **request) for seed in SEEDS] for request in requests]
        rates = [float(np.median([f[0] for f in each])) for each in found]
        shown = [
            f"{rate:8.2f} {sum(f[1] for f in each):3d} {each[0][2][:5]:5s}"
            for rate, each in zip(rates, found, strict=True)
        ]
        cost = 1 - rates[2] / max(rates[:2])
        forms = "; ".join(f"{n} {chosen[n].form}" for n in every)
        print(f"{name:20s} {' '.join(shown)} {cost:6.0%}  {forms}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
