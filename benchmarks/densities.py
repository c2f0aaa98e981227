"""Ten log densities of the benchmark, from 2 dimensions and 20 observations to 10⁴ observations; data are simulated.

Each is one function of the data and a flat vector, so that every sampler gets the very same arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Data = dict[str, Any]


@partial(jax.tree_util.register_dataclass, data_fields=["data"], meta_fields=["function", "size"])
@dataclass(frozen=True)
class Model:
    """A log density with its data."""

    data: Data
    function: Callable[[Data, jax.Array], jax.Array]
    size: int

    def log_density(self, u: jax.Array) -> jax.Array:
        return self.function(self.data, u)


def _normal(data: Data, u: jax.Array) -> jax.Array:
    mu, log_sigma = u[0], u[1]
    residual = (data["y"] - mu) * jnp.exp(-log_sigma)
    prior = -0.5 * (mu / 10) ** 2 - 0.5 * jnp.exp(2 * log_sigma) / 25 + log_sigma
    return prior - 0.5 * jnp.sum(residual * residual) - data["y"].shape[0] * log_sigma


def _eight_schools(data: Data, u: jax.Array) -> jax.Array:
    mu, log_tau, z = u[0], u[1], u[2:]
    tau = jnp.exp(log_tau)
    residual = (data["y"] - mu - tau * z) / data["sigma"]
    prior = -0.5 * (mu / 5) ** 2 - jnp.log1p((tau / 5) ** 2) + log_tau - 0.5 * jnp.sum(z * z)
    return prior - 0.5 * jnp.sum(residual * residual)


def _regression(data: Data, u: jax.Array) -> jax.Array:
    """y = a + b x1 + c x2 + d x1 x2, unscaled predictors, hence strong posterior correlations (kidiq)."""
    a, b, c, d, log_sigma = u[0], u[1], u[2], u[3], u[4]
    mean = a + b * data["x1"] + c * data["x2"] + d * data["x1"] * data["x2"]
    residual = (data["y"] - mean) * jnp.exp(-log_sigma)
    prior = -jnp.log1p(jnp.exp(2 * log_sigma) / 6.25) + log_sigma
    return prior - 0.5 * jnp.sum(residual * residual) - data["y"].shape[0] * log_sigma


def _autoregression(data: Data, u: jax.Array) -> jax.Array:
    y, alpha, beta, log_sigma = data["y"], u[0], u[1:6], u[6]
    mean = alpha + sum(beta[k] * y[4 - k : y.shape[0] - 1 - k] for k in range(5))
    residual = (y[5:] - mean) * jnp.exp(-log_sigma)
    prior = -0.5 * jnp.sum((u[:6] / 10) ** 2) - jnp.log1p(jnp.exp(2 * log_sigma) / 6.25) + log_sigma
    return prior - 0.5 * jnp.sum(residual * residual) - residual.shape[0] * log_sigma


def _gaussian_process(data: Data, u: jax.Array) -> jax.Array:
    rho, alpha, sigma = jnp.exp(u[0]), jnp.exp(u[1]), jnp.exp(u[2])
    x, y = data["x"], data["y"]
    distance = (x[:, None] - x[None, :]) / rho
    covariance = alpha**2 * jnp.exp(-0.5 * distance * distance) + sigma**2 * jnp.eye(x.shape[0])
    root = jnp.linalg.cholesky(covariance)
    white = jax.scipy.linalg.solve_triangular(root, y, lower=True)
    prior = -5 * u[0] - 5 / rho - 0.5 * (alpha / 2) ** 2 - 0.5 * sigma**2 + u[1] + u[2]
    return prior - 0.5 * jnp.sum(white * white) - jnp.sum(jnp.log(jnp.diagonal(root)))


def _wells(data: Data, u: jax.Array) -> jax.Array:
    eta = u[0] + u[1] * data["distance"] + u[2] * data["arsenic"]
    return jnp.sum(data["y"] * eta - jax.nn.softplus(eta)) - 0.5 * jnp.sum(u * u) / 25


def _robust(data: Data, u: jax.Array) -> jax.Array:
    """Student-t regression with unknown degrees of freedom."""
    beta, log_sigma, log_nu = u[:6], u[6], u[7]
    nu = jnp.exp(log_nu)
    residual = (data["y"] - jnp.sum(data["x"] * beta[None, :], axis=1)) * jnp.exp(-log_sigma)
    count = data["y"].shape[0]
    constant = jax.lax.lgamma((nu + 1) / 2) - jax.lax.lgamma(nu / 2) - 0.5 * log_nu - log_sigma
    prior = -0.5 * jnp.sum((beta / 5) ** 2) - 0.5 * jnp.exp(2 * log_sigma) + log_sigma + 2 * log_nu - 0.1 * nu
    return prior + count * constant - (nu + 1) / 2 * jnp.sum(jnp.log1p(residual * residual / nu))


def _radon(data: Data, u: jax.Array) -> jax.Array:
    a, b, g, log_tau, log_sigma, z = u[0], u[1], u[2], u[3], u[4], u[5:]
    tau = jnp.exp(log_tau)
    alpha = a + g * data["uranium"] + tau * z
    residual = (data["y"] - alpha[data["county"]] - b * data["floor"]) * jnp.exp(-log_sigma)
    prior = -0.5 * (a / 5) ** 2 - 0.5 * b**2 - 0.5 * g**2 - 0.5 * jnp.sum(z * z)
    prior = prior - 0.5 * tau**2 + log_tau - 0.5 * jnp.exp(2 * log_sigma) + log_sigma
    return prior - 0.5 * jnp.sum(residual * residual) - data["y"].shape[0] * log_sigma


def _item_response(data: Data, u: jax.Array) -> jax.Array:
    """Two-parameter item response: 100 people, 20 items, every pair observed."""
    theta, log_a, b, log_s = u[:100], u[100:120], u[120:140], u[140]
    eta = jnp.exp(log_a)[None, :] * (theta[:, None] - b[None, :])
    prior = -0.5 * jnp.sum(theta * theta) - 0.5 * jnp.sum((log_a / 0.5) ** 2)
    prior = prior - 0.5 * jnp.sum(b * b) * jnp.exp(-2 * log_s) - 20 * log_s - 0.5 * jnp.exp(2 * log_s) + log_s
    return prior + jnp.sum(data["y"] * eta - jax.nn.softplus(eta))


def _logistic(data: Data, u: jax.Array) -> jax.Array:
    eta = data["x"] @ u
    return jnp.sum(data["y"] * eta - jax.nn.softplus(eta)) - 0.5 * jnp.sum(u * u) / 4


def models() -> dict[str, Model]:
    """Every model of the benchmark by name, smallest first."""
    draw = np.random.default_rng(20240601)

    def bernoulli(eta: Any) -> Any:
        return (draw.random(np.shape(eta)) < 1 / (1 + np.exp(-eta))).astype(float)

    y = np.zeros(205)
    for t in range(5, 205):
        y[t] = 0.1 + y[t - 5 : t] @ np.array([-0.1, 0.1, 0.2, -0.3, 0.7]) + 0.5 * draw.normal()
    school, iq = (draw.random(434) < 0.79).astype(float), draw.normal(100, 15, 434)
    x_gp = np.linspace(-3, 3, 20)
    distance, arsenic = draw.exponential(0.5, 3000), draw.exponential(1.3, 3000) + 0.5
    x_robust = np.column_stack([np.ones(1000), draw.normal(size=(1000, 5))])
    county = np.sort(draw.integers(0, 85, 919))
    county[:85] = np.arange(85)
    uranium, floor = draw.normal(size=85), (draw.random(919) < 0.17).astype(float)
    level = 1.4 + 0.7 * uranium + 0.15 * draw.normal(size=85)
    ability, slope, difficulty = draw.normal(size=100), np.exp(0.3 * draw.normal(size=20)), draw.normal(size=20)
    x_large = np.column_stack([np.ones(10_000), draw.normal(size=(10_000, 19))])
    return {
        "normal": Model({"y": draw.normal(3, 2, 20)}, _normal, 2),
        "eight schools": Model(
            {
                "y": np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0]),
                "sigma": np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0]),
            },
            _eight_schools,
            10,
        ),
        "regression": Model(
            {"x1": school, "x2": iq, "y": -10 + 50 * school + iq - 0.5 * school * iq + draw.normal(0, 18, 434)},
            _regression,
            5,
        ),
        "autoregression": Model({"y": y}, _autoregression, 7),
        "gaussian process": Model(
            {"x": x_gp, "y": np.sin(2 * x_gp) + 0.2 * draw.normal(size=20)}, _gaussian_process, 3
        ),
        "wells": Model(
            {"distance": distance, "arsenic": arsenic, "y": bernoulli(-0.9 * distance + 0.45 * arsenic)}, _wells, 3
        ),
        "robust": Model(
            {"x": x_robust, "y": x_robust @ np.array([1.0, 2, -1, 0, 0.5, 0]) + draw.standard_t(4, 1000)}, _robust, 8
        ),
        "radon": Model(
            {
                "y": level[county] - 0.6 * floor + 0.75 * draw.normal(size=919),
                "county": county.astype(np.int32),
                "floor": floor,
                "uranium": uranium,
            },
            _radon,
            90,
        ),
        "item response": Model({"y": bernoulli(slope * (ability[:, None] - difficulty))}, _item_response, 141),
        "logistic": Model({"x": x_large, "y": bernoulli(x_large @ (0.5 * draw.normal(size=20)))}, _logistic, 20),
    }
