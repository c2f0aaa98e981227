"""What engines share: how they live, and settings that several have."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ppl.inference import minibatch as minibatches
from ppl.inference.settings import check_settings, setting

if TYPE_CHECKING:  # help and option parsing list the settings, and must not wait for JAX
    import jax

    from ppl.inference.contract import Carry, Chunk, Density, Findings, Life, Positions


@dataclass(frozen=True)
class Settings:
    """Base of all engines: a frozen dataclass of settings, and the `life` that they describe.

    needs: what a model must have, among `gradient` (a continuous part with a differentiable density), `continuous` (a
    continuous part), `discrete` (finite discrete latents that are walked through, not summed out), `gradient or
    discrete` (walked through if there is nothing else, and summed out if there is) and `minibatch` (a plate whose
    observations can be subsampled);
    promises: how far its draws can be trusted, in words; cost: what a draw costs, in words;
    draws_are: `correlated` (a Markov chain's, which R-hat and effective sample sizes judge), `independent` (of an
    approximation or of weighted particles), or `a mode` (a point estimate, of which there is one a chain);
    uses_prior: whether it asks a density for its `prior`.
    """

    name: ClassVar[str]
    needs: ClassVar[frozenset[str]] = frozenset({"gradient"})
    promises: ClassVar[str]
    cost: ClassVar[str]
    draws_are: ClassVar[str] = "correlated"
    uses_prior: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    @abstractmethod
    def life(self) -> Life:
        """What runs. JAX is imported here and not before."""

    def start(self, density: Density, keys: jax.Array, positions: Positions = None) -> Carry:
        return self.life.start(density, keys, positions)

    def advance(self, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
        return self.life.advance(density, carry, limit)

    def done(self, carry: Carry) -> bool:
        return self.life.done(carry)

    def progress(self, carry: Carry) -> tuple[int, int]:
        return self.life.progress(carry)

    def findings(self, density: Density, carry: Carry) -> Findings:
        return self.life.findings(density, carry)


# --- settings that several engines have --------------------------------------------------------------


def warmup() -> Any:
    return setting(1000, "warmup iterations of each chain, in which the engine is tuned", at_least=0)


def draws() -> Any:
    return setting(1000, "draws kept of each chain", at_least=1)


def target_acceptance() -> Any:
    return setting(0.8, "mean acceptance that the step size aims at", above=0, below=1)


def iterations() -> Any:
    return setting(2000, "iterations of L-BFGS, at most", at_least=1)


def resample(default: str) -> Any:
    return setting(default, "whether draws are chosen by their importance weights", choices=("no", "yes"))


def reference() -> Any:
    text = "where the path begins: the prior, or a Gaussian fitted beforehand"
    return setting("prior", text, choices=("prior", "normal"))


def precision() -> Any:
    return setting("float64", "precision of the arithmetic", choices=("float64", "float32"))


def minibatch() -> Any:
    text = "gradients from so many elements of a dim (obs=256) at a time, drawn anew each time; empty: from all data"
    return setting("", text, form=minibatches.FORM)
