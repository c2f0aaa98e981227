"""Nanoseconds a gradient takes inside a compiled loop: ours, a density written by hand in JAX, and NumPyro's.

    python benchmarks/gradient.py [model ...]

The three are timed in turn, several times over, in one process; the least time counts. All are the same posterior (up
to a constant) on the same unconstrained coordinates, which is checked before anything is timed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ppl.inference.runtime import environment

os.environ.update(environment(os.environ))  # before JAX is imported

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro.infer.util import initialize_model

from ppl.compiler.binding.bind import bind
from ppl.compiler.check import check
from ppl.compiler.density.compiled import compile_density
from ppl.data import load
from ppl.grammar.parser import parse
from ppl.source import Source

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Model:
    """text: ours; by_hand: (u, data) -> log density, in the order of the text's latents; numpyro: the same model."""

    text: str
    data: Callable[[np.random.Generator], Data]
    by_hand: Callable[[jax.Array, Data], jax.Array]
    numpyro: Callable[..., None]


def normal(x: Any, mean: Any, scale: Any) -> Any:
    """Sum of normal log densities without the constant."""
    return jnp.sum(-0.5 * ((x - mean) / scale) ** 2 - jnp.log(scale))


# --- eight schools -----------------------------------------------------------------------------------


def schools_by_hand(u: jax.Array, data: Data) -> jax.Array:
    mu, tau, theta = u[0], jnp.exp(u[1]), u[2:]
    prior = normal(mu, 0.0, 5.0) - jnp.log1p((tau / 5.0) ** 2) + u[1]
    return prior + normal(theta, mu, tau) + normal(data["y"], theta, data["sigma"])


def schools_numpyro(y: Any, sigma: Any) -> None:
    mu = numpyro.sample("mu", dist.Normal(0.0, 5.0))
    tau = numpyro.sample("tau", dist.HalfCauchy(5.0))
    with numpyro.plate("school", len(y)):
        theta = numpyro.sample("theta", dist.Normal(mu, tau))
        numpyro.sample("y", dist.Normal(theta, sigma), obs=y)


SCHOOLS = Model(
    """
dim school
data y[school], sigma[school] > 0
mu            ~ Normal(0, 5)
tau           ~ HalfCauchy(5)
theta[school] ~ Normal(mu, tau)
y[school]     ~ Normal(theta[school], sigma[school])
""",
    lambda rng: {
        "y": np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0]),
        "sigma": np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0]),
    },
    schools_by_hand,
    schools_numpyro,
)

# --- radon: 919 homes in 85 counties -----------------------------------------------------------------


def radon_data(rng: np.random.Generator) -> Data:
    county = rng.choice(85, 919, p=rng.dirichlet(np.full(85, 0.7)))
    return {"y": rng.normal(size=919), "floor": rng.random(919) < 0.2, "u": rng.normal(size=85), "county": county}


def radon_by_hand(w: jax.Array, data: Data) -> jax.Array:
    a, b, g, tau, sigma, alpha = w[0], w[1], w[2], jnp.exp(w[3]), jnp.exp(w[4]), w[5:]
    prior = normal(a, 0.0, 5.0) + normal(b, 0.0, 1.0) + normal(g, 0.0, 1.0)
    prior += -0.5 * tau**2 + w[3] - 0.5 * sigma**2 + w[4]
    mean = alpha[data["county"]] + b * data["floor"].astype(w.dtype)
    return prior + normal(alpha, a + g * data["u"], tau) + normal(data["y"], mean, sigma)


def radon_numpyro(y: Any, floor: Any, u: Any, county: Any) -> None:
    a = numpyro.sample("a", dist.Normal(0.0, 5.0))
    b = numpyro.sample("b", dist.Normal(0.0, 1.0))
    g = numpyro.sample("g", dist.Normal(0.0, 1.0))
    tau = numpyro.sample("tau", dist.HalfNormal(1.0))
    sigma = numpyro.sample("sigma", dist.HalfNormal(1.0))
    with numpyro.plate("counties", len(u)):
        alpha = numpyro.sample("alpha", dist.Normal(a + g * u, tau))
    with numpyro.plate("obs", len(y)):
        numpyro.sample("y", dist.Normal(alpha[county] + b * floor, sigma), obs=y)


RADON = Model(
    """
dim obs, home_county
data y[obs], floor[obs] : bool, u[home_county], county[obs] : home_county
a          ~ Normal(0, 5)
b          ~ Normal(0, 1)
g          ~ Normal(0, 1)
tau, sigma ~ HalfNormal(1)
alpha[home_county] ~ Normal(a + g * u[home_county], tau)
y[obs]             ~ Normal(alpha[county[obs]] + b * floor[obs], sigma)
""",
    radon_data,
    radon_by_hand,
    radon_numpyro,
)

# --- item response: 100 persons, 20 items ------------------------------------------------------------


def irt_data(rng: np.random.Generator) -> Data:
    return {
        "y": rng.random(2000) < 0.5,
        "person": np.repeat(np.arange(100), 20),
        "item": np.tile(np.arange(20), 100),
        "spread": np.full(20, 2.0),
    }


def irt_by_hand(u: jax.Array, data: Data) -> jax.Array:
    theta, difficulty, log_slope = u[:100], u[100:120], u[120:]
    slope = jnp.exp(log_slope)
    prior = normal(theta, 0.0, 1.0) + normal(difficulty, 0.0, data["spread"]) + normal(log_slope, 0.0, 0.5)
    logit = slope[data["item"]] * (theta[data["person"]] - difficulty[data["item"]])
    return prior + jnp.sum(jnp.where(data["y"], logit, 0.0) - jax.nn.softplus(logit))


def irt_numpyro(y: Any, person: Any, item: Any, spread: Any) -> None:
    with numpyro.plate("persons", 100):
        theta = numpyro.sample("theta", dist.Normal(0.0, 1.0))
    with numpyro.plate("items", 20):
        difficulty = numpyro.sample("difficulty", dist.Normal(0.0, spread))
        slope = numpyro.sample("slope", dist.LogNormal(0.0, 0.5))
    with numpyro.plate("obs", 2000):
        numpyro.sample("y", dist.Bernoulli(logits=slope[item] * (theta[person] - difficulty[item])), obs=y)


IRT = Model(
    """
dim obs, who, question
data y[obs] : bool, person[obs] : who, item[obs] : question, spread[question] > 0
theta[who]           ~ Normal(0, 1)
difficulty[question] ~ Normal(0, spread[question])
slope[question]      ~ LogNormal(0, 0.5)
y[obs] ~ BernoulliLogit(slope[item[obs]] * (theta[person[obs]] - difficulty[item[obs]]))
""",
    irt_data,
    irt_by_hand,
    irt_numpyro,
)

# --- regressions -------------------------------------------------------------------------------------


def regression_data(rows: int, columns: int, *, binary: bool) -> Callable[[np.random.Generator], Data]:
    def make(rng: np.random.Generator) -> Data:
        x = rng.normal(size=(rows, columns))
        y = x @ rng.normal(size=columns) * 0.3 + rng.normal(size=rows)
        return {"X": x, "y": y > 0 if binary else y}

    return make


def logistic_by_hand(u: jax.Array, data: Data) -> jax.Array:
    logit = u[0] + data["X"] @ u[1:]
    prior = normal(u[0], 0.0, 5.0) + normal(u[1:], 0.0, 1.0)
    return prior + jnp.sum(jnp.where(data["y"], logit, 0.0) - jax.nn.softplus(logit))


def logistic_numpyro(X: Any, y: Any) -> None:
    a = numpyro.sample("a", dist.Normal(0.0, 5.0))
    b = numpyro.sample("b", dist.Normal(jnp.zeros(X.shape[1]), 1.0).to_event(1))
    with numpyro.plate("obs", len(y)):
        numpyro.sample("y", dist.Bernoulli(logits=a + X @ b), obs=y)


def logistic(rows: int, columns: int) -> Model:
    text = """
dim obs, feature
data X[obs, feature], y[obs] : bool
a          ~ Normal(0, 5)
b[feature] ~ Normal(0, 1)
y[obs] ~ BernoulliLogit(a + sum(X[obs, k] * b[k] for k in feature))
"""
    return Model(text, regression_data(rows, columns, binary=True), logistic_by_hand, logistic_numpyro)


def linear_by_hand(u: jax.Array, data: Data) -> jax.Array:
    prior = normal(u[0], 0.0, 5.0) + normal(u[1:-1], 0.0, 1.0) - 0.5 * jnp.exp(2 * u[-1]) + u[-1]
    return prior + normal(data["y"], u[0] + data["X"] @ u[1:-1], jnp.exp(u[-1]))


def linear_numpyro(X: Any, y: Any) -> None:
    a = numpyro.sample("a", dist.Normal(0.0, 5.0))
    b = numpyro.sample("b", dist.Normal(jnp.zeros(X.shape[1]), 1.0).to_event(1))
    s = numpyro.sample("s", dist.HalfNormal(1.0))
    with numpyro.plate("obs", len(y)):
        numpyro.sample("y", dist.Normal(a + X @ b, s), obs=y)


LINEAR = Model(
    """
dim obs, feature
data X[obs, feature], y[obs]
a          ~ Normal(0, 5)
b[feature] ~ Normal(0, 1)
s          ~ HalfNormal(1)
y[obs] ~ Normal(a + sum(X[obs, k] * b[k] for k in feature), s)
""",
    regression_data(10000, 10, binary=False),
    linear_by_hand,
    linear_numpyro,
)

MODELS: Mapping[str, Model] = {
    "schools": SCHOOLS,
    "radon": RADON,
    "irt": IRT,
    "logistic 200x5": logistic(200, 5),
    "logistic 1000x25": logistic(1000, 25),
    "linear 10000x10": LINEAR,
}

# --- timing ------------------------------------------------------------------------------------------


def loop(log_density: Callable[[jax.Array, Any], jax.Array], data: Any, size: int, steps: int) -> Callable[[], float]:
    """Times `steps` gradients, one after the other, in one compiled loop: seconds a gradient."""
    gradient = jax.value_and_grad(log_density)

    def step(_: int, carry: tuple[jax.Array, jax.Array, Any]) -> tuple[jax.Array, jax.Array, Any]:
        u, total, data = carry
        value, slope = gradient(u, data)
        return u + 1e-9 * slope, total + value, data

    run = jax.jit(lambda u, data: jax.lax.fori_loop(0, steps, step, (u, jnp.zeros(()), data))[:2])
    u = jnp.linspace(-0.5, 0.5, size)
    compiled = run.lower(u, data).compile()

    def timed() -> float:
        start = time.perf_counter()
        jax.block_until_ready(compiled(u, data))
        return (time.perf_counter() - start) / steps

    return timed


def densities(model: Model) -> tuple[int, dict[str, tuple[Callable[[jax.Array, Any], jax.Array], Any]]]:
    data = model.data(np.random.default_rng(1))
    graph = check(parse(Source("<benchmark>", model.text))).graph
    ours = compile_density(graph, bind(graph, load(dict(data))))
    arrays = {name: jnp.asarray(value) for name, value in data.items()}
    potential = initialize_model(jax.random.key(0), model.numpyro, dynamic_args=True, model_kwargs=arrays).potential_fn
    names = [latent.name for latent in graph.latents]
    slots = {slot.latent.name: slot for slot in ours.plan.slots}

    def peer(u: jax.Array, data: Any) -> jax.Array:
        parts = {name: u[slots[name].start : slots[name].stop].reshape(slots[name].shape) for name in names}
        value: jax.Array = -potential(**data)(parts)
        return value

    return ours.size, {
        "ours": (lambda u, d: d.log_density(u), ours),
        "by hand": (model.by_hand, arrays),
        "NumPyro": (peer, arrays),
    }


def main(names: list[str]) -> None:
    print(f"{'model':<18} {'n':>4}  {'ours':>9} {'by hand':>9} {'NumPyro':>9}   ns a gradient")
    with jax.enable_x64(True):
        for name in names or list(MODELS):
            size, found = densities(MODELS[name])
            points = jnp.asarray(np.random.default_rng(2).normal(size=(2, size)))
            steps = [float(f(points[1], d) - f(points[0], d)) for f, d in found.values()]
            np.testing.assert_allclose(steps, steps[0], rtol=1e-8)
            rough = loop(*found["by hand"], size, 20)
            rough()
            count = max(50, min(20000, int(0.03 / rough())))
            loops = {who: loop(f, d, size, count) for who, (f, d) in found.items()}
            best = dict.fromkeys(loops, np.inf)
            for _ in range(9):
                for who, timed in loops.items():
                    best[who] = min(best[who], timed())
            print(f"{name:<18} {size:>4}  " + " ".join(f"{1e9 * best[w]:>9.0f}" for w in best), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
