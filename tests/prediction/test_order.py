"""In which order quantities that need one another are drawn, against loops over time: next to no noise shows it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ppl
from tests.prediction.test_prior import values_of

N = 6
A = np.array([[0.5, 0.2], [-0.3, 0.6]])
DRIVE = np.array([0.1, -0.4, 0.6, 0.1, -0.5, 0.4])
ON = np.array([True, False, True, True, False, True])


def same(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::ppl.model.ModelWarning")
def test_each_element_is_drawn_after_those_that_it_needs() -> None:
    found = ppl.compile(
        """
        dim time ordered
        dim k = 2
        dim g = 3
        data A[k, k], drive[time], on[time] : bool
        data y[time], v[g, time], r[time], q
        a ~ Uniform(0, 1)
        b ~ Uniform(0, 1 - a)
        # a GARCH with a named residual and a moving average
        e[time] = y[time] - 0.3
        s[0] = 1.0
        s[t] = sqrt(0.1 + a * e[t-1]^2 + b * s[t-1]^2)  for t in time[1:]
        y[0] ~ Normal(1, 1)
        y[t] ~ Normal(0.3 + 0.5 * e[t-1] + s[t], 1e-9)  for t in time[1:]
        # a vector of states with two lags
        x[0, k] ~ Normal(0, 1)
        x[1, k] ~ Normal(x[0, k], 1)
        Ax[t, i] = sum(A[i, j] * x[t, j] for j in k)  for t in time, i in k
        x[t, k] ~ Normal(Ax[t-1, k] - 0.2 * x[t-2, k] + drive[t], 1e-9)  for t in time[2:]
        # series that meet in a total
        v[g, 0] ~ HalfNormal(1)
        total[t] = sum(v[i, t] for i in g)  for t in time
        v[g, t] ~ Normal(0.5 * v[g, t-1] + 0.1 * total[t-1], 1e-9)  for t in time[1:]
        # filters by data, and what is computed with them
        h[0] = 0.5
        h[t] = (0.5 * h[t-1] + r[t-1] if on[t] else h[t-1] + x[t, 1])  for t in time[1:]
        r[0] ~ Normal(0, 1)
        r[t] ~ Normal(h[t] + 0.1 * r[t-1], 1e-9)  for t in time[1:] if on[t]
        r[t] ~ Normal(h[t], 1e-9)  for t in time[1:] if not on[t]
        # two that need each other at the same time; the ends of series; an equation that follows
        p[0] ~ Normal(0, 1)
        o[0] ~ Normal(p[0], 1e-9)
        p[t] ~ Normal(0.5 * o[t-1], 1e-9)  for t in time[1:]
        o[t] ~ Normal(p[t] + 0.5 * o[t-1] - p[t-1] + 1, 1e-9)  for t in time[1:]
        def decay(t, z) { return -z * exp(p[0]) }
        z = odesolve(decay, o[-1], 0, 0.5)
        q ~ Normal(x[-1, 0] + z, 1e-9)
        """
    ).prior({"A": A, "drive": DRIVE, "on": ON}, draws=5)
    drawn = {**values_of(found, "prior"), **values_of(found, "prior_predictive")}
    a, b, y, x, v, r, p, o = (drawn[name] for name in "abyxvrpo")
    s, h = np.ones_like(y), np.full_like(y, 0.5)
    for t in range(1, N):
        s[:, t] = np.sqrt(0.1 + a * (y[:, t - 1] - 0.3) ** 2 + b * s[:, t - 1] ** 2)
        same(y[:, t], 0.3 + 0.5 * (y[:, t - 1] - 0.3) + s[:, t])
        same(v[..., t], 0.5 * v[..., t - 1] + 0.1 * v[..., t - 1].sum(axis=1, keepdims=True))
        h[:, t] = 0.5 * h[:, t - 1] + r[:, t - 1] if ON[t] else h[:, t - 1] + x[:, t, 1]
        same(r[:, t], h[:, t] + 0.1 * r[:, t - 1] * ON[t])
        same(p[:, t], 0.5 * o[:, t - 1])
        same(o[:, t], p[:, t] + 0.5 * o[:, t - 1] - p[:, t - 1] + 1)
    for t in range(2, N):
        same(x[:, t], x[:, t - 1] @ A.T - 0.2 * x[:, t - 2] + DRIVE[t])
    same(drawn["s"], s)
    same(drawn["h"], h)
    np.testing.assert_allclose(drawn["q"], x[:, -1, 0] + o[:, -1] * np.exp(-0.5 * np.exp(p[:, 0])), atol=1e-4)


def test_the_order_is_not_that_of_positions_and_windows_end_before_what_is_drawn() -> None:
    found = ppl.compile(
        """
        dim time ordered
        dim wave = 3
        data w[wave], m[time]
        s ~ HalfNormal(1)
        w[2] ~ Normal(0, s)
        w[0] ~ Normal(2 * w[2], 1e-9)
        w[1] ~ Normal(w[0] - w[2], 1e-9)
        m[0] ~ Normal(0, s)
        m[1] ~ Normal(0, s)
        m[2] ~ Normal(0, s)
        m[t] ~ Normal(0.5 * sum(m[t-3+i] for i in wave) + mean(m[:2]), 1e-9)  for t in time[3:]
        """
    ).prior(sizes={"time": N}, draws=5)
    drawn = values_of(found, "prior_predictive")
    w, m = drawn["w"], drawn["m"]
    same(w[:, 0], 2 * w[:, 2])
    same(w[:, 1], w[:, 2])
    assert (w[:, 2] != 0).all()
    for t in range(3, N):
        same(m[:, t], 0.5 * m[:, t - 3 : t].sum(axis=1) + m[:, :2].mean(axis=1))


@pytest.mark.filterwarnings("ignore::ppl.model.ModelWarning")
@pytest.mark.parametrize(
    "text",
    [
        "y[0] ~ Normal(0, 1)\ny[t] ~ Normal(y[t-1], 1) for t in time[1:3]\ny[t] ~ Normal(y[t], 1) for t in time[3:]",
        "y[t] ~ Normal(sum(y[t-1+i] for i in k), 1) for t in time[1:]\ny[0] ~ Normal(0, 1)",
        "y[0] ~ Normal(y[1], 1)\ny[t] ~ Normal(y[t-1], 1) for t in time[1:]",
    ],
)
def test_elements_that_need_one_another_in_no_order_are_refused(text: str) -> None:
    with pytest.raises(ppl.PplError, match="E504") as caught:
        ppl.compile(f"dim time ordered\ndim k = 2\ndata y[time]\na ~ Normal(0, 1)\n{text}").prior(sizes={"time": 5})
    assert "its elements need one another" in str(caught.value)
