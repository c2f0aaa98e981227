"""Where the time of a run goes: tracing and compiling are told apart from running."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import jax.monitoring

_TRACE = ("/jax/core/compile/jaxpr_trace_duration", "/jax/core/compile/jaxpr_to_mlir_module_duration")
_COMPILE = ("/jax/core/compile/backend_compile_duration",)


class Stopwatch:
    """Wall-clock seconds by phase, JAX's tracing and compiling taken out of the phases they happen in.

    before: what an earlier process reported of the same run, which counts too.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.before: Mapping[str, float] = {}
        self._began = time.perf_counter()
        self._spans: dict[str, list[tuple[float, float]]] = {"trace": [], "compile": []}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hears what JAX says of its tracing and compiling."""
        jax.monitoring.register_event_duration_secs_listener(self._heard)
        try:
            yield
        finally:
            jax.monitoring.unregister_event_duration_listener(self._heard)

    def _heard(self, event: str, duration_secs: float, **_: str | int) -> None:
        now = time.perf_counter()
        if event in _TRACE:
            self._spans["trace"].append((now - duration_secs, now))
        elif event in _COMPILE:
            self._spans["compile"].append((now - duration_secs, now))

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Counts what runs inside to a phase."""
        start = self.now()
        try:
            yield
        finally:
            self.add(name, start)

    def now(self) -> float:
        """Seconds, for `add`."""
        return time.perf_counter()

    def add(self, name: str, start: float) -> None:
        """The time since `start` to a phase, less what JAX spent on getting ready."""
        end = self.now()
        ready = _covered([*self._spans["trace"], *self._spans["compile"]], start, end)
        self.seconds[name] = self.seconds.get(name, 0.0) + end - start - ready

    def report(self) -> dict[str, float]:
        """All phases, `trace`, `compile` and `total`, in seconds."""
        end = time.perf_counter()
        parts = {name: _covered(spans, self._began, end) for name, spans in self._spans.items()}
        own = {**self.seconds, **parts, "total": end - self._began}
        return {name: self.before.get(name, 0.0) + own.get(name, 0.0) for name in dict.fromkeys((*own, *self.before))}


def _covered(spans: list[tuple[float, float]], start: float, end: float) -> float:
    """Length of the union of intervals (nested traces and parallel compilations count once)."""
    total, reached = 0.0, start
    for low, high in sorted(spans):
        low, high = max(low, reached), min(high, end)
        if high > low:
            total += high - low
            reached = high
    return total
