"""What follows from a run: latents that nothing observed depends on, predictions in pieces, and a whole round trip."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import ppl
from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.catalogue.membership import outside
from ppl.compiler.passes.roles import roles
from tests.density.from_text import compiled
from tests.prediction.made import close, moments

QUICK = {"chains": 2, "warmup": 300, "draws": 300}


@pytest.mark.filterwarnings("ignore::ppl.model.ModelWarning")
def test_latents_without_observed_descendants_are_drawn_afterwards() -> None:
    model = ppl.compile(
        """
        dim obs, g
        data y[obs], w[g]
        a ~ Normal(0, 1)
        y[obs] ~ Normal(a, 0.5)
        z[g] ~ Normal(a + w[g], 0.1)
        twice[g] = 2 * z[g]
        k[g] ~ Bernoulli(0.3)
        n[g] ~ Poisson(exp(a))
        u[g] ~ Uniform(0, 1 + n[g])
        predict q[g] ~ Normal(z[g], 0.01)
        """
    )
    data = {"y": [1.0, 2.0], "w": [0.0, 5.0, 9.0]}
    assert model.log_density(data).size == 1
    fit = model.sample(data, seed=2, **QUICK)
    posterior = fit["posterior"]
    assert list(posterior.data_vars) == ["a", "z", "twice", "k", "n", "u"]
    error = posterior["z"].values - posterior["a"].values[..., None] - data["w"]
    moments(error.reshape(-1, 3), np.zeros(3), 0.01 * np.eye(3))
    np.testing.assert_allclose(posterior["twice"], 2 * posterior["z"])
    close(posterior["k"].values.mean(), 0.3, 1800, np.sqrt(0.21))
    rate = np.exp(posterior["a"].values)[..., None]
    n = posterior["n"].values
    close(((n - rate) / np.sqrt(rate)).mean(), 0, 1800, 1)
    assert np.isin((0, 1, 2), n).all()
    close((posterior["u"].values / (1 + n)).mean(), 0.5, 1800, np.sqrt(1 / 12))
    assert np.abs(fit["predictions"]["q"] - posterior["z"]).max() < 0.06
    assert "drawn forward" in model.explain(data)


@pytest.mark.filterwarnings("ignore::ppl.model.ModelWarning")
def test_a_model_whose_every_latent_is_drawn_forward_draws() -> None:
    model = ppl.compile("dim obs\ndata y[obs]\na ~ Normal(3, 2)\ny[obs] ~ Normal(0, 1)")
    fit = model.sample({"y": [0.0]}, chains=2, draws=5000, warmup=10)
    draws = fit["posterior"]["a"].values.ravel()
    moments(draws[:, None], [3.0], [[4.0]])


@pytest.mark.filterwarnings("ignore::ppl.model.ModelWarning")
def test_without_observations_too_infinitely_many_values_are_drawn_forward() -> None:
    model = ppl.compile("a ~ Normal(0, 1)\nk ~ Poisson(exp(a))\nx ~ Normal(k, 1)\nb ~ Normal(a, 1)\nz ~ Bernoulli(0.3)")
    assert {name: role.value for name, role in roles(model.graph).items()} == {
        "a": "sampled",
        "k": "drawn forward",
        "x": "drawn forward",
        "b": "sampled",
        "z": "summed out",
    }
    assert model.log_density().size == 2


@pytest.mark.filterwarnings("ignore::ppl.model.ModelWarning")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("data y\nk ~ Poisson(3)\nx ~ Normal(k, 1)\nm = 2 * x\ny ~ Normal(m, 1)", "`Poisson` draws from infinitely"),
        ("k ~ Geometric(0.5)\nvar a\nenergy e unnormalised: a^2 * (1 + k)", "`Geometric` draws from infinitely"),
        ("k ~ Poisson(3)\nvar a in [0, k]", "`Poisson` draws from infinitely"),
        ("k ~ Poisson(3)\nx ~ Normal(k, 1)\nz ~ Normal(x, 1)\nobserve z = 2", "`Poisson` draws from infinitely"),
    ],
)
def test_what_evidence_depends_on_has_finitely_many_values(text: str, words: str) -> None:
    model = ppl.compile(text)
    with pytest.raises(ppl.PplError, match="E402") as caught:
        model.check({"y": 1.0} if "data y" in text else {})
    assert words in str(caught.value)


def test_missing_data_of_latents_without_other_data_are_drawn_with_them() -> None:
    """The elements that are there count on, whatever the others are drawn from."""
    text = (
        "dim k = 2\ndata x[k]?, y\na, b ~ Normal(0, 1)\nx[0] ~ Normal(a, 1)\nx[1] ~ Normal(b, 1)\ny ~ Normal(x[0], 1)"
    )
    density = compiled(text, {"x": [0.5, np.nan], "y": 1.0})
    with jax.enable_x64(True):
        found = jax.eval_shape(density.follow, np.zeros(density.size), jax.random.key(0))
    assert density.size == 1
    assert set(found["values"]) == {"a", "b", "x_missing"}


def test_predictions_read_what_was_predicted_before() -> None:
    model = ppl.compile(
        """
        dim time ordered
        dim future = 3
        data y[time], skip[future] : bool
        m ~ Normal(0, 1)
        y[time] ~ Normal(m, 1)
        predict next[0] ~ Normal(y[-1], 0.1)
        predict next[h] ~ Normal(0.5 * next[h-1], 0.1)  for h in future[1:]
        predict late[h] ~ Normal(next[h], 0.1)  for h in future[1:]
        predict some[h] ~ Normal(next[h], 0.1)  for h in future if skip[h]
        """
    )
    fit = model.sample({"y": [1.0, 8.0], "skip": [True, False, True]}, chains=2, draws=2000, warmup=200)
    predictions = fit["predictions"]
    steps = np.array([[1, 0, 0], [0.5, 1, 0], [0.25, 0.5, 1]])
    covariance = 0.01 * steps @ steps.T
    moments(predictions["next"].values.reshape(-1, 3), [8, 4, 2], covariance)
    late = predictions["late"].values.reshape(-1, 2)
    moments(late, [4, 2], covariance[1:, 1:] + 0.01 * np.eye(2))
    assert predictions["some"].shape == (2, 2000, 2)
    new = model.predict(fit, {"skip": [True, True, True]}, sizes={"time": 2})
    moments(new["predictions"]["next"].values.reshape(-1, 3), [8, 4, 2], covariance)


# --- every distribution ------------------------------------------------------------------------------

ARGUMENTS = {
    "Dirichlet": "fill(1, k)",
    "MvNormal": "fill(0, k), covariance=S",
    "LKJCholesky": "2",
    "Categorical": "fill(0.25, k)",
    "CategoricalLogit": "fill(0, k)",
    "OrderedLogistic": "0.5, c",
    "Multinomial": "7, fill(0.25, k)",
    "Uniform": "-1, 2",
    "Pareto": "1, 3",
    "Binomial": "5, 0.3",
    "BinomialLogit": "5, 0.3",
    "BetaBinomial": "5, 1, 2",
}
PROBABILITIES = ("probability", "gate")


def arguments(name: str) -> str:
    if name in ARGUMENTS:
        return ARGUMENTS[name]
    given = (p for p in DISTRIBUTIONS[name].parameters if p.rank == 0)
    return ", ".join("0.3" if p.name in PROBABILITIES else "1.5" for p in given)


def everything() -> dict[str, str]:
    found = {}
    for name, spec in DISTRIBUTIONS.items():
        found[name] = f"{name}({arguments(name)})"
        if spec.truncatable:
            low, high = (0.2, 0.9) if name == "Beta" else (0, 1.5) if name == "Uniform" else (1, 4)
            found[f"truncated {name}"] = f"truncated({found[name]}, lower={low}, upper={high})"
    return found


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::ppl.model.ModelWarning")
def test_every_distribution_has_replicates_in_its_support() -> None:
    """One model that observes every distribution, whose replicates are as good data as its data."""
    model = ppl.compile(_model(everything()))
    drawn = model.prior({"x": 0.0}, draws=50, sizes={})
    group = drawn["prior_predictive"]
    for i, (name, text) in enumerate(everything().items()):
        base = text.replace("truncated(", "").partition("(")[0]
        values = group[f"y{i}"].values[0]
        assert np.isfinite(values).all(), name
        spec = DISTRIBUTIONS[base]
        kind = spec.observable
        lower = {"Uniform": -1.0, "Pareto": 1.0}.get(base)
        upper = {"Uniform": 2.0, "Binomial": 5.0, "BinomialLogit": 5.0, "BetaBinomial": 5.0, "Multinomial": 7.0}.get(
            base
        )
        if kind == "categorical":
            upper = 4.0
        bounds = [None if b is None else np.asarray(b) for b in (lower, upper)]
        assert not outside(kind, values, *bounds).any(), name
        assert values.std() > 0, name
        assert (values.dtype.kind == "i") == spec.discrete, name


def _model(chosen: dict[str, str]) -> str:
    declared, lines = ["x"], []
    for i, text in enumerate(chosen.values()):
        spec = DISTRIBUTIONS[text.replace("truncated(", "").partition("(")[0]]
        dims = ", ".join(["row", *(["k"] * spec.event_rank)])
        declared.append(f"y{i}[{dims}]")
        left = f"y{i}[row, :, :]" if spec.event_rank == 2 else f"y{i}[{dims}]"
        lines.append(f"{left} ~ {text}")
    head = "dim row = 3\ndim k = 4\ndim cut = 3\ndata " + ", ".join(declared)
    helpers = "S[i, j] = exp(-abs(i - j)) for i in k, j in k\nc[i] = i - 1.0 for i in cut\nm ~ Normal(x, 1)"
    return "\n".join([head, helpers, *lines])


# --- calibration -------------------------------------------------------------------------------------


@pytest.mark.long
def test_ranks_of_the_truth_are_uniform() -> None:
    """Simulation-based calibration (Talts et al. 2018): simulate, sample, rank the truth among the draws."""
    model = ppl.compile(
        "dim obs\ndata y[obs]\nm ~ Normal(1, 2)\ns ~ HalfNormal(1)\ny[obs] ~ Normal(m, s)\npredict new ~ Normal(m, s)"
    )
    runs, kept, bins = 96, 99, 4
    before = model.prior(sizes={"obs": 6}, draws=runs, seed=11)
    ranks: dict[str, list[int]] = {"m": [], "s": []}
    for run in range(runs):
        y = before["prior_predictive"]["y"].values[0, run]
        fit = model.sample({"y": y}, chains=1, warmup=300, draws=kept * 5, target_acceptance=0.95, seed=run)
        for name, found in ranks.items():
            thinned = fit["posterior"][name].values[0, ::5]
            found.append(int((thinned < before["prior"][name].values[0, run]).sum()))
    for name, found in ranks.items():
        counts = np.bincount(np.array(found) * bins // (kept + 1), minlength=bins)
        statistic = float(((counts - runs / bins) ** 2 / (runs / bins)).sum())
        assert statistic < 16.3, (name, counts)  # the 0.999 quantile of a chi-squared of 3 degrees


def test_a_wrong_prior_would_be_seen_by_its_moments() -> None:
    """The yardstick of these tests can fail."""
    draws = np.asarray(jax.random.normal(jax.random.key(0), (20_000, 1))) * 1.1
    with pytest.raises(AssertionError):
        moments(draws, [0.0], [[1.0]])
    with pytest.raises(AssertionError):
        moments(draws / 1.1 + 0.1, [0.0], [[1.0]])


def test_a_simulated_data_set_gives_the_truth_back() -> None:
    from ppl.prediction.dataset import simulated_data, true_values
    from ppl.prediction.prior import draw_prior

    model = ppl.compile(
        "dim obs, g\ndata x[obs], y[obs], g_of[obs] : g\na[g] ~ Normal(0, 2)\nb ~ Normal(0, 1)\ns ~ HalfNormal(1)\n"
        "y[obs] ~ Normal(a[g_of[obs]] + b * x[obs], s)"
    )
    rng = np.random.default_rng(0)
    covariates: Any = {"x": rng.normal(size=300), "g_of": [("u", "v", "w")[i % 3] for i in range(300)]}
    inputs = model.bind_forward(covariates)
    drawn = draw_prior(model.graph, inputs, 1, 4)
    values = {name: array[0, 0] for name, array in drawn.values.items()}
    truth = true_values(model.graph, values)
    fit = model.sample(simulated_data(model.graph, inputs, values), seed=3, **QUICK)
    for name in ("a", "b", "s"):
        posterior = fit["posterior"][name]
        centre, spread = posterior.mean(("chain", "draw")).values, posterior.std(("chain", "draw")).values
        assert (np.abs(centre - np.asarray(truth[name])) < 4.5 * spread).all(), name
