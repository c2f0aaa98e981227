"""Engines against their peers, each comparison in one run: `python benchmarks/engines.py [NAME...] [--size N]`.

A comparison is a function of a size that returns lines of text. `--size` makes it smaller than it should be, for a try.
Times are of the machine as it is: the load is printed, and only ratios within one run say much.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from ppl.inference.runtime import environment

os.environ.update(environment(os.environ))  # before JAX is imported

import blackjax
import jax
import jax.numpy as jnp
import numpy as np

import ppl
from ppl.inference.engines.nuts import NUTS
from ppl.inference.engines.sghmc import SGHMC
from ppl.inference.engines.sgld import SGLD

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


# --- stochastic gradients ----------------------------------------------------------------------------


def stochastic_gradients(size: int) -> Iterator[str]:
    """sgld and sghmc on a logistic regression of 50 columns, in minibatches of 1,000: steps a second against BlackJAX's
    kernels, once with minibatches as its documentation makes them (rows gathered, a likelihood of one row vectorised)
    and once with ours; and the posterior against that of NUTS. BlackJAX's kernel of sghmc takes several steps with one
    minibatch, which is another algorithm; its integrator, with a minibatch a step, is the same as ours."""
    columns, count = 50, 1000
    rng = np.random.default_rng(0)
    x = rng.normal(size=(size, columns))
    y = rng.uniform(size=size) < 1 / (1 + np.exp(-x @ rng.normal(0, 0.3, size=columns)))
    density = ppl.compile(LOGISTIC).log_density({"x": x, "y": y})
    yield f"{size:,} observations, {columns} columns, minibatches of {count}; float64"

    rates = {name: 1 / least(step) for name, step in _steps(density, x, y, count).items()}
    for name, rate in rates.items():
        kind = name.split()[0]
        peer = rates[f"{kind} blackjax"]
        yield f"{name:<32} {rate:>10,.0f} steps/s   {rate / peer:5.2f} of BlackJAX's"

    batch = f"obs={count}"
    results: dict[str, tuple[Any, Any, float]] = {}
    for engine in (
        NUTS(warmup=200, draws=500),
        SGHMC(warmup=500, draws=4000, minibatch=batch),
        SGLD(warmup=500, draws=4000, minibatch=batch, step_size=0.1),
    ):
        positions, seconds, _ = run(engine, density)
        draws = positions.reshape(-1, columns)
        results[engine.name] = (draws.mean(0), draws.std(0), seconds)
    mean, sd, reference = results["nuts"]
    for name, (own_mean, own_sd, seconds) in results.items():
        off, ratio = np.abs(own_mean - mean) / sd, own_sd / sd
        yield (
            f"{name:<6} {seconds:8.1f} s, {seconds / reference:5.3f} of NUTS's; means within {off.max():.2f} sd, "
            f"sds {ratio.min():.2f} to {ratio.max():.2f} of NUTS's"
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


# Each with the size that counts.
COMPARISONS: dict[str, tuple[Callable[[int], Iterator[str]], int]] = {
    "stochastic-gradients": (stochastic_gradients, 10**6),
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
