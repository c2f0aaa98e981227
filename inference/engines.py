"""The engines: their settings, and the life that each hands to its kernel. Nothing here imports JAX before it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ppl.inference.settings import check_settings, setting

if TYPE_CHECKING:  # help and option parsing list the settings, and must not wait for JAX
    import jax

    from ppl.inference.contract import Carry, Chunk, Density, Positions
    from ppl.inference.hamiltonian import Life

METRICS = ("auto", "diagonal", "low-rank", "dense")


@dataclass(frozen=True)
class NUTS:
    """The no-U-turn sampler. For a divergence it records the last point before the step that broke."""

    warmup: int = setting(1000, "warmup iterations of each chain, which adapt the step size and metric", at_least=0)
    draws: int = setting(1000, "draws kept of each chain", at_least=1)
    target_acceptance: float = setting(0.8, "mean acceptance that the step size aims at", above=0, below=1)
    max_depth: int = setting(
        10, "most doublings of a trajectory: at most 2^max_depth - 1 steps", at_least=1, at_most=20
    )
    step_size: float = setting(1.0, "step size from which the search starts; the step size if warmup is 0", above=0)
    metric: str = setting(
        "auto", "form of the metric; auto chooses by dimension and by what warmup sees", choices=METRICS
    )
    adaptation: str = setting(
        "pooled",
        "how warmup finds the metric: pooled over chains from draws and gradients, or as Stan does",
        choices=("pooled", "stan"),
    )
    divergence_threshold: float = setting(1000.0, "energy error at which a trajectory has diverged", above=0)
    precision: str = setting("float64", "precision of the arithmetic", choices=("float64", "float32"))

    name: ClassVar[str] = "nuts"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient"})
    promises: ClassVar[str] = "asymptotically exact"

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def _life(self) -> Life:
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

    def start(self, density: Density, keys: jax.Array, positions: Positions = None) -> Carry:
        return self._life.start(density, keys, positions)

    def advance(self, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
        return self._life.advance(density, carry, limit)

    def done(self, carry: Carry) -> bool:
        return self._life.done(carry)

    def progress(self, carry: Carry) -> tuple[int, int]:
        return self._life.progress(carry)


@dataclass(frozen=True)
class HMC:
    """Hamiltonian Monte Carlo. Its trajectories have a length in units of the metric, fixed or jittered."""

    warmup: int = setting(1000, "warmup iterations of each chain, which adapt the step size and metric", at_least=0)
    draws: int = setting(1000, "draws kept of each chain", at_least=1)
    length: float = setting(1.5, "length of a trajectory: its number of steps times their size", above=0)
    jitter: float = setting(0.5, "relative half-width of the random length; 0 is static HMC", at_least=0, at_most=1)
    target_acceptance: float = setting(0.8, "mean acceptance that the step size aims at", above=0, below=1)
    max_steps: int = setting(1024, "most leapfrog steps of a trajectory", at_least=1)
    step_size: float = setting(1.0, "step size from which the search starts; the step size if warmup is 0", above=0)
    metric: str = setting(
        "auto", "form of the metric; auto chooses by dimension and by what warmup sees", choices=METRICS
    )
    adaptation: str = setting(
        "pooled",
        "how warmup finds the metric: pooled over chains from draws and gradients, or as Stan does",
        choices=("pooled", "stan"),
    )
    divergence_threshold: float = setting(1000.0, "energy error at which a trajectory has diverged", above=0)
    precision: str = setting("float64", "precision of the arithmetic", choices=("float64", "float32"))

    name: ClassVar[str] = "hmc"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient"})
    promises: ClassVar[str] = "asymptotically exact"

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def _life(self) -> Life:
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

    def start(self, density: Density, keys: jax.Array, positions: Positions = None) -> Carry:
        return self._life.start(density, keys, positions)

    def advance(self, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
        return self._life.advance(density, carry, limit)

    def done(self, carry: Carry) -> bool:
        return self._life.done(carry)

    def progress(self, carry: Carry) -> tuple[int, int]:
        return self._life.progress(carry)
