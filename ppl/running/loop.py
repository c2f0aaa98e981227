"""The loop over an engine's chunks: what it is asked, when it stops, and what is kept of it while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from ppl.inference import pacing
from ppl.inference.contract import Carry, Chunk, Density, Remark
from ppl.inference.engines.shared import Settings
from ppl.running.checkpoint import Checkpoint, Saved
from ppl.running.finite import NotFinite, check_finite, not_finite
from ppl.running.interrupts import Requests
from ppl.running.options import RunOptions
from ppl.running.progress import Progress
from ppl.running.stopping import Look, is_look, next_look, remark
from ppl.running.stream import Stream
from ppl.running.timing import Stopwatch

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Around:
    """What a run has around it: who may stop it, who is told of it, its clock, and where it is kept on disk while it
    goes on (None: nowhere), with what it goes on from (None: its beginning)."""

    requests: Requests
    progress: Progress
    watch: Stopwatch
    checkpoint: Checkpoint | None = None
    saved: Saved | None = None


@dataclass(eq=False)
class Loop:
    """A run on its way. density: in the engine's precision; random: kept with the carry, see `Starts`; look_at: the
    draws' positions and states, for `until`.

    After `run`: `stopped` is why it ended early, if it did, and `broken` what was wrong with the engine's positions.
    """

    engine: Settings
    density: Density
    carry: Carry
    random: Array
    stream: Stream
    options: RunOptions
    around: Around
    look_at: Callable[[Array], Look]
    stopped: str | None = None
    broken: Remark | None = None
    _last: Look | None = None
    _pace: float = 0.0  # seconds an iteration; that of the first chunk is the compiler's
    _began: float = 0.0

    def run(self) -> None:
        """To the end of the run, or until it is stopped.

        Raises:
            InitialisationError: no start was found.
        """
        self._began = time.monotonic()
        try:
            while not self.engine.done(self.carry) and not self._is_enough():
                self._advance()
                if self._is_stopped():
                    self.around.progress.stage("stopping; the draws so far are kept")
                    break
                self.keep(due=True)
        except KeyboardInterrupt:
            self.stopped = self.around.requests.word
        except (MemoryError, jax.errors.JaxRuntimeError) as error:
            if not self.stream.draws:
                raise
            self.stopped = f"failed: {str(error).partition(chr(10))[0]}"
        except NotFinite as failure:
            self.stopped = "failed: a position that is not finite"
            self.broken = not_finite(self.engine.name, failure)
            self.stream.append(failure.before)

    def keep(self, due: bool = False) -> None:
        """The state of the run on disk, if it is kept there; due: only if it is time for it."""
        checkpoint = self.around.checkpoint
        if checkpoint is not None and (checkpoint.due or not due):
            checkpoint.keep((self.carry, self.random), self.stream, self.around.watch.report())

    def remarks(self) -> list[Remark]:
        """What there is to say of how it ended."""
        if self.broken is not None:
            return [self.broken]
        if self.options.until is None or self.stopped is not None:
            return []
        last = self._last
        if last is None or last.draws != self.stream.draws:
            last = self.look_at(_places(self.stream))
        return [remark(self.options.until, last)]

    def _is_enough(self) -> bool:
        if self.options.until is None or not is_look(self.stream.draws):
            return False
        self._last = self.look_at(_places(self.stream))
        return self._last.enough(self.options.until)

    def _advance(self) -> None:
        engine, watch = self.engine, self.around.watch
        start, (done, total) = watch.now(), engine.progress(self.carry)
        limit = None
        if self.options.until is not None:
            limit = min(next_look(self.stream.draws) - self.stream.draws, pacing.quick(self._pace, done))
        # An impatient user waits for what comes after it: so what is kept and the carry are in step.
        with self.around.requests.impatient():
            following, chunk = engine.advance(self.density, self.carry, limit)
        self._pace = (watch.now() - start) / (engine.progress(following)[0] - done) if done else 0.0
        watch.add("warmup" if chunk.warmup else "sampling", start)
        check_finite(chunk, self.stream.draws, done, total)
        self.carry = following
        self.stream.append(chunk)
        told = engine.progress(following)
        self.around.progress.iterations(*told, chunk.warmup, self.stream.divergent, _acceptance(chunk))

    def _is_stopped(self) -> bool:
        """Whether somebody or the clock ends the run; nobody ends one that is done."""
        if self.engine.done(self.carry):
            return False
        limit = self.options.time_limit
        if self.around.requests.stop:
            self.stopped = self.around.requests.word
        elif limit is not None and time.monotonic() - self._began > limit:
            self.stopped = "time limit"
        return self.stopped is not None


def _places(stream: Stream) -> Array:
    columns = stream.of_draws()[0]
    return places(columns["positions"], columns.get("discrete"))


def places(positions: Array, states: Array | None) -> Array:
    """(chains, draws, n) positions, followed by the states of discrete sites if there are any."""
    parts = [positions] if states is None else [positions, states]
    return np.concatenate([part.astype(np.float64) for part in parts], axis=2)


def _acceptance(chunk: Chunk) -> float | None:
    """The mean over a chunk, where the engine has one."""
    rates = np.asarray(chunk.stats.get("acceptance_rate", ()))
    return float(rates.mean()) if rates.size else None
