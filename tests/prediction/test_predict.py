"""Predictions for new data against closed forms, from fits whose draws are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ppl
from ppl.prediction.fitted import read_fit
from ppl.prediction.matching import match_dims
from ppl.results.container import from_arviz, to_arviz
from tests.prediction.made import close, constant, made_fit, moments

COUNT = 20_000

WALK = """
dim time ordered
data y[time]
phi ~ Uniform(0, 1)
s ~ HalfNormal(1)
x[0] ~ Normal(0, 1)
x[t] ~ Normal(phi * x[t-1], s) for t in time[1:]
y[time] ~ Normal(x[time], 0.1)
"""

PROCESS = """
dim obs
data x[obs], y[obs]
rho ~ InverseGamma(5, 5)
K[i, j] = exp(-0.5 * ((x[i] - x[j]) / rho)^2)  for i in obs, j in obs
f[obs] ~ MvNormal(0, K)
y[obs] ~ Normal(f[obs], 0.1)
"""

GROUPS = """
dim obs, county
data x[obs], y[obs], county_of[obs] : county
a ~ Normal(0, 1)
tau ~ HalfNormal(1)
alpha[county] ~ Normal(a, tau)
y[obs] ~ Normal(alpha[county_of[obs]] + x[obs], 0.5)
"""


def grouped() -> tuple[Any, Any, Any]:
    model = ppl.compile(GROUPS)
    data = {"x": [0.0, 1.0, 2.0], "y": [1.0, 2.0, 3.0], "county_of": ["A", "B", "C"]}
    rng = np.random.default_rng(1)
    a, tau = rng.normal(3, 0.3, (2, COUNT)), rng.uniform(0.5, 1.5, (2, COUNT))
    draws = {"a": a, "tau": tau, "alpha": rng.normal(a, tau, (3, 2, COUNT)).transpose(1, 2, 0)}
    return model, made_fit(model, data, draws), draws


def conditional(matrix: Any, known: int, values: Any) -> tuple[Any, Any]:
    """Mean and covariance of the last elements of a Gaussian of mean 0, given the first `known` ones."""
    k, u = slice(0, known), slice(known, None)
    gain = np.linalg.solve(matrix[k, k], matrix[k, u]).T
    return gain @ values, matrix[u, u] - gain @ matrix[k, u]


def test_labels_keep_their_draws_and_new_members_come_from_their_distribution() -> None:
    model, fit, draws = grouped()
    found = model.predict(fit, {"x": [0.0, 0.0, 1.0], "county_of": ["C", "NEW", "C"]})
    alpha = found["posterior"]["alpha"]
    assert alpha.coords["county"].values.tolist() == ["C", "NEW"]
    np.testing.assert_array_equal(alpha.values[..., 0], draws["alpha"][..., 2])
    np.testing.assert_array_equal(found["posterior"]["tau"], draws["tau"])
    new = alpha.values[..., 1].ravel()
    variance = (draws["tau"] ** 2).mean() + draws["a"].var()
    close(new.mean(), draws["a"].mean(), new.size, np.sqrt(variance))
    close(new.var(), variance, new.size, np.sqrt(2.5) * variance)
    close(((new - draws["a"].ravel()) / draws["tau"].ravel()).var(), 1, new.size, np.sqrt(2))
    y = found["predictions"]["y"].values
    close((y - alpha.values[..., [0, 1, 0]]).mean(axis=(0, 1)), [0, 0, 1], new.size, 0.5)
    close((y - alpha.values[..., [0, 1, 0]]).var(axis=(0, 1)), 0.25, new.size, np.sqrt(2) * 0.25)
    np.testing.assert_array_equal(found["predictions_constant_data"]["x"], [0.0, 0.0, 1.0])
    assert "observed_data" not in found.groups()


def test_the_order_of_labels_is_that_of_the_new_data() -> None:
    model, fit, draws = grouped()
    new = {"x": [0.0], "county_of": ["B"], "county": ["B", "X", "A"]}
    alpha = model.predict(fit, new)["posterior"]["alpha"].values
    np.testing.assert_array_equal(alpha[..., [0, 2]], draws["alpha"][..., [1, 0]])


def test_positions_speak_of_the_labels_of_the_fit() -> None:
    model, fit, draws = grouped()
    found = model.predict(fit, {"x": [0.0], "county_of": [1]})["posterior"]["alpha"]
    assert found.coords["county"].values.tolist() == ["A", "B", "C"]
    np.testing.assert_array_equal(found.values, draws["alpha"])


def test_outcomes_that_are_given_make_a_posterior_predictive_check() -> None:
    model, fit, _ = grouped()
    found = model.predict(fit, {"x": [0.0], "county_of": ["A"], "y": [7.0]})
    np.testing.assert_array_equal(found["observed_data"]["y"], [7.0])
    np.testing.assert_array_equal(found["posterior_predictive"]["y"], found["predictions"]["y"])
    assert found["predictions"]["y"].values.std() > 0.1


def test_a_random_walk_goes_on_from_its_last_element() -> None:
    model, phi, s, x = ppl.compile(WALK), 0.8, 0.5, np.array([0.3, -1.0, 2.0])
    fit = made_fit(model, {"y": x}, {"phi": constant(phi, COUNT), "s": constant(s, COUNT), "x": constant(x, COUNT)})
    found = model.predict(fit, sizes={"time": 6})
    draws = found["posterior"]["x"].values[0]
    np.testing.assert_array_equal(draws[:, :3], np.broadcast_to(x, (COUNT, 3)))
    steps = np.arange(1, 4)
    covariance = np.array(
        [[phi ** abs(i - j) * s**2 * (1 - phi ** (2 * min(i, j))) / (1 - phi**2) for j in steps] for i in steps]
    )
    moments(draws[:, 3:], 2.0 * phi**steps, covariance)
    y = found["predictions"]["y"].values[0]
    moments(y[:, 3:], 2.0 * phi**steps, covariance + 0.01 * np.eye(3))


def test_a_series_with_labels_needs_only_its_future() -> None:
    text = "dim year ordered\ndata y[year], u[year]\nphi ~ Uniform(0, 1)\n"
    text += "y[t] ~ Normal(phi * y[t-1] + u[t], 0.5) for t in year[1:]"
    model = ppl.compile(text)
    past = {"y": {"2001": 1.0, "2002": 3.0, "2003": 2.0}, "u": {"2001": 9.0, "2002": 9.0, "2003": 9.0}}
    fit = made_fit(model, past, {"phi": constant(0.5, COUNT)})
    found = model.predict(fit, {"u": {"2004": 1.0, "2005": -1.0}})
    assert found["predictions"]["y"].coords["year"].values.tolist() == ["2004", "2005"]
    mean, covariance = [2.0, 0.0], [[0.25, 0.125], [0.125, 0.3125]]
    moments(found["predictions"]["y"].values[0], mean, covariance)


def test_observed_values_are_read_where_they_are_given() -> None:
    text = "dim time ordered\ndata y[time]\nphi ~ Uniform(0, 1)\ny[0] ~ Normal(0, 1)\n"
    text += "y[t] ~ Normal(phi * y[t-1], 0.5) for t in time[1:]"
    model = ppl.compile(text)
    fit = made_fit(model, {"y": [1.0, 3.0]}, {"phi": constant(0.5, COUNT)})
    y = model.predict(fit, sizes={"time": 4})["predictions"]["y"].values[0]
    covariance = np.diag([1, 0.25, 0.25, 0.3125])
    covariance[2, 3] = covariance[3, 2] = 0.125  # the first two are drawn given the data, the others given each other
    moments(y, [0, 0.5, 1.5, 0.75], covariance)


def test_missing_elements_of_the_fit_are_what_was_inferred() -> None:
    text = "dim time ordered\ndata y[time]?\nphi ~ Uniform(0, 1)\ny[0] ~ Normal(0, 1)\n"
    text += "y[t] ~ Normal(phi * y[t-1], 0.5) for t in time[1:]"
    model = ppl.compile(text)
    fit = made_fit(model, {"y": [1.0, None, None]}, {"phi": constant(0.5, COUNT)})
    groups, attrs = from_arviz(fit)
    inferred = np.random.default_rng(0).normal([7.0, 8.0], [0.1, 0.4], (1, COUNT, 2))
    groups["posterior"]["y_missing"] = (("chain", "draw", "time_y_missing"), inferred)
    groups["constant_data"]["y"] = ("time", [1.0, np.nan, np.nan])
    y = model.predict(to_arviz(groups, attrs), sizes={"time": 4})["predictions"]["y"].values[0]
    close(y[:, 3].mean(), 4, COUNT, 0.6)
    moments((y[:, 3] - 0.5 * inferred[0, :, 1])[:, None], [0.0], [[0.25]])


def test_outcomes_that_the_fit_lacks_and_did_not_infer_are_drawn() -> None:
    text = "dim time ordered\ndata y[time]?\nphi ~ Uniform(0, 1)\ny[0] ~ Normal(0, 1)\n"
    text += "y[t] ~ Normal(phi * y[t-1], 0.5) for t in time[1:]"
    model = ppl.compile(text)
    groups, attrs = from_arviz(made_fit(model, {"y": [1.0, 0.0]}, {"phi": constant(0.5, COUNT)}))
    groups["constant_data"]["y"] = ("time", [1.0, np.nan])
    y = model.predict(to_arviz(groups, attrs), sizes={"time": 3})["predictions"]["y"].values[0]
    moments(y[:, 1:], [0.5, 0.25], [[0.25, 0.125], [0.125, 0.3125]])


def test_a_past_brings_along_the_elements_that_its_data_name() -> None:
    text = "dim year ordered, site\ndata y[year], at[year] : site\na[site] ~ Normal(0, 1)\ny[0] ~ Normal(0, 1)\n"
    text += "y[t] ~ Normal(a[at[t-1]] + 0 * y[t-1], 0.1) for t in year[1:]"
    model = ppl.compile(text)
    past = {"y": {"2001": 1.0, "2002": 3.0}, "at": {"2001": "N", "2002": "S"}}
    fit = made_fit(model, past, {"a": constant([-5.0, 5.0], 200)})
    y = model.predict(fit, {"at": {"2003": "E"}})["predictions"]["y"].values
    close(y.mean(), 5.0, 200, 0.1)


def test_which_elements_are_those_of_the_fit() -> None:
    """A dim of a size in the model counts by position; rows whose index data name the same labels are the same rows."""
    text = "dim obs, county\ndim k = 2\ndata x[obs, k], of[obs] : county, y[obs]\nb[k] ~ Normal(0, 1)\n"
    model = ppl.compile(
        text + "e[county] ~ Normal(0, 1)\ny[i] ~ Normal(sum(x[i, j] * b[j] for j in k) + e[of[i]], 1) for i in obs"
    )
    past = {"x": [[1.0, 2.0], [3.0, 4.0]], "of": ["A", "B"], "y": [0.0, 1.0]}
    fitted = read_fit(model.graph, *from_arviz(made_fit(model, past, {"b": [[[1.0, 2.0]]], "e": [[[1.0, 2.0]]]})))

    def kept(**new: Any) -> dict[str, list[int]]:
        found = match_dims(model.graph, fitted, model.bind({**past, **new}).dataset, {"y"})
        return {dim: match.old.tolist() for dim, match in found.items()}

    assert kept(county=["B", "A"]) == {"obs": [0, 1], "county": [1, 0], "k": [0, 1]}
    assert kept(county=["B", "A"], of=["B", "A"]) == {"obs": [-1, -1], "county": [1, 0], "k": [0, 1]}
    assert kept(x=[[1.0, 2.0], [3.0, 5.0]]) == {"obs": [-1, -1], "county": [0, 1], "k": [0, 1]}


def test_a_gaussian_process_at_new_points() -> None:
    model, rho = ppl.compile(PROCESS), 1.3
    x, f, new = np.array([0.0, 1.0, 2.5]), np.array([0.5, -0.2, 1.0]), np.array([0.4, 1.0, 3.0])
    fit = made_fit(model, {"x": x, "y": f}, {"rho": constant(rho, COUNT), "f": constant(f, COUNT)})
    found = model.predict(fit, {"x": new})
    everywhere = np.concatenate([x, new])
    matrix = np.exp(-0.5 * ((everywhere[:, None] - everywhere) / rho) ** 2)
    mean, covariance = conditional(matrix, 3, f)
    draws = found["posterior"]["f"].values[0]
    np.testing.assert_allclose(draws[:, 1], f[1], atol=1e-6)  # a point that the fit has too
    moments(np.delete(draws, 1, axis=1), np.delete(mean, 1), np.delete(np.delete(covariance, 1, 0), 1, 1))
    moments(found["predictions"]["y"].values[0], mean, covariance + 0.01 * np.eye(3))


def test_the_same_points_keep_their_draws() -> None:
    model, x = ppl.compile(PROCESS), [0.0, 1.0, 2.5]
    f = np.random.default_rng(0).normal(size=(1, 50, 3))
    fit = made_fit(model, {"x": x, "y": x}, {"rho": constant(1.0, 50), "f": f})
    np.testing.assert_array_equal(model.predict(fit, {"x": x})["posterior"]["f"], f)


def test_outcomes_that_are_one_gaussian_vector_are_conditioned_on_those_of_the_fit() -> None:
    text = """
        dim obs
        data x[obs], y[obs]
        rho ~ InverseGamma(5, 5)
        K[i, j] = exp(-0.5 * ((x[i] - x[j]) / rho)^2) + (0.04 if i == j else 0)  for i in obs, j in obs
        y[obs] ~ MvNormal(0, K)
        """
    model = ppl.compile(text)
    x, y, new = np.array([0.0, 1.0]), np.array([0.5, -0.2]), np.array([0.4, 1.5])
    fit = made_fit(model, {"x": x, "y": y}, {"rho": constant(1.0, COUNT)})
    everywhere = np.concatenate([x, new])
    matrix = np.exp(-0.5 * (everywhere[:, None] - everywhere) ** 2) + 0.04 * np.eye(4)
    moments(model.predict(fit, {"x": new})["predictions"]["y"].values[0], *conditional(matrix, 2, y))


@pytest.mark.parametrize(
    "form",
    [
        "covariance=S",
        pytest.param("precision=inverse(S)", marks=pytest.mark.long),
        pytest.param("cholesky=cholesky(S)", marks=pytest.mark.long),
    ],
)
def test_vectors_of_groups_in_part_known(form: str) -> None:
    """Rows of a batch: one known in part, one new."""
    text = f"""
        dim g, k
        data m[k], c[g], y[g, k]
        t ~ HalfNormal(1)
        S[i, j] = t * exp(-abs(m[i] - m[j]))  for i in k, j in k
        z[g, k] ~ MvNormal(fill(1, k), {form})
        y[g, k] ~ Normal(z[g, k] + c[g], 0.1)
        """
    model = ppl.compile(text)
    past = {"m": {"a": 0.0, "b": 1.0}, "c": {"u": 0.0}, "y": {"u": {"a": 0.0, "b": 0.0}}}
    z = np.array([[2.0, -1.0]])
    fit = made_fit(model, past, {"t": constant(1.0, COUNT), "z": constant(z, COUNT)})
    new = {"m": {"a": 0.0, "b": 1.0, "n": 1.5}, "c": {"u": 0.0, "v": 0.0}}
    draws = model.predict(fit, new)["posterior"]["z"].values[0]
    positions = np.array([0.0, 1.0, 1.5])
    matrix = np.exp(-np.abs(positions[:, None] - positions))
    np.testing.assert_array_equal(draws[:, 0, :2], np.broadcast_to(z[0], (COUNT, 2)))
    mean, covariance = conditional(matrix, 2, z[0] - 1)
    moments(draws[:, 0, 2:], mean + 1, covariance)
    moments(draws[:, 1], np.ones(3), matrix)


def test_effects_of_rows_are_new_for_other_rows() -> None:
    text = "dim obs\ndata x[obs], y[obs]\nt ~ HalfNormal(1)\ne[obs] ~ Normal(0, t)\ny[obs] ~ Normal(x[obs] + e[obs], 1)"
    model = ppl.compile(text)
    e = np.full((1, COUNT, 2), 7.0)
    fit = made_fit(model, {"x": [0.0, 1.0], "y": [0.0, 1.0]}, {"t": constant(2.0, COUNT), "e": e})
    np.testing.assert_array_equal(model.predict(fit, {"x": [0.0, 1.0]})["posterior"]["e"], e)
    draws = model.predict(fit, {"x": [0.0, 5.0]})["posterior"]["e"].values[0]
    moments(draws, np.zeros(2), 4 * np.eye(2))


def test_the_same_seed_gives_the_same_predictions() -> None:
    model, fit, _ = grouped()
    new = {"x": [0.0], "county_of": ["Z"]}
    a, b, c = (model.predict(fit, new, seed=s)["predictions"]["y"].values for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


# --- refusals ----------------------------------------------------------------------------------------


def refusal(model: Any, fit: Any, data: Any = None, sizes: Any = None) -> str:
    with pytest.raises(ppl.PplError) as caught:
        model.predict(fit, data, sizes=sizes)
    return str(caught.value)


def test_fits_of_other_models_are_refused() -> None:
    model, fit, _ = grouped()
    other = ppl.compile(GROUPS.replace("0.5", "0.6"))
    assert "E506" in refusal(other, fit, {"x": [0.0], "county_of": ["A"]})
    fit.attrs.pop("model")
    assert "do not say which model" in refusal(model, fit)


def test_missing_covariates_are_refused() -> None:
    model, fit, _ = grouped()
    assert "E301" in refusal(model, fit, {"county_of": ["A"]})


def test_vectors_that_are_drawn_whole_do_not_grow() -> None:
    text = "dim k\ndata c[k] : count\nw[k] ~ Dirichlet(fill(1, k))\nc[k] ~ Multinomial(5, w)"
    model = ppl.compile(text)
    fit = made_fit(model, {"c": {"a": 2, "b": 3}}, {"w": constant([0.3, 0.7], 10)})
    said = refusal(model, fit, {"c": {"a": 1, "b": 1, "z": 3}})
    assert "E507" in said
    assert "`w` cannot be carried over" in said
    assert "E507" in refusal(model, fit, {"c": {"b": 5}})
    again = model.predict(fit, {"c": {"b": 5, "a": 0}})
    np.testing.assert_allclose(again["posterior"]["w"].values[0, 0], [0.7, 0.3])


def test_flat_quantities_have_no_new_elements() -> None:
    model = ppl.compile("dim g\ndata x[g], y[g]\nvar m[g]\ny[g] ~ Normal(m[g] + x[g], 1)")
    fit = made_fit(model, {"x": {"a": 1.0}, "y": {"a": 1.0}}, {"m": constant([1.0], 10)})
    assert "declared by `var`" in refusal(model, fit, {"x": {"a": 1.0, "b": 2.0}})
    assert model.predict(fit, {"x": {"a": 5.0}})["predictions"]["y"].shape == (1, 10, 1)


def test_quantities_that_an_energy_weighs_have_no_new_elements() -> None:
    text = (
        "dim g\ndata x[g], y[g]\nm[g] ~ Normal(0, 1)\nenergy pull unnormalised: m[g]^2\ny[g] ~ Normal(m[g] + x[g], 1)"
    )
    model = ppl.compile(text)
    fit = made_fit(model, {"x": {"a": 1.0}, "y": {"a": 1.0}}, {"m": constant([1.0], 10)})
    assert "`pull` adds to its energy" in refusal(model, fit, {"x": {"a": 1.0, "b": 2.0}})


def test_gaps_in_a_series_are_not_filled() -> None:
    text = "dim year ordered\ndata u[year], y[year]\nx[0] ~ Normal(0, 1)\n"
    text += "x[t] ~ Normal(x[t-1], 1) for t in year[1:]\ny[year] ~ Normal(x[year] + u[year], 1)"
    model = ppl.compile(text)
    past = {"u": {"1": 0.0, "3": 0.0}, "y": {"1": 0.0, "3": 0.0}}
    fit = made_fit(model, past, {"x": constant([0.0, 1.0], 10)})
    later = {"u": {"1": 0.0, "2": 0.0, "3": 0.0}}
    found = model.predict(fit, {"u": {"3": 0.0, "4": 0.0}})
    np.testing.assert_array_equal(found["posterior"]["x"].values[0, :, 0], 1.0)
    assert "cannot be continued along `year`" in refusal(model, fit, later)


def test_one_sided_labels_are_refused() -> None:
    model, fit, _ = grouped()
    assert "E507" in refusal(model, fit, {"x": [0.0], "county_of": [0], "county": 7})
