"""The life of a Hamiltonian engine: starts, warmup with its adaptation, sampling; a chunk at a time, on the host.

The compiled program (`program.py`) takes chains a few iterations further; between its calls, where a window of warmup
ends, the metric is estimated here in NumPy from the draws and gradients of that window, of all chains together.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import numpy as np

from ppl.inference import pacing
from ppl.inference.contract import Carry, Chunk, Density, Divergences, Findings
from ppl.inference.hamiltonian import adaptation, chains, estimation, metric
from ppl.inference.hamiltonian.kernel import Kernel
from ppl.inference.hamiltonian.leapfrog import Point
from ppl.inference.hamiltonian.program import EVALUATE, FAILED, SEARCH, ChainState, Rows
from ppl.inference.starting import Start, refuse_failed

# Iterations of warmup after which draws are taken to come from the target.
CONVERGED = 300


class Beside(NamedTuple):
    """What iterations give beside trajectories: the fields of a chunk."""

    stats: Mapping[str, Any] = MappingProxyType({})
    discrete: Any = None


@dataclass(frozen=True)
class HamiltonianLife:
    """What the life needs to know of an engine. options: numbers passed to the kernel, which do not recompile it."""

    kernel: Kernel
    warmup: int
    draws: int
    target: float
    step_size: float
    metric: str
    adaptation: str
    precision: str
    options: Mapping[str, float]

    def start(self, density: Density, keys: jax.Array, positions: Any = None) -> Carry:
        dtype = np.dtype(self.precision)
        key_data = np.asarray(jax.random.key_data(keys))
        count, size = key_data.shape[0], density.size
        form = estimation.form_of(self.metric, size)
        zeros: Any = np.zeros(size, dtype)
        zero: Any = np.zeros((), dtype)
        one = ChainState(
            key=key_data[0],
            iteration=np.int32(0),
            phase=np.int32(EVALUATE),
            tries=np.int32(0),
            auxiliary=np.int32(0),
            direction=np.int32(0),
            given=np.bool_(positions is not None),
            point=Point(zeros, zero, zeros),
            step_size=adaptation.initial_step_size(self.step_size, dtype),
            metric=metric.identity(form, size, estimation.most_directions(size), dtype),
        )
        states = jax.tree.map(lambda leaf: np.repeat(np.asarray(leaf)[None], count, axis=0), one)
        states = states._replace(key=key_data)
        if positions is not None:
            given = np.asarray(positions, dtype)
            if given.shape != (count, size):
                raise ValueError(f"positions have shape {given.shape}, but {(count, size)} was expected")
            states = states._replace(point=states.point._replace(position=given))
        window = _no_window(count, size, dtype)
        return {"states": states, "window": window, "misled": np.bool_(False), "pace": np.float64(0.0)}

    def advance(self, density: Density, carry: Carry, limit: int | None = None) -> tuple[Carry, Chunk]:
        states: ChainState = carry["states"]
        done = int(states.iteration[0])
        warmup = done < self.warmup
        windows = adaptation.windows(self.adaptation, self.warmup)
        ends = [mark for mark in (*windows, self.warmup, self.warmup + self.draws) if mark > done]
        capacity = pacing.capacity(density.size)
        count = min(ends[0] - done, capacity, limit or pacing.quick(float(carry["pace"]), done))

        began = time.perf_counter()
        carry, rows, beside = self.further(density, carry, capacity, count)
        pace = (time.perf_counter() - began) / count
        states = carry["states"]
        _refuse_failed(states)

        window, misled = carry["window"], carry["misled"]
        if windows and windows[0] <= done < windows[-1]:
            window = {
                "positions": np.concatenate([window["positions"], rows.positions], axis=1),
                "gradients": np.concatenate([window["gradients"], rows.gradients], axis=1),
            }
            if done + count in windows:
                x, g = window["positions"], window["gradients"]
                misled = np.bool_(
                    self.metric == "auto"
                    and self.adaptation == "pooled"
                    and done + count >= CONVERGED
                    and estimation.misleads(x, g)
                )
                adapted = estimation.estimate(self.adaptation, states.metric, x, g, misled=bool(misled))
                states = states._replace(
                    metric=adapted,
                    phase=np.full_like(states.phase, SEARCH),
                    direction=np.zeros_like(states.direction),
                )
                window = _no_window(states.key.shape[0], density.size, states.point.position.dtype)
        # Chains that see different places each keep a step for theirs; one in a neck would else slow them all.
        if done + count == self.warmup and self.adaptation == "pooled" and not misled:
            states = states._replace(step_size=adaptation.pooled(states.step_size))
        # The first chunk's pace is that of the compiler.
        pace = np.float64(pace if done else 0.0)
        following = {**carry, "states": states, "window": window, "misled": misled, "pace": pace}
        return following, _chunk(warmup, rows, beside)

    def further(self, density: Density, carry: Carry, capacity: int, count: int) -> tuple[Carry, Rows, Beside]:
        """The carry with all chains `count` iterations further, and what these gave."""
        states, rows = chains.run(
            self.kernel, capacity, density, carry["states"], count, self.warmup, self.target, dict(self.options)
        )
        return {**carry, "states": states}, rows, Beside()

    def done(self, carry: Carry) -> bool:
        return int(carry["states"].iteration[0]) >= self.warmup + self.draws

    def progress(self, carry: Carry) -> tuple[int, int]:
        return int(carry["states"].iteration[0]), self.warmup + self.draws

    def findings(self, density: Density, carry: Carry) -> Findings:
        return Findings()


def _no_window(count: int, size: int, dtype: Any) -> dict[str, Any]:
    return {"positions": np.zeros((count, 0, size), dtype), "gradients": np.zeros((count, 0, size), dtype)}


def _refuse_failed(states: ChainState) -> None:
    point = states.point
    refuse_failed(Start(point.position, point.log_density, point.gradient, states.phase != FAILED, states.tries))


def _chunk(warmup: bool, rows: Rows, beside: Beside) -> Chunk:
    chain, draw = np.nonzero(rows.diverging)
    return Chunk(
        warmup=warmup,
        positions=np.asarray(rows.positions),
        stats={
            "lp": np.asarray(rows.lp),
            "energy": np.asarray(rows.energy),
            "energy_error": np.asarray(rows.energy_error),
            "acceptance_rate": np.asarray(rows.acceptance_rate),
            "step_size": np.asarray(rows.step_size),
            "n_steps": np.asarray(rows.n_steps),
            "tree_depth": np.asarray(rows.tree_depth),
            "diverging": np.asarray(rows.diverging),
            **beside.stats,
        },
        discrete=beside.discrete,
        divergences=Divergences(
            chain=chain,
            draw=draw,
            position=np.asarray(rows.broken)[chain, draw],
            energy_error=np.asarray(rows.broken_error)[chain, draw],
        ),
    )
