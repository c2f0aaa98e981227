"""Models with discrete latents against the same models with these given as data, summed over every assignment."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import pytest
from scipy import special

from tests.density.from_text import compiled, points


@dataclass(frozen=True)
class Case:
    """latents: of each its declaration as data, and its shape and values."""

    text: str
    data: dict[str, Any]
    latents: dict[str, tuple[str, tuple[int, ...], tuple[int, ...]]]


CASES = {
    "mixture": Case(
        """
dim obs
dim comp = 3
data y[obs]
w[comp] ~ Dirichlet(fill(1, comp))
mu[comp] ~ ordered(Normal(0, 5))
sigma[comp] ~ HalfNormal(2)
z[obs] ~ Categorical(w)
y[obs] ~ Normal(mu[z[obs]], sigma[z[obs]])
""",
        {"y": [0.3, -1.2]},
        {"z": ("z[obs] : comp", (2,), (0, 1, 2))},
    ),
    "hidden chain": Case(
        """
dim time ordered
dim state = 2
data y[time]
start[state] ~ Dirichlet(fill(1, state))
P[k, state] ~ Dirichlet(fill(2, state)) for k in state
mu[state] ~ ordered(Normal(0, 3))
z[0] ~ Categorical(start)
z[t] ~ Categorical(P[z[t-1]]) for t in time[1:]
y[time] ~ Normal(mu[z[time]], 1)
""",
        {"y": [0.3, -1.2, 2.5, 0.1]},
        {"z": ("z[time] : state", (4,), (0, 1))},
    ),
    "chain of order two with covariates": Case(
        """
dim time ordered
dim state = 2
data y[time], x[time]
P[j, k, state] ~ Dirichlet(fill(2, state)) for j in state, k in state
b ~ Normal(0, 1)
mu[state] ~ Normal(0, 3)
z[0] ~ Bernoulli(0.4)
z[1] ~ Bernoulli(0.6)
z[t] ~ BernoulliLogit(b * x[t] + logit(P[j = 0, 0, 1]) + z[t-1] - 0.5 * z[t-2]) for t in time[2:]
y[time] ~ Normal(mu[0] + mu[1] * z[time], 1)
""".replace("P[j = 0, 0, 1]", "P[0, 0, 1]"),
        {"y": [0.3, -1.2, 2.5, 0.1], "x": [0.2, 0.4, -0.3, 1.0]},
        {"z": ("z[time] : bool", (4,), (0, 1))},
    ),
    "two chains seen together": Case(
        """
dim time ordered
data y[time]
p, q ~ Beta(2, 2)
s ~ HalfNormal(1)
a[0] ~ Bernoulli(0.5)
a[t] ~ Bernoulli(p if a[t-1] else 1 - p) for t in time[1:]
b[0] ~ Bernoulli(0.2)
b[t] ~ Bernoulli(q if b[t-1] else 0.1) for t in time[1:]
y[time] ~ Normal(a[time] - 2 * b[time], s)
""",
        {"y": [0.3, -1.2]},
        {"a": ("a[time] : bool", (2,), (0, 1)), "b": ("b[time] : bool", (2,), (0, 1))},
    ),
    "chains under a plate": Case(
        """
dim time ordered
dim subject
dim state = 2
data y[subject, time] : count
P[k, state] ~ Dirichlet(fill(2, state)) for k in state
rate[state] ~ Gamma(2, 1)
z[i, 0] ~ Categorical(fill(0.5, state)) for i in subject
z[i, t] ~ Categorical(P[z[i, t-1]]) for i in subject, t in time[1:]
y[subject, time] ~ Poisson(rate[z[subject, time]])
""",
        {"y": [[0, 2], [3, 0]]},
        {"z": ("z[subject, time] : state", (2, 2), (0, 1))},
    ),
    "occupancy": Case(
        """
dim site, visit
data y[site, visit] : bool, x[site]
a, b ~ Normal(0, 1)
p ~ Beta(1, 1)
z[site] ~ BernoulliLogit(a + b * x[site])
y[site, visit] ~ Bernoulli(p * z[site])
""",
        {"y": [[0, 0], [0, 1], [0, 0]], "x": [0.5, -1.0, 0.2]},
        {"z": ("z[site] : bool", (3,), (0, 1))},
    ),
    "groups of groups": Case(
        """
dim group, obs
dim kind = 2
data y[obs], group_of[obs] : group
w[kind] ~ Dirichlet(fill(1, kind))
p[kind] ~ Beta(1, 1)
g[group] ~ Categorical(w)
z[obs] ~ Bernoulli(p[g[group_of[obs]]])
m = 3 * 1.0
y[obs] ~ Normal(m * z[obs], 1)
""",
        {"y": [0.3, 1.2], "group_of": [0, 1]},
        {"g": ("g[group] : kind", (2,), (0, 1)), "z": ("z[obs] : bool", (2,), (0, 1))},
    ),
    "counts behind counts": Case(
        """
dim site, visit
data y[site, visit] : count
lambda ~ Gamma(2, 0.5)
p ~ Beta(2, 2)
N[site] ~ truncated(Poisson(lambda), lower=2, upper=4)
y[site, visit] ~ Binomial(N[site], p)
""",
        {"y": [[1, 2], [0, 1]]},
        {"N": ("N[site] : count", (2,), (2, 3, 4))},
    ),
    "a change point": Case(
        """
dim time ordered
data y[time] : count
early, late ~ Exponential(1)
change ~ Categorical(fill(1 / 5, time))
y[t] ~ Poisson(early if t < change else late) for t in time
""",
        {"y": [2, 1, 4, 5, 3]},
        {"change": ("change : time", (), tuple(range(5)))},
    ),
    "pairs with themselves": Case(
        """
dim site
data y[i, j] : bool for i in site, j in site
p ~ Beta(1, 1)
z[site] ~ Bernoulli(0.3)
y[i, j] ~ Bernoulli(p if z[i] == z[j] else 0.2) for i in site, j in site
""".replace("data y[i, j] : bool for i in site, j in site", "data y[site, site] : bool"),
        {"y": [[1, 0, 1], [0, 0, 1], [1, 1, 1]]},
        {"z": ("z[site] : bool", (3,), (0, 1))},
    ),
    "many in one term": Case(
        """
dim obs, cause
data y[obs] : bool, x[obs, cause]
leak ~ Beta(1, 5)
b ~ Normal(0, 1)
z[cause] ~ Bernoulli(0.3)
y[obs] ~ Bernoulli(1 - (1 - leak) * exp(-exp(b) * sum(x[obs, k] * z[k] for k in cause)))
total = sum(z)
seen ~ Normal(total + sum(z[k] for k in cause if v[k] > 0.3), 1)
""".replace("data y[obs] : bool,", "data seen, v[cause], y[obs] : bool,"),
        {"v": [0.2, 0.5, 0.9], "y": [0, 1], "x": [[0.2, 1.0, 0.5], [1.5, 0.3, 0.1]], "seen": 1.2},
        {"z": ("z[cause] : bool", (3,), (0, 1))},
    ),
    "through computed quantities, filters and gathers": Case(
        """
dim obs, unit
data y[obs], unit_of[obs] : unit, kept[obs] : bool
dim kind = 2
mu[kind] ~ Normal(0, 2)
slope ~ Normal(0, 1)
z[unit] ~ Categorical(fill(0.5, kind))
level[unit] = mu[z[unit]] * 2
eta[obs] = level[unit_of[obs]] + slope
y[i] ~ Normal(eta[i], 1) for i in obs if kept[i]
""",
        {"y": [0.3, 1.2, 2.5, 0.4], "unit_of": [0, 1, 0, 1], "kept": [1, 1, 0, 1]},
        {"z": ("z[unit] : kind", (2,), (0, 1))},
    ),
}


def with_latents_as_data(case: Case) -> str:
    """The model's text with the discrete latents declared as data: their `~` observe them then."""
    declared = ", ".join(declaration for declaration, _, _ in case.latents.values())
    lines = case.text.strip().split("\n")
    last = max(i for i, line in enumerate(lines) if re.match(r"dim |data ", line))
    return "\n".join([*lines[: last + 1], f"data {declared}", *lines[last + 1 :]])


def assignments(case: Case) -> list[dict[str, Any]]:
    parts = []
    for name, (_, shape, values) in case.latents.items():
        size = int(np.prod(shape))
        parts.append([(name, np.reshape(chosen, shape)) for chosen in itertools.product(values, repeat=size)])
    return [dict(together) for together in itertools.product(*parts)]


QUICK = ("hidden chain", "occupancy", "a change point", "pairs with themselves", "many in one term")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in CASES]
)
def test_sum_gradient_and_draws(name: str) -> None:
    case = CASES[name]
    with jax.enable_x64(True):
        density = compiled(case.text, case.data)
        text = with_latents_as_data(case)
        given = [(one, compiled(text, {**case.data, **one})) for one in assignments(case)]
        us = points(density, 3)
        both = jax.jit(lambda d, u: jax.value_and_grad(d.log_density)(u))
        for u in us:
            value, gradient = both(density, u)
            parts = [both(d, u) for _, d in given]
            logs = np.array([float(v) for v, _ in parts])
            np.testing.assert_allclose(value, special.logsumexp(logs), rtol=1e-10, atol=1e-10)
            weights = special.softmax(logs)
            gradients = np.array([np.asarray(g) for _, g in parts])
            wanted = weights[weights > 0] @ gradients[weights > 0]
            np.testing.assert_allclose(gradient, wanted, rtol=1e-8, atol=1e-8)

        u = us[0]
        logs = np.array([float(both(d, u)[0]) for _, d in given])
        exact = special.softmax(logs)
        marginals = jax.jit(lambda d, u: d.marginals(u))(density, u)
        for latent, (_, shape, values) in case.latents.items():
            wanted = np.zeros((*shape, len(values)))
            for weight, (one, _) in zip(exact, given, strict=True):
                for k, v in enumerate(values):
                    wanted[..., k] += weight * (one[latent] == v)
            np.testing.assert_allclose(marginals[latent], wanted, atol=1e-10)

        count = 4000
        draw = jax.jit(jax.vmap(lambda d, u, key: d.reconstruct(u, key), (None, None, 0)))
        drawn = draw(density, u, jax.random.split(jax.random.key(1), count))
        code = {tuple(np.concatenate([np.ravel(one[k]) for k in case.latents])): i for i, (one, _) in enumerate(given)}
        flat = np.concatenate([np.asarray(drawn[k]).astype(int).reshape(count, -1) for k in case.latents], axis=1)
        seen = np.bincount([code[tuple(row)] for row in flat], minlength=len(given))
        likely = exact * count >= 5
        rest = (seen[~likely].sum(), exact[~likely].sum() * count)
        observed = np.append(seen[likely], rest[0])
        expected = np.append(exact[likely] * count, rest[1])
        statistic = np.sum((observed - expected) ** 2 / np.maximum(expected, 1e-9) * (expected > 1e-9))
        assert special.chdtrc(max(len(expected) - 1, 1), statistic) > 1e-4
        assert not np.any(seen[exact < 1e-12])
