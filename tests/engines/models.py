"""Small models as texts, with data sets drawn from their priors: what calibration and agreement are tried on."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

import ppl
from ppl.compiler.density.compiled import CompiledDensity, compile_density
from ppl.compiler.density.prior import Conditioned, conditioned
from ppl.compiler.passes.preparation import prepared
from ppl.dataset import Dataset
from ppl.inference.engines.shared import Settings

Array = Any


@dataclass(frozen=True)
class Model:
    """text; outcome: what is observed; log_likelihood: of latents (..., their dims) and an outcome; given: the other
    data; sizes: of dims that nothing else tells; summed: whether discrete latents are summed out."""

    text: str
    outcome: str
    log_likelihood: Callable[[Mapping[str, Array], Array], Array]
    given: Mapping[str, Array] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    summed: bool = True


def _normal(x: Array, mean: Array, sd: Array) -> Array:
    return -0.5 * ((x - mean) / sd) ** 2 - np.log(sd)


def _of_normal(latents: Mapping[str, Array], y: Array) -> Array:
    return _normal(y, latents["mu"][..., None], latents["sigma"][..., None]).sum(axis=-1)


def _of_schools(latents: Mapping[str, Array], y: Array) -> Array:
    return _normal(y, latents["theta"], 1.0).sum(axis=-1)


def _of_logistic(latents: Mapping[str, Array], y: Array) -> Array:
    eta = latents["a"][..., None] + latents["b"][..., None] * X
    return -np.logaddexp(0, np.where(y, -eta, eta)).sum(axis=-1)


def _of_mixture(latents: Mapping[str, Array], y: Array) -> Array:
    w, low, high = (latents[name][..., None] for name in ("w", "low", "high"))
    return np.logaddexp(np.log(w) + _normal(y, high, 0.8), np.log1p(-w) + _normal(y, low, 0.8)).sum(axis=-1)


X = np.linspace(-2, 2, 12)
NORMAL = Model(
    """
dim obs
data y[obs]
mu     ~ Normal(0, 2)
sigma  ~ Gamma(3, 2)
y[obs] ~ Normal(mu, sigma)
""",
    "y",
    _of_normal,
    sizes={"obs": 5},
)
SCHOOLS = Model(
    """
dim school
data y[school]
mu            ~ Normal(0, 1)
tau           ~ HalfNormal(1)
theta[school] ~ Normal(mu, tau)
y[school]     ~ Normal(theta[school], 1)
""",
    "y",
    _of_schools,
    sizes={"school": 4},
)
LOGISTIC = Model(
    """
dim obs
data x[obs], y[obs] : bool
a, b   ~ Normal(0, 1)
y[obs] ~ Bernoulli(sigmoid(a + b * x[obs]))
""",
    "y",
    _of_logistic,
    given={"x": X},
)
MIXTURE = Model(
    """
dim obs
data y[obs]
w      ~ Beta(3, 3)
low    ~ Normal(-1, 0.5)
high   ~ Normal(1, 0.5)
z[obs] ~ Bernoulli(w)
y[obs] ~ Normal(high if z[obs] else low, 0.8)
""",
    "y",
    _of_mixture,
    sizes={"obs": 6},
    summed=False,
)


@dataclass(frozen=True)
class Simulated:
    """Data sets and the latents that they were drawn with. truths: name -> (count, ...); outcomes: (count, ...);
    densities: one a data set, all of one shape, so that one program serves them; prepared: the data sets."""

    truths: Mapping[str, Array]
    outcomes: Array
    densities: tuple[CompiledDensity, ...]
    prepared: tuple[Dataset, ...]

    @functools.cached_property
    def conditioned(self) -> tuple[Conditioned, ...]:
        """The densities with their priors."""
        with jax.enable_x64(True):
            return tuple(conditioned(*pair) for pair in zip(self.densities, self.prepared, strict=True))

    def targets(self, engine: type[Settings]) -> tuple[Any, ...]:
        """What the engine is given."""
        return self.conditioned if engine.uses_prior else self.densities


@functools.cache
def compiled(model_text: str) -> ppl.Model:
    return ppl.compile(model_text)


def simulated(model: Model, count: int, seed: int = 1) -> Simulated:
    program = compiled(model.text)
    drawn = program.prior(dict(model.given), draws=count, seed=seed, sizes=dict(model.sizes), progress=False)
    truths = {name: values.values[0] for name, values in drawn.prior.items()}
    outcomes, densities, kept = drawn.prior_predictive[model.outcome].values[0], [], []
    with jax.enable_x64(True):
        for outcome in outcomes:
            bound = program.bind({**model.given, model.outcome: outcome})
            graph, dataset = prepared(bound.graph, bound.dataset)
            densities.append(compile_density(graph, dataset, summed=model.summed))
            kept.append(dataset)
    return Simulated(truths, outcomes, tuple(densities), tuple(kept))


@jax.jit
def _constrained(density: CompiledDensity, positions: jax.Array) -> Mapping[str, jax.Array]:
    return jax.vmap(density.constrain)(positions)


def constrained(densities: Sequence[CompiledDensity], positions: Sequence[Array]) -> Mapping[str, Array]:
    """Of each density its (draws, n) -> name -> (densities, draws, ...). Data have a say in what coordinates mean."""
    with jax.enable_x64(True):
        each = [_constrained(*pair) for pair in zip(densities, positions, strict=True)]
    return jax.tree.map(lambda *values: np.stack(values), *each)
