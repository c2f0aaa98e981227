"""The life of engines that fit an approximation and draw from it: the fit in steps, then proposals, then draws.

Proposal number j of a chain is from part j mod `parts` of its mixture, made with the random words of the chain's key
and j: so proposals are not kept, and a draw is a proposal made once more. Its importance ratio is that of the target to
the whole mixture (Owen & Zhou 2000): a mode that several parts found does not count as often.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.inference import pacing, randomness
from ppl.inference.chains import over_chains
from ppl.inference.contract import Carry, Chunk, Density, Findings, Remark, Remedy
from ppl.inference.importance import Smoothed, log_ratio_values, pareto_smoothed, resampled, tail_remark
from ppl.inference.modes.approximation import Approximation, mixture_log_density
from ppl.inference.modes.findings import Values
from ppl.inference.modes.moments import bias_remark, no_sums, with_rows
from ppl.inference.modes.starts import starts_of

Array = NDArray[Any]
State = Mapping[str, Any]

# Numbers of random words: proposals have the first ones.
CHOICE = 1 << 30
TRIALS = 1 << 29


def words_on_host(key: Array, number: int, count: int) -> jax.Array:
    """`randomness.words` of a chain's key, outside compiled programs."""
    return randomness.words(jnp.asarray(key), jnp.asarray(number, jnp.uint32), count)


class Fitter(Protocol):
    """What fits the mixture of each chain. called: the approximation, in words; parts: of a mixture."""

    @property
    def parts(self) -> int: ...

    @property
    def steps(self) -> int: ...

    @property
    def called(self) -> str: ...

    def start(self, starts: Mapping[str, Array]) -> State: ...

    def step(self, density: Density, state: State, starts: Mapping[str, Array]) -> State:
        """state: NumPy arrays, `steps` among them, how many were made."""
        ...

    def mixture(self, state: State) -> Approximation:
        """Leaves (chains, parts, ...)."""
        ...

    def values(self, state: State) -> Values: ...

    def remarks(self, density: Density, state: State) -> list[Remark]: ...

    def remedies(self) -> tuple[Remedy, ...]:
        """What to do where the approximation is bad."""
        ...


class Row(NamedTuple):
    """A proposal: its position, the log density there, and the log importance ratio."""

    position: Any
    log_density: Any
    log_ratio: Any


@dataclass(frozen=True)
class ApproximationLife:
    """resample: draws from all proposals, `draws` of each part, by their weights; else the proposals are the draws."""

    fitter: Fitter
    draws: int
    resample: bool

    @property
    def pool(self) -> int:
        """Proposals of a chain."""
        return self.draws * self.fitter.parts if self.resample else self.draws

    def start(self, density: Density, keys: jax.Array, positions: Any = None) -> Carry:
        starts = starts_of(density, keys, positions)
        chains = len(starts["keys"])
        return {
            **starts,
            "fit": self.fitter.start(starts),
            "log_ratios": np.zeros((chains, 0)),
            "sums": no_sums(chains, density.size),
            "chosen": np.tile(np.arange(self.draws, dtype=np.int64), (chains, 1)),
            "proposed": np.int64(0),
            "drawn": np.int64(0),
            "pace": np.float64(0.0),
        }

    def advance(self, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
        fit = carry["fit"]
        chains, size = carry["positions"].shape
        if int(fit["steps"]) < self.fitter.steps:
            following = {**carry, "fit": self.fitter.step(density, fit, carry)}
            return following, Chunk(warmup=True, positions=np.zeros((chains, 0, size)))
        if self.resample and int(carry["proposed"]) < self.pool:
            return self._proposed(density, carry, limit), Chunk(warmup=True, positions=np.zeros((chains, 0, size)))
        drawn = int(carry["drawn"])
        rows, pace = self._rows(density, carry, carry["chosen"][:, drawn:], limit)
        count = rows.log_density.shape[1]
        following = {**carry, "drawn": np.int64(drawn + count), "pace": pace}
        if not self.resample:
            following["log_ratios"] = np.concatenate([carry["log_ratios"], rows.log_ratio], axis=1)
            following["sums"] = with_rows(carry["sums"], rows.position, rows.log_ratio)
        stats = {"lp": rows.log_density, "log_ratio": rows.log_ratio}
        return following, Chunk(warmup=False, positions=rows.position, stats=stats)

    def done(self, carry: Carry) -> bool:
        return int(carry["drawn"]) >= self.draws

    def progress(self, carry: Carry) -> tuple[int, int]:
        pool = self.pool if self.resample else 0
        done = int(carry["fit"]["steps"]) + int(carry["proposed"]) + int(carry["drawn"])
        return done, self.fitter.steps + pool + self.draws

    def findings(self, density: Density, carry: Carry) -> Findings:
        values, remarks = self.fitter.values(carry["fit"]), self.fitter.remarks(density, carry["fit"])
        log_ratios = carry["log_ratios"]
        count = log_ratios.shape[1]
        if not count:
            return Findings(values, tuple(remarks))
        smoothed = [pareto_smoothed(chain) for chain in log_ratios]
        shapes = np.array([one.k for one in smoothed])
        judged = tail_remark(shapes, count, self.fitter.called, self.fitter.remedies())
        remarks.append(judged)
        if not self.resample and judged.verdict != "bad":
            remarks += bias_remark(carry["sums"], self.fitter.called)
        return Findings({**values, **log_ratio_values(log_ratios, smoothed)}, tuple(remarks))

    # --- proposals -----------------------------------------------------------------------------------

    def _proposed(self, density: Density, carry: Carry, limit: int | None) -> Carry:
        chains, proposed = len(carry["keys"]), int(carry["proposed"])
        numbers = np.tile(np.arange(proposed, self.pool, dtype=np.int64), (chains, 1))
        rows, pace = self._rows(density, carry, numbers, limit)
        log_ratios = np.concatenate([carry["log_ratios"], rows.log_ratio], axis=1)
        following = {**carry, "log_ratios": log_ratios, "proposed": np.int64(log_ratios.shape[1]), "pace": pace}
        if log_ratios.shape[1] == self.pool:
            pairs = zip(carry["keys"], log_ratios, strict=True)
            following["chosen"] = np.array([self._chosen(key, pareto_smoothed(ratios)) for key, ratios in pairs])
        return following

    def _chosen(self, key: Array, smoothed: Smoothed) -> Array:
        words = words_on_host(key, CHOICE, 1 + self.pool + self.draws)
        return resampled(smoothed.log_weights, self.draws, (np.asarray(words) + 0.5) * 2.0**-32)

    def _rows(self, density: Density, carry: Carry, numbers: Array, limit: int | None) -> tuple[Row, np.float64]:
        """The first few of the proposals of these numbers, (chains, some), and the seconds that each took."""
        capacity = pacing.capacity(density.size)
        done = int(carry["proposed"]) + int(carry["drawn"])
        quick = limit or pacing.quick(float(carry["pace"]), done)
        count = min(numbers.shape[1], capacity, quick)
        wanted = np.zeros((len(numbers), capacity), np.uint32)
        wanted[:, :count] = numbers[:, :count]
        chains = {"key": carry["keys"], "numbers": wanted, "mixture": self.fitter.mixture(carry["fit"])}
        alone = partial(_propose, density, np.int32(count))
        began = time.perf_counter()
        rows: Row = over_chains(alone, jax.vmap(alone), chains, True)
        pace = (time.perf_counter() - began) / count
        kept: Row = jax.tree.map(lambda leaf: leaf[:, :count], rows)
        # The first pace is that of the compiler.
        return kept, np.float64(pace if done else 0.0)


@jax.jit
def _propose(density: Density, count: jax.Array, chain: Mapping[str, Any]) -> Row:
    """The first `count` rows are proposals, one at a time, so that none depends on the others."""
    parts: Approximation = chain["mixture"]
    leaves = jax.tree.leaves(parts)
    size, count_of_parts, dtype = density.size, leaves[0].shape[0], leaves[0].dtype

    def propose(i: jax.Array, rows: Row) -> Row:
        number = chain["numbers"][i]
        part: Approximation = jax.tree.map(lambda leaf: leaf[number % count_of_parts], parts)
        words = randomness.words(chain["key"], number, randomness.words_for_normals(size))
        u = part.sample(randomness.normals(words, size, dtype))
        log_density = density.log_density(u)
        ratio = log_density - mixture_log_density(parts, u)
        row = Row(u, log_density, jnp.where(jnp.isnan(ratio), -jnp.inf, ratio))
        written: Row = jax.tree.map(lambda own, one: own.at[i].set(one), rows, row)
        return written

    capacity = chain["numbers"].shape[0]
    empty = Row(jnp.zeros((capacity, size), dtype), jnp.zeros(capacity, dtype), jnp.zeros(capacity, dtype))
    rows: Row = jax.lax.fori_loop(0, count, propose, empty)
    return rows
