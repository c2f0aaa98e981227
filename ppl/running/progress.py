"""Progress of a run: a bar in a terminal, plain lines elsewhere, nothing on what takes under a second."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

QUIET_SECONDS = 1.0
LINE_SECONDS = 10.0
RATE_SECONDS = 30.0  # over which the rate is measured


class Progress(Protocol):
    """What the driver tells while it runs; all of it is optional to show."""

    def stage(self, words: str) -> None:
        """What is being done, where iterations are not counted."""
        ...

    def iterations(
        self, done: int, total: int, warmup: bool, divergences: int, acceptance: float | None = None
    ) -> None:
        """Iterations of each chain done and in all, of warmup or after it; divergences of all chains so far; the mean
        acceptance of late, where the engine has one."""
        ...

    def close(self) -> None:
        """Leaves the terminal as it was. Nothing is told after it."""
        ...


class Silent:
    """Shows nothing."""

    def stage(self, words: str) -> None: ...

    def iterations(
        self, done: int, total: int, warmup: bool, divergences: int, acceptance: float | None = None
    ) -> None: ...

    def close(self) -> None: ...


def make_progress(wanted: bool | None) -> Progress:
    """wanted: None shows progress if stderr is a terminal; True always (lines if it is none); False never."""
    terminal = sys.stderr is not None and sys.stderr.isatty()
    if wanted is False or (wanted is None and not terminal):
        return Silent()
    return Bar() if terminal else Lines()


class _Alarm:
    """Calls a function once the quiet second is over, from a thread: nothing calls us while a model compiles."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self._timer: threading.Timer | None = None

    @property
    def quiet(self) -> bool:
        return time.monotonic() - self.began < QUIET_SECONDS

    def set(self, show: Callable[[], None]) -> None:
        """In place of what was set before."""
        self.cancel()
        if not self.quiet:
            show()
            return
        self._timer = threading.Timer(self.began + QUIET_SECONDS - time.monotonic(), show)
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
            self._timer = None


class _Pace:
    """Iterations a second of late. The first chunk, which waits for the compiler, and warmup once it is over, do not
    count; what a second has not yet shown is not known."""

    def __init__(self) -> None:
        self._told: deque[tuple[float, int]] = deque()
        self._warmup = True

    def rate(self, done: int, warmup: bool) -> float | None:
        now = time.monotonic()
        if warmup != self._warmup:
            self._told.clear()
            self._warmup = warmup
        self._told.append((now, done))
        while len(self._told) > 2 and now - self._told[1][0] > RATE_SECONDS:
            self._told.popleft()
        since, first = self._told[0]
        return (done - first) / (now - since) if now - since >= 1 else None


class Lines:
    """A line at every tenth of the run, at the end of warmup, and every ten seconds."""

    def __init__(self) -> None:
        self._alarm = _Alarm()
        self._pace = _Pace()
        self._shown = 0.0
        self._tenth = -1
        self._sampling = False

    def stage(self, words: str) -> None:
        self._alarm.set(lambda: print(words, file=sys.stderr, flush=True))

    def iterations(
        self, done: int, total: int, warmup: bool, divergences: int, acceptance: float | None = None
    ) -> None:
        self._alarm.cancel()
        rate = self._pace.rate(done, warmup)
        tenth, now = 10 * done // max(total, 1), time.monotonic()
        news = tenth != self._tenth or self._sampling == warmup or now - self._shown > LINE_SECONDS
        if not news or self._alarm.quiet:
            return
        self._tenth, self._sampling, self._shown = tenth, not warmup, now
        print(_line(done, total, warmup, divergences, acceptance, rate), file=sys.stderr, flush=True)

    def close(self) -> None:
        self._alarm.cancel()


class Bar:
    """A bar that is taken away at the end. It starts after a second, so short runs never flash one."""

    def __init__(self) -> None:
        self._alarm = _Alarm()
        self._pace = _Pace()
        self._rich: Any = None
        self._task: Any = None

    def _show(self, words: str, **numbers: Any) -> None:
        if self._rich is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            self._rich = Progress(
                TextColumn("{task.description}"),
                BarColumn(None),  # what the words leave
                console=Console(stderr=True),
                transient=True,
                expand=True,
            )
            self._rich.start()
            self._task = self._rich.add_task(words, total=None)
        self._rich.update(self._task, description=words, **numbers)

    def stage(self, words: str) -> None:
        self._alarm.set(lambda: self._show(words, total=None))

    def iterations(
        self, done: int, total: int, warmup: bool, divergences: int, acceptance: float | None = None
    ) -> None:
        self._alarm.cancel()
        rate = self._pace.rate(done, warmup)
        if not self._alarm.quiet:
            self._show(_line(done, total, warmup, divergences, acceptance, rate), completed=done, total=total)

    def close(self) -> None:
        self._alarm.cancel()
        if self._rich is not None:
            self._rich.stop()
            self._rich = None


def _line(done: int, total: int, warmup: bool, divergences: int, acceptance: float | None, rate: float | None) -> str:
    words = [f"{'warmup' if warmup else 'sampling'} {done}/{total} a chain"]
    if rate:
        words += [f"{rate:.3g}/s" if rate < 1000 else f"{rate:.0f}/s"]
        words += [f"{_duration((total - done) / rate)} left"] if done < total else []
    words += [f"{divergences} divergent"] if divergences else []
    words += [f"acceptance {acceptance:.2f}"] if acceptance is not None else []
    return ", ".join(words)


def _duration(seconds: float) -> str:
    """Roughly, in units that one thinks in."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
