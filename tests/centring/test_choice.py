"""What the compiler chooses, from what it finds that data say, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import ppl
from ppl.compiler.passes.centring import UNKNOWN, Request, choose
from ppl.compiler.passes.hierarchy import moment
from ppl.compiler.passes.sites import BETWEEN, CENTRED, NONCENTRED, Choice, sites
from ppl.errors import PplError
from ppl.results.container import from_arviz
from ppl.running.record import decode_attrs

SCHOOLS = """
dim school
data y[school], sigma[school] > 0
mu            ~ Normal(0, 5)
tau           ~ HalfCauchy(5)
theta[school] ~ Normal(mu, tau)
y[school]     ~ Normal(theta[school], sigma[school])
"""
SCHOOLS_DATA = {"y": [28.0, 8, -3, 7, -1, 1, 18, 12], "sigma": [15.0, 10, 16, 11, 9, 11, 10, 18]}


def choices(text: str, data: Mapping[str, Any], **request: Any) -> dict[str, Choice]:
    model = ppl.compile(text)
    bound = model.bind(data)
    return choose(bound.graph, bound.dataset, Request(**request))


def evidence(choice: Choice) -> tuple[np.ndarray, np.ndarray]:
    """Precision and place of each element."""
    (part,) = choice.evidence
    return part.precision, part.pull / part.precision


# --- what data say -----------------------------------------------------------------------------------


def test_each_school_speaks_for_itself() -> None:
    found = choices(SCHOOLS, SCHOOLS_DATA)
    assert found["theta"].form == BETWEEN
    precision, place = evidence(found["theta"])
    np.testing.assert_allclose(precision, 1 / np.square(SCHOOLS_DATA["sigma"]), rtol=1e-6)
    np.testing.assert_allclose(place, SCHOOLS_DATA["y"], rtol=1e-6)
    assert found["mu"].form == CENTRED


def test_observations_of_groups_against_least_squares() -> None:
    """Intercepts and slopes by group, and a coefficient for all, with a live noise: each given the best of the rest."""
    text = """
dim obs, group
data y[obs], x[obs], w[obs], g[obs] : group
m, k       ~ Normal(0, 10)
s, t       ~ HalfNormal(5)
b          ~ Normal(0, 1000)
sigma      ~ HalfNormal(5)
level[group] ~ Normal(m, s)
slope[group] ~ Normal(k, t)
y[obs] ~ Normal(level[g[obs]] + slope[g[obs]] * x[obs] + b * w[obs], sigma)
"""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(6), 20)
    x, w = rng.uniform(0, 3, 120), rng.normal(size=120)
    y = np.arange(6.0)[g] + (1 - np.arange(6.0))[g] * x + 40 * w + 0.1 * rng.normal(size=120)
    found = choices(text, {"y": y, "x": x, "w": w, "g": g})
    design = np.concatenate([np.eye(6)[g], np.eye(6)[g] * x[:, None], w[:, None]], axis=1)
    best, left, *_ = np.linalg.lstsq(design, y, rcond=None)
    for name, own, values in (("level", np.ones(120), best[:6]), ("slope", x, best[6:12])):
        (part,) = found[name].evidence
        assert part.scale is not None
        assert part.noise == pytest.approx(np.sqrt(left[0] / (120 - 13)), rel=0.01)
        np.testing.assert_allclose(part.precision, np.bincount(g, own**2), rtol=1e-5)
        np.testing.assert_allclose(part.pull / part.precision, values, atol=0.02)


@pytest.mark.parametrize(
    ("law", "data", "precision", "place"),
    [
        ("PoissonLog(x[g[obs]])", [90, 110, 30, 20], [200, 50], [np.log(100), np.log(25)]),
        ("Poisson(exp(x[g[obs]]))", [90, 110, 30, 20], [200, 50], [np.log(100), np.log(25)]),
        ("BinomialLogit(100, x[g[obs]])", [50, 50, 20, 20], [50, 32], [0, np.log(0.25)]),
        ("Binomial(100, sigmoid(x[g[obs]]))", [50, 50, 20, 20], [50, 32], [0, np.log(0.25)]),
        ("LogNormal(x[g[obs]], 0.5)", [2, 2, 8, 8], [8, 8], [np.log(2), np.log(8)]),
        ("StudentT(3, 2 * x[g[obs]], 0.5)", [2, 2, 8, 8], [21.3, 21.3], [1, 4]),
        ("Exponential(exp(x[g[obs]]))", [2, 2, 8, 8], [2, 2], [-np.log(2), -np.log(8)]),
    ],
)
def test_information_of_likelihoods(law: str, data: list[int], precision: list[float], place: list[float]) -> None:
    text = f"""
dim obs, group
data y[obs]{" : count" if "Poisson" in law or "Binomial" in law else ""}, g[obs] : group
m ~ Normal(0, 3)
s ~ HalfNormal(3)
x[group] ~ Normal(m, s)
y[obs] ~ {law}
"""
    found = choices(text, {"y": data, "g": [0, 0, 1, 1], "group": ["a", "b"]})
    p, c = evidence(found["x"])
    np.testing.assert_allclose(p, precision, rtol=0.15)
    np.testing.assert_allclose(c, place, atol=0.15)


def test_information_reaches_the_level_above() -> None:
    text = """
dim obs, group, region
data y[obs], g[obs] : group, r[group] : region
m        ~ Normal(0, 5)
t        ~ HalfNormal(1)
above[region] ~ Normal(m, t)
x[group] ~ Normal(above[r[group]], 0.5)
y[obs]   ~ Normal(x[g[obs]], 1)
"""
    g, r = np.repeat(np.arange(4), 4), np.array([0, 0, 1, 1])
    y = np.repeat([1.0, 2.0, 5.0, 6.0], 4)
    found = choices(text, {"y": y, "g": g, "r": r})
    precision, place = evidence(found["above"])
    np.testing.assert_allclose(precision, 2 / (0.25 + 0.25), rtol=1e-5)  # two groups, of prior and data variance 1/4
    np.testing.assert_allclose(place, [1.5, 5.5], rtol=1e-5)


# --- the rule ----------------------------------------------------------------------------------------


def test_no_data_are_not_centred_and_many_are() -> None:
    text = """
dim obs, group
data y[obs], g[obs] : group
m ~ Normal(0, 3)
s, sigma ~ HalfNormal(3)
x[group] ~ Normal(m, s)
unseen[group] ~ Normal(m, s)
shown = sum(unseen[group], group)
mean_shown ~ Normal(shown, 1)
y[obs] ~ Normal(x[g[obs]] + 0 * mean_shown, sigma)
"""
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(100), 300)
    y = rng.normal(0, 2, 100)[g] + rng.normal(size=g.size)
    found = choices(text, {"y": y, "g": g})
    assert found["x"].form == CENTRED
    assert found["unseen"].form == NONCENTRED


def test_a_walk_that_data_lead_in_some_directions_is_between() -> None:
    text = "dim time ordered\ndata y[time]\ns ~ HalfNormal(1)\nx[0] ~ Normal(0, 1)\n"
    text += "x[t] ~ Normal(x[t-1], s) for t in time[1:]\ny[time] ~ Normal(x[time], 0.5)"
    found = choices(text, {"y": np.random.default_rng(0).normal(size=30).cumsum()})["x"]
    assert (found.form, found.reason) == (BETWEEN, "data outweigh the prior in 27 of 30 directions")


def test_the_spread_between_elements_is_that_of_their_places_less_their_errors() -> None:
    """Places 0, 1, 2, 3 with error variance 1/4: 5/3 - 1/4, and three of its standard errors."""
    spread, doubt = moment(np.full(4, 4.0), 4 * np.arange(4.0))
    assert float(spread) == pytest.approx(5 / 3 - 1 / 4)
    assert float(doubt) == pytest.approx(3 * 5 / 3 * np.sqrt(2 / 3))


def test_what_energies_say_is_not_known() -> None:
    text = "dim k = 3\nm ~ Normal(0, 1)\ns ~ HalfNormal(1)\nx[k] ~ Normal(m, s)\n"
    assert choices(text, {})["x"].reason == "no data inform it but through its children"
    assert choices(text + "energy pull unnormalised: x[k]^2", {})["x"].reason == UNKNOWN


def test_groups_without_data_are_not_centred() -> None:
    found = choices(
        SCHOOLS.replace("data y[school]", "dim obs\ndata of[obs] : school, y[obs]")
        .replace("sigma[school] > 0", "sigma[obs] > 0")
        .replace("y[school]     ~ Normal(theta[school], sigma[school])", "y[obs] ~ Normal(theta[of[obs]], sigma[obs])"),
        {"y": [1.0, 2.0], "sigma": [1.0, 1.0], "of": [0, 2], "school": list("abc")},
    )
    (part,) = found["theta"].evidence
    np.testing.assert_allclose(part.precision, [1, 0, 1], rtol=1e-6)
    assert "1 of 3 without data" in found["theta"].reason


def test_what_is_no_site() -> None:
    text = """
dim k = 3
dim time = 5
data y[time]
m ~ Normal(0, 1)
s ~ HalfNormal(1)
a[k] ~ truncated(Normal(m, s), lower=0)
b[k] ~ ordered(Normal(m, s))
c[k] ~ HalfNormal(s)
var d[k]
d[k] ~ Normal(m, s)
x[0] ~ Normal(0, 1)
x[t] ~ Normal(x[t-1]^2, s) for t in time[1:]
w[0] ~ Normal(0, 1)
w[t] ~ Normal(m, abs(w[t-1]) + s) for t in time[1:]
y[time] ~ Normal(x[time] + w[time] + sum(a[k] + b[k] + c[k] + d[k] for k in k), 1)
"""
    assert set(sites(ppl.compile(text).graph)) == {"m"}


# --- what is asked for -------------------------------------------------------------------------------


def test_requests_come_first_and_mistakes_are_told() -> None:
    assert choices(SCHOOLS, SCHOOLS_DATA, centre=("theta",))["theta"].form == CENTRED
    assert choices(SCHOOLS, SCHOOLS_DATA, noncentre=("theta",))["theta"].form == NONCENTRED
    for request, said in (
        ({"centre": ("nothing",)}, "no latent `nothing`"),
        ({"noncentre": ("tau",)}, "cannot be chosen"),
        ({"centre": ("theta",), "noncentre": ("theta",)}, "both"),
    ):
        with pytest.raises(PplError) as caught:
            choices(SCHOOLS, SCHOOLS_DATA, **request)
        (problem,) = caught.value.diagnostics
        assert problem.code == "E508"
        assert said in problem.title


def test_one_seed_gives_the_same_draws_and_the_file_says_how() -> None:
    model = ppl.compile(SCHOOLS)
    settings = {"warmup": 100, "draws": 50, "seed": 3, "predictive": False, "log_likelihood": False}
    first, second = (model.sample(SCHOOLS_DATA, **settings) for _ in range(2))
    np.testing.assert_array_equal(first.posterior["theta"], second.posterior["theta"])
    assert list(first.posterior.data_vars) == ["mu", "tau", "theta"]
    assert decode_attrs(from_arviz(first)[1])["centring"] == {"mu": "centred", "theta": "between"}


def test_explain_says_what_was_chosen() -> None:
    model = ppl.compile(SCHOOLS)
    form = "between centred and non-centred"
    assert f"\ncentring:\n  theta  {form}  weight of data against prior" in model.explain(SCHOOLS_DATA)
    assert "centring" not in model.explain()


def test_groups_that_are_not_known_share_the_data() -> None:
    text = """
dim obs
dim comp = 3
data y[obs]
w[comp] ~ Dirichlet(fill(1, comp))
m ~ Normal(0, 3)
s ~ HalfNormal(3)
mu[comp] ~ Normal(m, s)
z[obs] ~ Categorical(w)
y[obs] ~ Normal(mu[z[obs]], 0.5)
"""
    found = choices(text, {"y": np.random.default_rng(6).normal(size=300)})
    precision, place = evidence(found["mu"])
    np.testing.assert_allclose(precision, 300 / 3 / 0.25, rtol=0.3)
    np.testing.assert_allclose(place, 0, atol=0.5)
