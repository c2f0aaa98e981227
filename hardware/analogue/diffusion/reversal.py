"""The regulator that reverses time.

Backwards, noising is again a diffusion, with the same noise (Anderson 1982). With s the score, at noising time t,

    dx = M (x + 2 s(x, t)) dt' + √(2 M) dW = -M x dt' + M f dt' + √(2 M) dW,   f = 2 (x + s(x, t)):

the same array, with the same noise, which a force drives. f is 0 where data have become noise, x ~ N(0, 1). A regulator
reads x once in a period, computes f, applies it `latency` later, and holds it until the next one is there. Under a
force that is held the array's transition is known: what is simulated has no error but the regulator's own.

Each hold does the work f · Δx on the array (Sekimoto 1998), which goes into its energy ½ |x|² or to the bath as heat.
Of a force that follows x at once the mean work would be ΔF plus what is dissipated, and both are KL(p₀ | N(0, 1)): the
free energy of data above that of noise, and the entropy that noising produces and its reversal produces again. A force
that is held, however shortly, knows nothing of the noise that comes: its work is Itô's ∫ f dx, not Stratonovich's, and
greater by -∫ M ∇·f, the mean of which is twice the entropy that data have less than noise:

    E W → 2 KL(p₀ | N(0, 1)) + 2 (S[N(0, 1)] - S[p₀]) as the period → 0.

Reading x with noise of sd ε tells at most Σ ½ log(1 + Var xᵢ / ε²) nats each time, which is what a Gaussian channel
carries (Shannon 1948); without noise it is infinite.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.errors import Diagnostic, PplError
from ppl.hardware.analogue.diffusion.noising import Noising
from ppl.hardware.analogue.diffusion.scores import Score

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Regulator:
    """period: from one reading to the next, and latency: from a reading to its force, both in units of time; noise: the
    standard deviation of a reading, where modes at rest have 1."""

    period: float
    latency: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        problems = [("period", "above 0")] if not 0 < self.period < np.inf else []
        problems += [(name, "of at least 0") for name in ("latency", "noise") if not 0 <= getattr(self, name) < np.inf]
        if problems:
            raise PplError([Diagnostic("E608", f"`{name}` takes a number {words}") for name, words in problems])


@dataclass(frozen=True, eq=False)
class Ledger:
    """For each draw, in kT: work, of the regulator on the array; heat, to the bath; their difference is the energy that
    the array has gained. All (draws,). information: the most that readings told in all of a run, in nats; None where
    they have no noise. readings: how many there were. time: of the array, in units of time."""

    work: Floats
    heat: Floats
    information: float | None
    readings: int
    time: float


@dataclass(frozen=True, eq=False)
class Reversed:
    """draws: (draws, d)."""

    draws: Floats
    ledger: Ledger


class Holds(NamedTuple):
    """For each reading. signal: α; before, after: ∫ M until its force takes over, and then."""

    signal: Any
    before: Any
    after: Any


def holds_of(noising: Noising, regulator: Regulator) -> tuple[Holds, int]:
    """Its holds, and how many forces are on their way when a reading is made, besides the one that is held."""
    readings = max(1, round(noising.duration / regulator.period))
    period = noising.duration / readings
    waiting, rest = divmod(min(regulator.latency, noising.duration) / period, 1.0)
    left = np.linspace(noising.duration, 0.0, readings + 1)
    turn = left[:-1] - rest * period
    passed = noising.passed(left)
    change = noising.passed(turn)
    return Holds(np.exp(-passed[:-1]), passed[:-1] - change, change - passed[1:]), int(waiting)


def reverse(noising: Noising, score: Score, regulator: Regulator, draws: int, seed: int) -> Reversed:
    """From noise at rest to draws from the law of the data, as far as the score and the regulator know it."""
    holds, waiting = holds_of(noising, regulator)
    key = jax.random.key(seed)
    x, work, gained, told = _run(score, jax.tree.map(jnp.asarray, holds), key, draws, waiting, regulator.noise)
    information = float(np.sum(told)) if regulator.noise else None
    spent = np.asarray(work, np.float64)
    ledger = Ledger(spent, spent - np.asarray(gained, np.float64), information, len(holds.signal), noising.duration)
    return Reversed(np.asarray(x, np.float64), ledger)


@partial(jax.jit, static_argnames=("draws", "waiting"))
def _run(
    score: Score, holds: Holds, key: jax.Array, draws: int, waiting: int, noise: float
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Draws, their work, their gain of energy, and nats of each reading."""
    shape = (draws, score.size)
    dtype = holds.signal.dtype
    first, later = jax.random.split(key)
    start = jax.random.normal(first, shape, dtype)

    def held(
        x: jax.Array, work: jax.Array, force: jax.Array, passed: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        spread = jnp.sqrt(-jnp.expm1(-2 * passed))
        moved = x - jnp.expm1(-passed) * (force - x) + spread * jax.random.normal(key, shape, dtype)
        return moved, work + jnp.sum(force * (moved - x), axis=1)

    def reading(
        carry: tuple[jax.Array, jax.Array, jax.Array], now: tuple[Holds, jax.Array]
    ) -> tuple[tuple[jax.Array, jax.Array, jax.Array], jax.Array]:
        x, work, forces = carry
        hold, key = now
        keys = jax.random.split(key, 3)
        seen = x + noise * jax.random.normal(keys[0], shape, dtype)
        told = 0.5 * jnp.sum(jnp.log1p(jnp.var(x, axis=0) / noise**2))
        # The last of the queue is held, and after what is left of its latency the one before takes its place.
        forces = jnp.concatenate([(2 * (seen + score(seen, jnp.full((draws, 1), hold.signal))))[None], forces])
        x, work = held(x, work, forces[waiting + 1], hold.before, keys[1])
        x, work = held(x, work, forces[waiting], hold.after, keys[2])
        return (x, work, forces[:-1]), told

    # Until the first force is there, none is applied.
    forces = jnp.zeros((waiting + 1, *shape), dtype)
    keys = jax.random.split(later, holds.signal.shape[0])
    (x, work, _), told = jax.lax.scan(reading, (start, jnp.zeros(draws, dtype), forces), (holds, keys))
    return x, work, 0.5 * jnp.sum(x**2 - start**2, axis=1), told
