"""What every engine is held to: targets whose moments and integral are known, errors of what is drawn, and the
settings that each engine is tried with.

An engine that is registered and has no row here fails `test_targets.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import arviz as az
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ppl.inference.registry import ENGINES
from ppl.results.diagnosis import diagnose
from ppl.results.summary import summarise
from ppl.running.record import remark_attrs
from tests.inference.densities import Broad, Funnel
from tests.inference.runs import Run, run

Array = Any

# --- targets -----------------------------------------------------------------------------------------

MEAN = np.array([1.0, -2.0, 0.5])
COVARIANCE = np.array([[1.0, 0.9, 0.0], [0.9, 4.0, 0.2], [0.0, 0.2, 0.25]])
LOG_EVIDENCE = 1.5 * np.log(2 * np.pi) + 0.5 * np.linalg.slogdet(COVARIANCE)[1]
_PRIOR_SCALE = 6.0


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["centres", "log_shares", "precision", "bend", "neck"],
    meta_fields=[],
)
@dataclass(frozen=True)
class Shape:
    """A mixture of two normals at `centres` (2, 3) in coordinates (u0, u1 exp(-neck u0), u2 - bend u0²), whose volume
    is that of u: its integral is always (2π)^3/2 det(precision)^-1/2. Normals, banana, funnel and two peaks are values
    of its data, so that one program serves them all."""

    centres: Any
    log_shares: Any
    precision: Any
    bend: Any
    neck: Any

    @property
    def size(self) -> int:
        return 3

    def log_density(self, u: jax.Array) -> jax.Array:
        x = jnp.stack([u[0], u[1] * jnp.exp(-self.neck * u[0]), u[2] - self.bend * u[0] ** 2])
        away = x[None, :] - self.centres
        each = self.log_shares - 0.5 * jnp.sum((away @ self.precision) * away, axis=1)
        return jax.nn.logsumexp(each) - self.neck * u[0]

    def prior(self) -> Broad:
        """Wide, so that what is left as likelihood is anything but flat."""
        return Broad(np.full(self.size, _PRIOR_SCALE))


def shape(apart: float = 0.0, bend: float = 0.0, neck: float = 0.0, share: float = 0.5) -> Shape:
    """share: of the first of two peaks, `apart` on either side of 0; one peak, at MEAN, where that is 0."""
    centres = np.array([[-apart, 0.0, 0.0], [apart, 0.0, 0.0]]) if apart else np.stack([MEAN, MEAN])
    shares = np.array([share, 1 - share])
    return Shape(centres, np.log(shares), np.linalg.inv(COVARIANCE), np.float64(bend), np.float64(neck))


@dataclass(frozen=True)
class Target:
    """A density with exact means and variances of its first coordinates, (k,) each."""

    density: Any
    mean: Array
    variance: Array

    @property
    def sd(self) -> Array:
        return np.sqrt(self.variance)


def banana(bend: float) -> Target:
    """u0 ~ N(m, 1); of u0² the mean is m² + 1 and the variance 2 + 4 m²; u2 - bend u0² is independent of u0."""
    m = MEAN[0]
    mean, variance = MEAN.copy(), np.diag(COVARIANCE).copy()
    mean[2] += bend * (m**2 + 1)
    variance[2] += bend**2 * (2 + 4 * m**2)
    return Target(shape(bend=bend), mean, variance)


def two_peaks(apart: float, share: float) -> Target:
    mean, variance = np.zeros(3), np.diag(COVARIANCE).copy()
    mean[0] = (1 - 2 * share) * apart
    variance[0] += 4 * share * (1 - share) * apart**2
    return Target(shape(apart=apart, share=share), mean, variance)


def funnel(neck: float) -> Target:
    """Of u1 = x1 exp(k u0) the mean is E[e^(k u0)] (E x1 + k c01), and likewise of its square with 2 k."""
    (m, m1, m2), (c0, c01, c1) = MEAN, (COVARIANCE[0, 0], COVARIANCE[0, 1], COVARIANCE[1, 1])
    once = np.exp(neck * m + neck**2 * c0 / 2) * (m1 + neck * c01)
    twice = np.exp(2 * neck * m + 2 * neck**2 * c0) * ((m1 + 2 * neck * c01) ** 2 + c1)
    return Target(shape(neck=neck), np.array([m, once, m2]), np.array([c0, twice - once**2, COVARIANCE[2, 2]]))


NORMAL = Target(shape(), MEAN, np.diag(COVARIANCE))
TARGETS = {"normal": NORMAL, "two peaks": two_peaks(1.6, 0.3), "banana": banana(0.5)}
# Neal 2003, section 8: nine coordinates whose scale is the tenth's, which alone has known moments.
FUNNEL = Target(Funnel(10), np.zeros(1), np.full(1, 9.0))

# --- errors ------------------------------------------------------------------------------------------


def standard_errors(values: Array, alike: bool) -> Array:
    """(chains, draws, k) -> (k,): of the mean over chains and draws.

    By effective sample sizes; where the draws of a chain are those of one population, whose weights and ancestors they
    share, by the means of the chains alone (`alike`).
    """
    if alike:
        return values.mean(axis=1).std(axis=0, ddof=1) / np.sqrt(len(values))
    return np.array([float(az.mcse(values[..., i])) for i in range(values.shape[2])])


@dataclass(frozen=True)
class Moments:
    """Means, then variances, of coordinates, with their standard errors: (2 k,) each."""

    values: Array
    errors: Array

    @classmethod
    def of(cls, positions: Array, alike: bool, centre: Array | None = None) -> Moments:
        """centre: exact means, if they are known, about which variances are then taken."""
        middle = positions.mean(axis=(0, 1)) if centre is None else centre
        both = np.concatenate([positions, (positions - middle) ** 2], axis=-1)
        return cls(both.mean(axis=(0, 1)), standard_errors(both, alike))


def scores(made: Run, target: Target, alike: bool = False) -> Array:
    """(2 k,): means and variances less the exact ones, in standard errors."""
    k = len(target.mean)
    found = Moments.of(made.positions[..., :k], alike, target.mean)
    return (found.values - np.concatenate([target.mean, target.variance])) / found.errors


def rough(made: Run, target: Target, alike: bool = False) -> float:
    """The largest standard error of a mean, in standard deviations: a test with large errors can hardly fail."""
    k = len(target.mean)
    return float((standard_errors(made.positions[..., :k], alike) / target.sd).max())


def complaints(made: Run, target: Target) -> list[str]:
    """What is off by more than approximate engines may be: means by 0.2 sd, sds by a factor in [0.8, 1.25]."""
    x = made.positions[..., : len(target.mean)].reshape(-1, len(target.mean))
    bias, ratio = (x.mean(axis=0) - target.mean) / target.sd, x.std(axis=0) / target.sd
    found = [f"means {bias}"] if np.any(np.abs(bias) > 0.2) else []
    return found + ([f"sds {ratio}"] if np.any((ratio < 0.8) | (ratio > 1.25)) else [])


# --- engines -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tried:
    """How an engine is tried. alike: draws of a chain share their fate (see `standard_errors`); approximate: near the
    target where it is fit for it, by its own promise."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    chains: int = 4
    alike: bool = False
    approximate: bool = False


CHAIN = {"warmup": 300, "draws": 1000}
TRIED = {
    "nuts": Tried(CHAIN),
    "hmc": Tried(CHAIN),
    "mh": Tried({"warmup": 500, "draws": 1500}),
    "mams": Tried(CHAIN),
    "smc": Tried({"draws": 400}, chains=16, alike=True),
    "ais": Tried({"draws": 200}, chains=16, alike=True),
    "tempering": Tried(CHAIN),
    "sgld": Tried(approximate=True),
    "sghmc": Tried(approximate=True),
    "mclmc": Tried(approximate=True),
    "laplace": Tried(approximate=True),
    "pathfinder": Tried(approximate=True),
    "vi": Tried({"draws": 500}, chains=2, approximate=True),
}
# Of discrete states: `test_gibbs.py`, `test_mixed.py`; of points: `test_modes.py`, `test_anneal.py`.
ELSEWHERE = {"gibbs", "mixed", "map", "anneal"}


def exact(but: Iterable[str] = ()) -> list[str]:
    return [name for name, tried in TRIED.items() if name in ENGINES and not tried.approximate and name not in but]


def engine_of(name: str, **changes: Any) -> Any:
    return ENGINES[name](**{**TRIED[name].settings, **changes})


def tried(name: str, density: Any, seed: int = 1, **changes: Any) -> Run:
    """A run with the settings of the table."""
    return run(engine_of(name, **changes), density, seed=seed, chains=TRIED[name].chains)


def told(engine: Any, density: Any, made: Run) -> list[str]:
    """The findings that speak against the draws, as a user gets to know them."""
    stats = {name: (("chain", "draw"), values) for name, values in made.stats.items()}
    groups = {
        "posterior": xr.Dataset({"u": (("chain", "draw", "element"), made.positions)}),
        "sample_stats": xr.Dataset(stats),
    }
    said = remark_attrs(engine.findings(density, made.carry).remarks)
    attrs = {"settings": dataclasses.asdict(engine), "draws_are": engine.draws_are, **said}
    diagnosis = diagnose(groups, summarise(groups["posterior"]), None, attrs)
    return [finding.name for finding in diagnosis.findings if not finding.trusted]


ROUGH = 0.1


def objections(name: str, target: Target) -> list[str]:
    """What speaks against the draws of an engine that promises to be exact."""
    made, alike = tried(name, target.density), TRIED[name].alike
    found, error = scores(made, target, alike), rough(made, target, alike)
    off = [] if np.all(np.abs(found) < 5) else [f"moments {found}"]
    return off + ([] if error < ROUGH else [f"rough {error:.2f}"]) + told(engine_of(name), target.density, made)


def renewal(own: type) -> Callable[[Any], Any]:
    """What makes densities of a class into pytrees of another, for which nothing is compiled yet: for faults."""
    other = type(own.__name__, (own,), {})

    def made(cls: type, like: Any) -> Any:
        copy = object.__new__(cls)
        copy.__dict__.update(vars(like))
        return copy

    jax.tree_util.register_pytree_node(
        other,
        lambda one: jax.tree.flatten(made(own, one)),
        lambda structure, leaves: made(other, jax.tree.unflatten(structure, leaves)),
    )
    return partial(made, other)
