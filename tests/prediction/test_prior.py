"""Draws from the prior against closed forms, in Monte Carlo errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

import ppl
from ppl.compiler.forward.statements import groups
from tests.prediction.made import close, moments

COUNT = 20_000


def drawn(text: str, data: Any = None, sizes: dict[str, int] | None = None) -> tuple[Any, Any]:
    found = ppl.compile(text).prior(data, draws=COUNT, sizes=sizes, seed=3)
    return values_of(found, "prior"), values_of(found, "prior_predictive")


def values_of(found: Any, group: str) -> dict[str, Any]:
    """The draws of a group, by name; nothing where there is no such group."""
    there = group in (getattr(found, "children", None) or found.groups())
    return {name: variable.values[0] for name, variable in found[group].items()} if there else {}


def test_a_regression_has_the_marginal_of_its_outcomes() -> None:
    x = np.array([-1.0, 0.0, 2.0])
    prior, predictive = drawn(
        """
        dim obs
        data x[obs], y[obs]
        a ~ Normal(1, 2)
        b ~ Normal(0, 0.5)
        mu[obs] = a + b * x[obs]
        y[obs] ~ Normal(mu[obs], 0.7)
        predict z ~ Normal(a, 1)
        """,
        {"x": x},
    )
    covariance = 4 + 0.25 * np.outer(x, x) + 0.49 * np.eye(3)
    moments(predictive["y"], np.ones(3), covariance)
    moments(prior["mu"], np.ones(3), 4 + 0.25 * np.outer(x, x))
    close(predictive["z"].mean(), 1, COUNT, np.sqrt(5))
    np.testing.assert_allclose(prior["mu"], prior["a"][:, None] + prior["b"][:, None] * x, rtol=1e-12)


def test_a_series_is_drawn_with_the_past_that_was_drawn_with_it() -> None:
    phi, s, n = 0.8, 0.5, 6
    text = f"""
        dim time ordered
        data y[time]
        y[0] ~ Normal(2, 1)
        y[t] ~ Normal({phi} * y[t-1], {s}) for t in time[1:]
        """
    _, predictive = drawn(text, sizes={"time": n})
    times = np.arange(n)
    variances = [1.0]
    for _ in range(n - 1):
        variances.append(phi**2 * variances[-1] + s**2)
    covariance = np.array(
        [[phi ** abs(i - j) * variances[min(i, j)] for j in range(n)] for i in range(n)],
    )
    moments(predictive["y"], 2 * phi**times, covariance)


def test_values_given_for_outcomes_do_not_matter_where_they_are_drawn() -> None:
    text = """
        dim time ordered
        data y[time]
        phi ~ Uniform(0, 1)
        y[t] ~ Normal(phi * y[t-1], 1) for t in time[1:]
        """
    model = ppl.compile(text)
    a = model.prior({"y": [3.0, 7.0, 8.0]}, draws=50)
    b = model.prior({"y": [3.0, 0.0, -8.0]}, draws=50)
    np.testing.assert_array_equal(a["prior_predictive"]["y"], b["prior_predictive"]["y"])
    assert a["prior_predictive"]["y"].shape == (1, 50, 2)
    np.testing.assert_array_equal(a["observed_data"]["y"], [7.0, 8.0])


def test_quantities_that_need_one_another_step_by_step() -> None:
    """GARCH(1, 1): E h[t] = w + (a + b) E h[t-1], and y[t] has variance E h[t]."""
    w, a, b, n = 0.5, 0.2, 0.5, 5
    prior, predictive = drawn(
        f"""
        dim time ordered
        data y[time]
        m ~ Normal(0, 0.001)
        h[0] = 1.0
        h[t] = {w} + {a} * (y[t-1] - m)^2 + {b} * h[t-1] for t in time[1:]
        y[time] ~ Normal(m, sqrt(h[time]))
        """,
        sizes={"time": n},
    )
    expected = [1.0]
    for _ in range(n - 1):
        expected.append(w + (a + b) * expected[-1])
    y = predictive["y"]
    close((y**2).mean(axis=0), expected, COUNT, (y**2).std(axis=0))
    h = prior["h"]
    by_hand = w + a * (y[:, :-1] - prior["m"][:, None]) ** 2 + b * h[:, :-1]
    np.testing.assert_allclose(h[:, 1:], by_hand, rtol=1e-9)


def test_steps_come_after_what_they_read_at_their_own_position() -> None:
    text = "dim time ordered\nm[0] = 1.0\nx[0] ~ Normal(m[0], 1)\nx[t] ~ Normal(m[t], 1) for t in time[1:]\n"
    (group,) = groups(ppl.compile(text + "m[t] = x[t-1] + 1 for t in time[1:]").graph)
    assert (group.dims, [step.name for step in group.steps]) == (("time",), ["x", "m", "x"])


def test_two_latents_that_feed_each_other() -> None:
    prior, _ = drawn(
        """
        dim time ordered
        data y[time]
        u[0] ~ Normal(1, 0.1)
        v[0] ~ Normal(0, 0.1)
        u[t] ~ Normal(0.9 * u[t-1] + 0.1 * v[t-1], 0.1) for t in time[1:]
        w[time] = u[time] + v[time]
        v[t] ~ Normal(0.5 * v[t-1], 0.2) for t in time[1:]
        y[time] ~ Normal(w[time], 1)
        """,
        sizes={"time": 4},
    )
    step = np.array([[0.9, 0.1], [0, 0.5]])
    mean, covariance = np.array([1.0, 0.0]), 0.01 * np.eye(2)
    for t in range(4):
        moments(np.stack([prior["u"][:, t], prior["v"][:, t]], -1), mean, covariance)
        mean, covariance = step @ mean, step @ covariance @ step.T + np.diag([0.01, 0.04])


def test_a_field_along_two_ordered_dims() -> None:
    prior, _ = drawn(
        """
        dim row ordered, column ordered
        data y
        x[0, 0] ~ Normal(0, 1)
        x[0, j] ~ Normal(x[0, j-1], 1) for j in column[1:]
        x[i, 0] ~ Normal(x[i-1, 0], 1) for i in row[1:]
        x[i, j] ~ Normal(0.5 * x[i-1, j] + 0.5 * x[i, j-1], 1) for i in row[1:], j in column[1:]
        y ~ Normal(x[0, 0], 1)
        """,
        sizes={"row": 3, "column": 3},
    )
    shape, noise = (3, 3), np.eye(9).reshape(9, 3, 3)
    weights = np.zeros((3, 3, 9))  # of each element, on the nine independent steps
    for i, j in np.ndindex(shape):
        before = [weights[i - 1, j]] * (i > 0) + [weights[i, j - 1]] * (j > 0)
        weights[i, j] = noise[:, i, j] + (np.mean(before, axis=0) if before else 0)
    flat = weights.reshape(9, 9)
    moments(prior["x"].reshape(-1, 9), np.zeros(9), flat @ flat.T)


def test_a_gaussian_process_and_other_vectors() -> None:
    x = np.array([0.0, 0.3, 1.0, 2.5])
    prior, predictive = drawn(
        """
        dim obs
        dim k = 3
        data x[obs], y[obs]
        K[i, j] = exp(-0.5 * (x[i] - x[j])^2)  for i in obs, j in obs
        f[obs] ~ MvNormal(0, K)
        w[k] ~ Dirichlet(fill(2, k))
        c[k] ~ ordered(Normal(0, 1))
        y[obs] ~ Normal(f[obs] + w[0] + c[2], 0.1)
        """,
        {"x": x},
    )
    moments(prior["f"], np.zeros(4), np.exp(-0.5 * (x[:, None] - x) ** 2))
    close(prior["w"].mean(axis=0), 1 / 3, COUNT, prior["w"].std(axis=0))
    np.testing.assert_allclose(prior["w"].sum(axis=1), 1, rtol=1e-12)
    assert (np.diff(prior["c"], axis=1) > 0).all()
    assert predictive["y"].shape == (COUNT, 4)


def test_counts_from_a_conjugate_pair() -> None:
    _, predictive = drawn(
        """
        dim obs
        data n[obs] : count, y[obs]
        p[obs] ~ Beta(2, 3)
        y[obs] ~ Binomial(n[obs], p[obs])
        """,
        {"n": [4, 4]},
    )
    counts = np.bincount(predictive["y"][:, 0].astype(int), minlength=5)
    expected = COUNT * stats.betabinom(4, 2, 3).pmf(np.arange(5))
    assert stats.chisquare(counts, expected).pvalue > 1e-4


@pytest.mark.filterwarnings("ignore::ppl.model.ModelWarning")
def test_counts_without_a_bound_whatever_depends_on_them() -> None:
    """n ~ Poisson(4) thinned is Poisson(1.2); x has its variance besides its own; level is a recurrence of switches."""
    prior, predictive = drawn(
        """
        dim time ordered
        dim kind = 3
        data y, seen : count, z[time]
        n ~ Poisson(4)
        x ~ Normal(n, 1)
        c[kind] ~ Multinomial(10, fill(1/3, kind))
        g ~ truncated(Geometric(0.25), upper=exp(x))
        on[time] ~ Bernoulli(0.5)
        level[0] = 1.0 * on[0]
        level[t] = 0.5 * level[t-1] + on[t]  for t in time[1:]
        y ~ Normal(x, 1)
        seen ~ Binomial(n, 0.3)
        z[time] ~ Normal(level[time], 1)
        """,
        sizes={"time": 3},
    )
    for counts, rate in ((prior["n"], 4), (predictive["seen"], 1.2)):
        found = np.append(np.bincount(counts)[:5], (counts > 4).sum())
        law = stats.poisson(rate)
        assert stats.chisquare(found, COUNT * np.append(law.pmf(np.arange(5)), law.sf(4))).pvalue > 1e-4
    close(predictive["y"].mean(), 4, COUNT, np.sqrt(6))
    close(predictive["y"].var(), 6, COUNT, 6 * np.sqrt(2 + 4 / 36))  # the fourth cumulant is 4
    close(prior["c"].mean(axis=0), 10 / 3, COUNT, np.sqrt(20 / 9))
    assert (prior["c"].sum(axis=1) == 10).all()
    assert (prior["g"] <= np.exp(prior["x"])).all()
    close(predictive["z"].mean(axis=0), [0.5, 0.75, 0.875], COUNT, predictive["z"].std(axis=0))


@pytest.mark.filterwarnings("ignore::ppl.model.ModelWarning")
def test_what_is_flat_between_known_bounds_is_uniform() -> None:
    prior, _ = drawn(
        """
        dim obs
        dim colour = 4
        data y[obs], low[obs]
        var a in [0, 1]
        var b[obs] in [low[obs], 2]
        var s[obs] : spin
        var c : colour
        var n : count in [2, 5]
        y[obs] ~ Normal(a + b[obs] * s[obs] + c + n, 1)
        """,
        {"low": [0.0, -1.0]},
    )
    laws = [(prior["a"], 0, 1), (prior["b"][:, 0], 0, 2), (prior["b"][:, 1], -1, 2)]
    for values, low, high in laws:
        assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-4
    for counts, all_values in ((prior["s"][:, 1], (-1, 1)), (prior["c"], range(4)), (prior["n"], range(2, 6))):
        found = np.array([(counts == value).sum() for value in all_values])
        assert found.sum() == COUNT
        assert stats.chisquare(found).pvalue > 1e-4
    close((prior["s"][:, 0] * prior["s"][:, 1]).mean(), 0, COUNT, 1)


def test_labels_and_groups_are_named_as_in_results() -> None:
    found = ppl.compile("dim g\ndata x[g], y[g]\na[g] ~ Normal(x[g], 1)\ny[g] ~ Normal(a[g], 1)").prior(
        {"x": {"u": 1.0, "v": 2.0}}, draws=3
    )
    assert found["prior"]["a"].dims == ("chain", "draw", "g")
    assert found["prior_predictive"]["y"].coords["g"].values.tolist() == ["u", "v"]
    np.testing.assert_array_equal(found["constant_data"]["x"], [1.0, 2.0])
    assert found.attrs["seed"] == 1


def test_the_same_seed_gives_the_same_draws_however_many() -> None:
    model = ppl.compile("dim obs\ndata y[obs]\nm ~ Normal(0, 1)\ny[obs] ~ Normal(m, 1)")
    few, many = (model.prior(sizes={"obs": 2}, draws=n, seed=5)["prior"]["m"].values[0] for n in (10, 1500))
    np.testing.assert_array_equal(few, many[:10])
    assert not np.array_equal(few, model.prior(sizes={"obs": 2}, draws=10, seed=6)["prior"]["m"].values[0])


@pytest.mark.filterwarnings("ignore::ppl.model.ModelWarning")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("data y\nvar m\ny ~ Normal(m, 1)", "`m` cannot be drawn from the prior"),
        ("data y\nvar a in [0, 1]\nvar b in [0, 1 - a]\ny ~ Normal(a + b, 1)", r"`b ~ Uniform\(0, 1 - a\)`"),
        ("data y\ndim k = 2\nvar w[k] : simplex\ny ~ Normal(w[0], 1)", "`w` cannot be drawn from the prior"),
        ("data y\nm ~ Normal(0, 1)\nvar s > 0\ns ~ Normal(0, 1)\ny ~ Normal(m, s)", "`s` cannot be drawn"),
        ("dim t ordered\ndata y[t]\na ~ Normal(0, 1)\ny[i] ~ Normal(a * y[i-1], 1) for i in t[1:]", "draws `y.0"),
        ("dim t ordered\ndata y[t]\ny[0] ~ Normal(0, 1)\ny[i] ~ Normal(y[1], 1) for i in t[1:]", "need one another"),
        ("dim obs\ndata y[obs]\nm ~ Normal(0, 1)\ny[obs] ~ Normal(m, 1)\ny[obs] ~ Normal(0, 9)", "several statements"),
    ],
)
def test_what_has_no_distribution_is_refused(text: str, words: str) -> None:
    with pytest.raises(ppl.PplError, match=words) as caught:
        ppl.compile(text).prior(sizes={"t": 3} if "dim t" in text else {"obs": 3} if "dim obs" in text else {})
    assert {d.code for d in caught.value.diagnostics} == {"E504"}


def test_sizes_are_asked_for_and_checked() -> None:
    model = ppl.compile("dim obs\ndata y[obs]\nm ~ Normal(0, 1)\ny[obs] ~ Normal(m, 1)")
    with pytest.raises(ppl.PplError, match=r"(?s)E311.*--size obs=100"):
        model.prior()
    with pytest.raises(ppl.PplError, match=r"(?s)E608.*no dim `abs`"):
        model.prior(sizes={"abs": 3})
    with pytest.raises(ppl.PplError, match="E608"):
        model.prior(sizes={"obs": -3})
    with pytest.raises(ppl.PplError, match="E301"):
        ppl.compile("dim obs\ndata x[obs], y[obs]\nb ~ Normal(0, 1)\ny[obs] ~ Normal(b * x[obs], 1)").prior(
            sizes={"obs": 3}
        )


def test_a_computed_outcome_is_drawn_without_its_data() -> None:
    text = "dim obs\ndata earn[obs] > 0, x[obs]\nlog_earn[obs] = log(earn[obs])\nb ~ Normal(0, 1)\n"
    text += "log_earn[obs] ~ Normal(b * x[obs], 1)"
    found = ppl.compile(text).prior({"x": [1.0, 2.0]}, draws=COUNT)
    y = found["prior_predictive"]["log_earn"].values[0]
    moments(y, np.zeros(2), np.array([[2.0, 2.0], [2.0, 5.0]]))
