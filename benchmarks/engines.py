"""Engines against their peers, each comparison in one run: `python benchmarks/engines.py [NAME...] [--size N]`.

A comparison is a function of a size that returns lines of text. `--size` makes it smaller than it should be, for a try.
Times are of the machine as it is: the load is printed, and only ratios within one run say much.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from ppl.inference.runtime import environment

os.environ.update(environment(os.environ))  # before JAX is imported

import blackjax
import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from densities import models

import ppl
from ppl.inference.engines.hmc import HMC
from ppl.inference.engines.mams import MAMS
from ppl.inference.engines.mclmc import MCLMC
from ppl.inference.engines.nuts import NUTS
from ppl.inference.engines.sghmc import SGHMC
from ppl.inference.engines.sgld import SGLD
from ppl.inference.engines.tempering import Tempering
from ppl.inference.engines.vi import VI
from ppl.results.statistics import ess_bulk

LOGISTIC = """
dim obs, column
data y[obs] : bool, x[obs, column]
beta[column] ~ Normal(0, 1)
y[i] ~ BernoulliLogit(sum(x[i, k] * beta[k] for k in column)) for i in obs
"""


def run(engine: Any, density: Any, chains: int = 2, seed: int = 1) -> tuple[Any, float, Any]:
    """Positions after warmup, seconds of the whole run, the carry."""
    began = time.perf_counter()
    carry = engine.start(density, jax.random.split(jax.random.key(seed), chains))
    positions = []
    while not engine.done(carry):
        carry, chunk = engine.advance(density, carry)
        if not chunk.warmup:
            positions.append(chunk.positions)
    return np.concatenate(positions, axis=1), time.perf_counter() - began, carry


def least(function: Callable[[], float], times: int = 3) -> float:
    return min(function() for _ in range(times))


def logistic(size: int, columns: int) -> tuple[Any, Any, Any]:
    """Covariates, outcomes, and the density of the regression."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(size, columns))
    y = rng.uniform(size=size) < 1 / (1 + np.exp(-x @ rng.normal(0, 0.3, size=columns)))
    return x, y, ppl.compile(LOGISTIC).log_density({"x": x, "y": y})


def gaussian_at_mode(x: Any, y: Any) -> tuple[Any, Any]:
    """Means and sds of the posterior, which is as good as Gaussian where the data are many: by Newton's method."""
    beta = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ beta))
        curvature = (x * (p * (1 - p))[:, None]).T @ x + np.eye(x.shape[1])
        beta += np.linalg.solve(curvature, x.T @ (y - p) - beta)
    return beta, np.sqrt(np.diag(np.linalg.inv(curvature)))


def beside(mean: Any, sd: Any, exact: tuple[Any, Any]) -> str:
    off, ratio = np.abs(mean - exact[0]) / exact[1], sd / exact[1]
    return f"means within {off.max():.3f} sd, sds {ratio.min():.3f} to {ratio.max():.3f} of the exact ones"


# --- stochastic gradients ----------------------------------------------------------------------------


def stochastic_gradients(size: int) -> Iterator[str]:
    """sgld and sghmc on a logistic regression of 50 columns, in minibatches of 1,000: steps a second against BlackJAX's
    kernels, once with minibatches as its documentation makes them (rows gathered, a likelihood of one row vectorised)
    and once with ours; and the posterior against that of NUTS. BlackJAX's kernel of sghmc takes several steps with one
    minibatch, which is another algorithm; its integrator, with a minibatch a step, is the same as ours."""
    columns, count = 50, 1000
    x, y, density = logistic(size, columns)
    yield f"{size:,} observations, {columns} columns, minibatches of {count}; float64"

    rates = {name: 1 / least(step) for name, step in _steps(density, x, y, count).items()}
    for name, rate in rates.items():
        kind = name.split()[0]
        peer = rates[f"{kind} blackjax"]
        yield f"{name:<32} {rate:>10,.0f} steps/s   {rate / peer:5.2f} of BlackJAX's"

    batch = f"obs={count}"
    exact, reference = gaussian_at_mode(x, y), None
    for engine in (
        NUTS(warmup=200, draws=500),
        SGHMC(warmup=500, draws=4000, minibatch=batch),
        SGLD(warmup=500, draws=4000, minibatch=batch, step_size=0.1),
    ):
        positions, seconds, _ = run(engine, density)
        reference = reference or seconds
        draws = positions.reshape(-1, columns)
        yield (
            f"{engine.name:<6} {seconds:8.1f} s, {seconds / reference:5.3f} of NUTS's; "
            f"{beside(draws.mean(0), draws.std(0), exact)}"
        )


def _steps(density: Any, x: Any, y: Any, count: int) -> dict[str, Callable[[], float]]:
    """By name a function that gives the seconds a step takes, compiled before."""
    steps = 2000
    size, columns = x.shape
    batch = f"obs={count}"
    shuffled = density.shuffled("obs", count, (1,))
    rows, outcomes = jnp.asarray(x), jnp.asarray(y, jnp.float64)

    def ours(engine: Any) -> Callable[[], float]:
        carry = engine.start(density, jax.random.split(jax.random.key(1), 1))
        while engine.progress(carry)[0] <= engine.warmup:
            carry, _ = engine.advance(density, carry)

        def seconds() -> float:
            began = time.perf_counter()
            engine.advance(density, carry, steps // engine.steps)
            return (time.perf_counter() - began) / steps

        return seconds

    def loglikelihood(beta: Any, row: Any) -> Any:
        eta = row[0] @ beta
        return row[1] * eta - jax.nn.softplus(eta)

    gathered = blackjax.sgmcmc.gradients.grad_estimator(lambda beta: -0.5 * beta @ beta, loglikelihood, size)

    def gathering(data: Any, key: Any) -> tuple[Any, Any]:
        at = jax.random.randint(key, (count,), 0, size)
        return gathered, (data[0][at], data[1][at])

    def slicing(data: Any, key: Any) -> tuple[Any, Any]:
        return jax.grad(data.log_density_slice), jax.random.randint(key, (), 0, size)

    sgld = blackjax.sgld.build_kernel()
    sghmc, several = blackjax.sgmcmc.diffusions.sghmc(), blackjax.sghmc.build_kernel()

    def overdamped(key: Any, state: Any, gradient: Any, minibatch: Any) -> Any:
        return sgld(key, state[0], gradient, minibatch, 1e-7), state[1]

    def underdamped(key: Any, state: Any, gradient: Any, minibatch: Any) -> Any:
        return sghmc(key, *state, gradient(state[0], minibatch), 1e-7)

    def ten(key: Any, state: Any, gradient: Any, minibatch: Any) -> Any:
        return several(key, state[0], gradient, minibatch, 1e-7, 10), state[1]

    def peer(kernel: Callable[..., Any], minibatches: Callable[..., Any], data: Any, length: int = 1) -> Any:
        @jax.jit
        def chain(data: Any, state: Any, key: Any) -> Any:
            def one(state: Any, key: Any) -> Any:
                noise, sample = jax.random.split(key)
                return kernel(noise, state, *minibatches(data, sample)), None

            return jax.lax.scan(one, state, jax.random.split(key, steps // length))[0]

        def seconds() -> float:
            began = time.perf_counter()
            jax.block_until_ready(chain(data, (jnp.zeros(columns), jnp.zeros(columns)), jax.random.key(3)))
            return (time.perf_counter() - began) / steps

        seconds()
        return seconds

    found = {"sghmc blackjax, ten a minibatch": peer(ten, gathering, (rows, outcomes), 10)}
    for engine, kernel in ((SGLD, overdamped), (SGHMC, underdamped)):
        short = {"warmup": 20, "draws": 1000, "minibatch": batch}
        found[f"{engine.name} blackjax"] = peer(kernel, gathering, (rows, outcomes))
        found[f"{engine.name} blackjax, our minibatches"] = peer(kernel, slicing, shuffled)
        found[f"{engine.name} ours"] = ours(engine(**short, control_variates="off"))
        found[f"{engine.name} ours, control variates"] = ours(engine(**short))
    return found


# --- variational inference ---------------------------------------------------------------------------


def variational(size: int) -> Iterator[str]:
    """vi and NumPyro's SVI on the same regression in minibatches of 1,000, with as many draws a gradient: steps a
    second, and what each has found: ours when its rule or its cap ends it, NumPyro's after the same seconds."""
    columns, count = 50, 1000
    x, y, density = logistic(size, columns)
    exact = gaussian_at_mode(x, y)
    yield f"{size:,} observations, {columns} columns, minibatches of {count}; float64; mean-field"
    engine = VI(family="mean-field", minibatch=f"obs={count}", draws=100)
    run(engine, density, chains=1, seed=2)
    positions, seconds, carry = run(engine, density, chains=1)
    steps = 50 * engine.findings(density, carry).values["elbo"][1].shape[1]
    draws = positions.reshape(-1, columns)
    own = steps / seconds
    yield f"vi    {own:>10,.0f} steps/s; {seconds:6.1f} s to its end: {beside(draws.mean(0), draws.std(0), exact)}"

    def model(x: Any, y: Any) -> None:
        beta = numpyro.sample("beta", numpyro.distributions.Normal(jnp.zeros(columns), 1.0).to_event(1))
        with numpyro.plate("obs", size, subsample_size=count) as at:
            numpyro.sample("y", numpyro.distributions.Bernoulli(logits=x[at] @ beta), obs=y[at])

    guide = numpyro.infer.autoguide.AutoDiagonalNormal(model)
    elbo = numpyro.infer.Trace_ELBO(num_particles=engine.samples)
    svi = numpyro.infer.SVI(model, guide, numpyro.optim.Adam(1e-2), elbo)
    data = (jnp.asarray(x), jnp.asarray(y, jnp.float64))
    state = svi.init(jax.random.key(1), *data)
    stretch = jax.jit(lambda state, data: jax.lax.fori_loop(0, 10, lambda _, s: svi.update(s, *data)[0], state))
    jax.block_until_ready(stretch(state, data))
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        state, done = jax.block_until_ready(stretch(state, data)), done + 10
    peer = done / (time.perf_counter() - began)
    found = svi.get_params(state)
    answer = beside(np.asarray(found["auto_loc"]), np.asarray(found["auto_scale"]), exact)
    yield f"SVI   {peer:>10,.0f} steps/s; after {done / peer:6.1f} s: {answer}"
    yield f"{own / peer:.1f} times NumPyro's steps"


# --- draws for a gradient ----------------------------------------------------------------------------


def gradients(draws: int) -> Iterator[str]:
    """Effective draws for 1,000 gradients, after warmup: the least bulk ESS of any coordinate, over all gradients."""
    engines = (NUTS(draws=draws), HMC(draws=draws), MAMS(draws=draws), MCLMC(draws=draws))
    yield " " * 16 + "".join(f"{engine.name:>10}" for engine in engines)
    for name, density in models().items():
        row = []
        for engine in engines:
            carry = engine.start(density, jax.random.split(jax.random.key(1), 4))
            chunks = []
            while not engine.done(carry):
                carry, chunk = engine.advance(density, carry)
                chunks += [] if chunk.warmup else [chunk]
            least = ess_bulk(np.concatenate([chunk.positions for chunk in chunks], axis=1)).min()
            row.append(1000 * least / sum(_gradients(engine, chunk) for chunk in chunks))
        yield f"{name:<16}" + "".join(f"{value:>10.2f}" for value in row)


def _gradients(engine: Any, chunk: Any) -> int:
    """Of one chunk, in all chains."""
    if "n_steps" in chunk.stats:
        return int(chunk.stats["n_steps"].sum())
    return int(2 * engine.steps * chunk.positions.shape[0] * chunk.positions.shape[1])  # mclmc: two a step


# --- many modes --------------------------------------------------------------------------------------


@partial(jax.tree_util.register_dataclass, data_fields=["centres"], meta_fields=["scale", "width"])
@dataclass(frozen=True)
class Mixture:
    """Equal Gaussians, observed so to say, under a broad Gaussian prior around their middle (Liang & Wong 2001, section
    4.1, has 20 of them, of scale 0.1, on a square of 10)."""

    centres: jax.Array
    scale: float
    width: float = 4.0

    @property
    def size(self) -> int:
        return int(self.centres.shape[1])

    def log_density(self, u: jax.Array) -> jax.Array:
        squares = jnp.sum((u - self.centres) ** 2, axis=1)
        constant = self.size * math.log(self.scale * math.sqrt(2 * math.pi)) + math.log(self.centres.shape[0])
        return jax.nn.logsumexp(-squares / (2 * self.scale**2)) - constant

    def prior(self) -> Broad:
        return Broad(jnp.mean(self.centres, axis=0), self.width)


@partial(jax.tree_util.register_dataclass, data_fields=["middle"], meta_fields=["width"])
@dataclass(frozen=True)
class Broad:
    middle: jax.Array
    width: float

    @property
    def size(self) -> int:
        return int(self.middle.shape[0])

    def log_density(self, u: jax.Array) -> jax.Array:
        return jnp.sum(jax.scipy.stats.norm.logpdf(u, self.middle, self.width))

    def draw(self, key: jax.Array) -> jax.Array:
        return self.middle + self.width * jax.random.normal(key, self.middle.shape)


def modes(draws: int) -> Iterator[str]:
    """tempering and nuts on 20 Gaussians of scale 0.1 on a square of 10: how many modes have draws, and how far their
    shares are from a twentieth each."""
    rng = np.random.default_rng(4)
    centres: list[Any] = []
    while len(centres) < 20:
        centre = rng.uniform(0, 10, 2)
        if all(np.hypot(*(centre - other)) > 1 for other in centres):
            centres.append(centre)
    density = Mixture(jnp.asarray(centres), 0.1)
    for engine in (Tempering(draws=draws), NUTS(draws=draws)):
        positions, seconds, carry = run(engine, density, chains=4)
        flat = positions.reshape(-1, 2)
        nearest = np.argmin(((flat[:, None] - np.array(centres)) ** 2).sum(-1), axis=1)
        shares = np.bincount(nearest, minlength=20) / len(flat)
        trips = engine.findings(density, carry).values.get("round_trips", ((), np.zeros(1)))[1]
        yield (
            f"{engine.name:<10} {seconds:6.1f} s: {(shares > 0).sum():>2} of 20 modes, shares {shares.min():.3f} to "
            f"{shares.max():.3f}; {trips.sum():.0f} round trips"
        )


# Each with the size that counts.
COMPARISONS: dict[str, tuple[Callable[[int], Iterator[str]], int]] = {
    "stochastic-gradients": (stochastic_gradients, 10**6),
    "variational": (variational, 10**6),
    "gradients": (gradients, 1000),
    "modes": (modes, 5000),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(COMPARISONS)}; all by default")
    parser.add_argument("--size", type=int, help="of each comparison, instead of its own")
    options = parser.parse_args()
    unknown = set(options.names) - COMPARISONS.keys()
    if unknown:
        parser.error(f"no such comparison: {', '.join(sorted(unknown))}")
    with jax.enable_x64(True):
        for name in options.names or COMPARISONS:
            comparison, size = COMPARISONS[name]
            print(f"\n{name} (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)\n")
            for line in comparison(options.size or size):
                print(line, flush=True)


if __name__ == "__main__":
    main()
