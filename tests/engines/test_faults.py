"""Faults that are put into engines on purpose, one function each: checks of this folder see them in the law of the
draws. More are in `test_stochastic.py`, `test_mclmc.py`, `test_vi.py` and `test_gibbs.py`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import digamma, polygamma

from ppl.compiler.density import compiled as compiling
from ppl.compiler.density import transforms
from ppl.inference import metropolis, randomness
from ppl.inference.annealing import replicas, smc
from ppl.inference.discrete import gibbs, mixed
from ppl.inference.hamiltonian import leapfrog
from ppl.inference.microcanonical.adjusted import MicrocanonicalTrajectory
from ppl.inference.modes import laplace
from ppl.inference.registry import ENGINES
from ppl.inference.stochastic.sghmc import Underdamped
from tests.density.from_text import compiled
from tests.engines.common import NORMAL, TARGETS, Target, complaints, objections, renewal
from tests.engines.joint import Row, Spins
from tests.engines.test_evidence import CHAINS, ROUNDING, combined
from tests.engines.test_geweke import MOST, joint_scores
from tests.engines.test_geweke import engine_of as joint_engine
from tests.inference.densities import Conjugate, conjugate
from tests.inference.runs import run

Patch = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def _double() -> Any:
    with jax.enable_x64(True):
        yield
    jax.clear_caches()  # nothing that was compiled with a fault is for anybody else


@dataclasses.dataclass(frozen=True)
class Renewed(Row):
    """The same law, whose densities are compiled for anew."""

    again: Callable[[Any], Any] = dataclasses.field(default_factory=lambda: renewal(Spins))

    def density(self, y: Any) -> Spins:
        return self.again(super().density(y))


def renewed(target: Target) -> Target:
    """To compile for with a fault."""
    return dataclasses.replace(target, density=renewal(type(target.density))(target.density))


def of_the_law(name: str, target: Target) -> list[str]:
    """What `test_targets.py` would object to."""
    return objections(name, renewed(target))


def of_the_joint_law(name: str, size: int) -> bool:
    """Whether `test_geweke.py` would."""
    return bool(np.abs(joint_scores(joint_engine(name), Renewed(size))).max() > MOST)


def of_the_bounds(engine: Any, target: Target) -> list[str]:
    """What `test_fitness.py` would object to."""
    return complaints(run(engine, renewed(target).density), target)


def of_the_evidence(engine: Any, density: Conjugate) -> bool:
    """Whether it is off by more than `test_evidence.py` allows."""
    anew = renewal(Conjugate)(density)
    found, error = combined(engine.findings(anew, run(engine, anew, chains=CHAINS).carry).values["log_evidence"][1])
    return abs(found - density.moments()[2]) > 3 * error + ROUNDING


# --- faults ------------------------------------------------------------------------------------------


def no_jacobian(patch: Patch) -> None:
    real = transforms.to_constrained

    def without(*given: Any) -> Any:
        value, log_jacobian = real(*given)
        return value, jnp.zeros_like(log_jacobian)

    patch.setattr(transforms, "to_constrained", without)


def sign_of_the_jacobian(patch: Patch) -> None:
    real = transforms.to_constrained

    def turned(*given: Any) -> Any:
        value, log_jacobian = real(*given)
        return value, -log_jacobian

    patch.setattr(transforms, "to_constrained", turned)


def cold_momenta(patch: Patch) -> None:
    real = randomness.normals
    patch.setattr(randomness, "normals", lambda *given: 0.7 * real(*given))


def reused_words(patch: Patch) -> None:
    real = randomness.words
    patch.setattr(randomness, "words", lambda key, number, count: real(key, 0 * number, count))


def no_kinetic_energy(patch: Patch) -> None:
    patch.setattr(leapfrog, "energy", lambda state: -state.log_density)


def proposals_to_one_side(patch: Patch) -> None:
    real = randomness.normals
    patch.setattr(randomness, "normals", lambda bits, count, dtype: real(bits, count, dtype) + 0.3)


def acceptance_of_half_the_gain(patch: Patch) -> None:
    class Halved:
        def __init__(self, density: Any) -> None:
            self.log_density = lambda u: 0.5 * density.log_density(u)

    real = metropolis.MetropolisKernel.step
    patch.setattr(
        metropolis.MetropolisKernel,
        "step",
        lambda self, density, *given: real(self, Halved(density), *given),
    )


def hotter_conditionals(patch: Patch) -> None:
    real = gibbs.flat_tables
    patch.setattr(gibbs, "flat_tables", lambda density, u: 0.6 * real(density, u))


def sweeps_at_another_place(patch: Patch) -> None:
    real = mixed.flat_tables
    patch.setattr(mixed, "flat_tables", lambda density, u: real(density, 0.5 * u))


def less_friction(patch: Patch) -> None:
    real = Underdamped.numbers

    def numbers(self: Any, *given: Any) -> Any:
        found = real(self, *given)
        return {**found, "kept": found["kept"] ** (1 / 3)}

    patch.setattr(Underdamped, "numbers", numbers)


def unscaled_minibatches(patch: Patch) -> None:
    real = compiling.subsampled
    patch.setattr(compiling, "subsampled", lambda *given: (real(*given)[0], None))


def work_of_another_dimension(patch: Patch) -> None:
    patch.setattr(MicrocanonicalTrajectory, "degrees", lambda self, size: size)


def curvature_twice(patch: Patch) -> None:
    real = laplace._usable
    patch.setattr(laplace, "_usable", lambda state: (2 * real(state)[0], real(state)[1]))


def sign_of_an_exchange(patch: Patch) -> None:
    real = replicas.acceptances
    patch.setattr(replicas, "acceptances", lambda betas, gains: real(betas, -gains))


def weights_of_wider_gaps(patch: Patch) -> None:
    real = smc.weighed
    patch.setattr(smc, "weighed", lambda gain, gap: real(gain, 1.5 * gap))


# --- where they are looked for -------------------------------------------------------------------------


def positive() -> Target:
    """The log of a positive quantity."""
    return Target(
        compiled("s ~ Gamma(3, 2)\n", {}), np.array([digamma(3) - np.log(2)]), np.array([float(polygamma(1, 3))])
    )


def slope() -> Target:
    """Of 400 observations, conjugate."""
    text = "dim obs\ndata x[obs], y[obs]\nb ~ Normal(0, 1)\ny[obs] ~ Normal(b * x[obs], 1)\n"
    x, noise = np.random.default_rng(1).normal(size=(2, 400))
    y, precision = 0.5 * x + noise, 1 + x @ x
    return Target(compiled(text, {"x": x, "y": y}), np.array([x @ y / precision]), np.array([1 / precision]))


FAULTS: dict[str, tuple[Callable[[Patch], None], Callable[[], Any]]] = {
    "dropped Jacobian": (no_jacobian, lambda: of_the_law("mh", positive())),
    "sign of the Jacobian": (sign_of_the_jacobian, lambda: of_the_law("mh", positive())),
    "cold momenta": (cold_momenta, lambda: of_the_law("hmc", NORMAL)),
    "reused words": (reused_words, lambda: of_the_law("mh", NORMAL)),
    "no kinetic energy": (no_kinetic_energy, lambda: of_the_law("nuts", NORMAL)),
    "proposals to one side": (proposals_to_one_side, lambda: of_the_law("mh", NORMAL)),
    "acceptance of half the gain": (acceptance_of_half_the_gain, lambda: of_the_law("mh", NORMAL)),
    "hotter conditionals": (hotter_conditionals, lambda: of_the_joint_law("gibbs", 0)),
    "sweeps at another place": (sweeps_at_another_place, lambda: of_the_joint_law("mixed", 1)),
    "less friction": (less_friction, lambda: of_the_bounds(ENGINES["sghmc"](), NORMAL)),
    "work of another dimension": (work_of_another_dimension, lambda: of_the_law("mams", NORMAL)),
    "curvature twice": (curvature_twice, lambda: of_the_bounds(ENGINES["laplace"](), NORMAL)),
    "unscaled minibatches": (unscaled_minibatches, lambda: of_the_bounds(ENGINES["sgld"](minibatch="obs=40"), slope())),
    "weights of wider gaps": (
        weights_of_wider_gaps,
        lambda: of_the_evidence(ENGINES["smc"](draws=200), conjugate(2)),
    ),
    "sign of an exchange": (sign_of_an_exchange, lambda: of_the_law("tempering", TARGETS["two peaks"])),
}


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen(fault: str, monkeypatch: Patch) -> None:
    put, seen = FAULTS[fault]
    put(monkeypatch)
    assert seen()


@pytest.mark.long
def test_nothing_is_seen_without_a_fault() -> None:
    """Of the checks that no other test makes."""
    assert not of_the_law("mh", positive())
    assert not of_the_bounds(ENGINES["sgld"](minibatch="obs=40"), slope())
    assert not of_the_evidence(ENGINES["smc"](draws=200), conjugate(2))
