"""The engines: their settings, and the life that each hands to its kernel. Nothing here imports JAX before it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ppl.inference.settings import check_settings, setting

if TYPE_CHECKING:  # help and option parsing list the settings, and must not wait for JAX
    import jax

    from ppl.inference.contract import Carry, Chunk, Density, Positions
    from ppl.inference.hamiltonian import Life

METRICS = ("auto", "diagonal", "low-rank", "dense")

# --- what the engines share --------------------------------------------------------------------------


def _warmup() -> Any:
    return setting(1000, "warmup iterations of each chain, which adapt the step size and metric", at_least=0)


def _draws() -> Any:
    return setting(1000, "draws kept of each chain", at_least=1)


def _target_acceptance() -> Any:
    return setting(0.8, "mean acceptance that the step size aims at", above=0, below=1)


def _step_size() -> Any:
    return setting(1.0, "step size from which the search starts; the step size if warmup is 0", above=0)


def _metric() -> Any:
    return setting("auto", "form of the metric; auto chooses by dimension and by what warmup sees", choices=METRICS)


def _adaptation() -> Any:
    text = "how warmup finds the metric: pooled over chains from draws and gradients, or as Stan does"
    return setting("pooled", text, choices=("pooled", "stan"))


def _divergence_threshold() -> Any:
    return setting(1000.0, "energy error at which a trajectory has diverged", above=0)


def _precision() -> Any:
    return setting("float64", "precision of the arithmetic", choices=("float64", "float32"))


class _Hamiltonian(Protocol):
    """An engine whose life is that of `hamiltonian.Life`."""

    @property
    def life(self) -> Life: ...


def _start(self: _Hamiltonian, density: Density, keys: jax.Array, positions: Positions = None) -> Carry:
    return self.life.start(density, keys, positions)


def _advance(self: _Hamiltonian, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
    return self.life.advance(density, carry, limit)


def _done(self: _Hamiltonian, carry: Carry) -> bool:
    return self.life.done(carry)


def _progress(self: _Hamiltonian, carry: Carry) -> tuple[int, int]:
    return self.life.progress(carry)


# --- the engines -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NUTS:
    """The no-U-turn sampler. For a divergence it records the last point before the step that broke."""

    warmup: int = _warmup()
    draws: int = _draws()
    target_acceptance: float = _target_acceptance()
    max_depth: int = setting(
        10, "most doublings of a trajectory: at most 2^max_depth - 1 steps", at_least=1, at_most=20
    )
    step_size: float = _step_size()
    metric: str = _metric()
    adaptation: str = _adaptation()
    divergence_threshold: float = _divergence_threshold()
    precision: str = _precision()

    name: ClassVar[str] = "nuts"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient"})
    promises: ClassVar[str] = "asymptotically exact"

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def life(self) -> Life:
        from ppl.inference.hamiltonian import Life
        from ppl.inference.nuts import NUTSKernel

        return Life(
            kernel=NUTSKernel(self.max_depth),
            warmup=self.warmup,
            draws=self.draws,
            target=self.target_acceptance,
            step_size=self.step_size,
            metric=self.metric,
            adaptation=self.adaptation,
            precision=self.precision,
            options={"divergence_threshold": self.divergence_threshold},
        )

    start, advance, done, progress = _start, _advance, _done, _progress


@dataclass(frozen=True)
class HMC:
    """Hamiltonian Monte Carlo. Its trajectories have a length in units of the metric, fixed or jittered."""

    warmup: int = _warmup()
    draws: int = _draws()
    length: float = setting(1.5, "length of a trajectory: its number of steps times their size", above=0)
    jitter: float = setting(0.5, "relative half-width of the random length; 0 is static HMC", at_least=0, at_most=1)
    target_acceptance: float = _target_acceptance()
    max_steps: int = setting(1024, "most leapfrog steps of a trajectory", at_least=1)
    step_size: float = _step_size()
    metric: str = _metric()
    adaptation: str = _adaptation()
    divergence_threshold: float = _divergence_threshold()
    precision: str = _precision()

    name: ClassVar[str] = "hmc"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient"})
    promises: ClassVar[str] = "asymptotically exact"

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def life(self) -> Life:
        from ppl.inference.hamiltonian import Life
        from ppl.inference.hmc import HMCKernel

        return Life(
            kernel=HMCKernel(),
            warmup=self.warmup,
            draws=self.draws,
            target=self.target_acceptance,
            step_size=self.step_size,
            metric=self.metric,
            adaptation=self.adaptation,
            precision=self.precision,
            options={
                "length": self.length,
                "jitter": self.jitter,
                "divergence_threshold": self.divergence_threshold,
                "max_steps": self.max_steps,
            },
        )

    start, advance, done, progress = _start, _advance, _done, _progress
