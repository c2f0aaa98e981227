"""Progress of a run: a bar in a terminal, plain lines elsewhere, nothing on what takes under a second."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any, Protocol

QUIET_SECONDS = 1.0
LINE_SECONDS = 10.0


class Progress(Protocol):
    """What the driver tells while it runs; all of it is optional to show."""

    def stage(self, words: str) -> None:
        """What is being done, where iterations are not counted."""
        ...

    def iterations(self, done: int, total: int, warmup: bool, divergences: int) -> None: ...

    def close(self) -> None: ...


class Silent:
    """Shows nothing."""

    def stage(self, words: str) -> None: ...

    def iterations(self, done: int, total: int, warmup: bool, divergences: int) -> None: ...

    def close(self) -> None: ...


def make_progress(wanted: bool | None) -> Progress:
    """wanted: None shows progress if stderr is a terminal; True always (lines if it is none); False never."""
    terminal = sys.stderr is not None and sys.stderr.isatty()
    if wanted is False or (wanted is None and not terminal):
        return Silent()
    return Bar() if terminal else Lines()


@dataclass
class Lines:
    """A line at every tenth of the run, at the end of warmup, and every ten seconds."""

    began: float = 0.0
    shown: float = 0.0
    tenth: int = -1
    sampling: bool = False

    def __post_init__(self) -> None:
        self.began = time.monotonic()

    def stage(self, words: str) -> None:
        if time.monotonic() - self.began > QUIET_SECONDS:
            print(words, file=sys.stderr, flush=True)

    def iterations(self, done: int, total: int, warmup: bool, divergences: int) -> None:
        tenth, now = 10 * done // max(total, 1), time.monotonic()
        news = tenth != self.tenth or self.sampling == warmup or now - self.shown > LINE_SECONDS
        if not news or now - self.began < QUIET_SECONDS:
            return
        self.tenth, self.sampling, self.shown = tenth, not warmup, now
        print(_line(done, total, warmup, divergences), file=sys.stderr, flush=True)

    def close(self) -> None: ...


class Bar:
    """A bar that is taken away at the end. It starts after a second, so short runs never flash one."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._rich: Any = None
        self._task: Any = None
        self._words = ""

    def _live(self) -> Any:
        if self._rich is None and time.monotonic() - self._began > QUIET_SECONDS:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

            self._rich = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f}%"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._rich.start()
            self._task = self._rich.add_task(self._words, total=None)
        return self._rich

    def stage(self, words: str) -> None:
        self._words = words
        live = self._live()
        if live is not None:
            live.update(self._task, description=words, total=None)

    def iterations(self, done: int, total: int, warmup: bool, divergences: int) -> None:
        live = self._live()
        if live is not None:
            live.update(self._task, description=_line(done, total, warmup, divergences), completed=done, total=total)

    def close(self) -> None:
        if self._rich is not None:
            self._rich.stop()
            self._rich = None


def _line(done: int, total: int, warmup: bool, divergences: int) -> str:
    broken = f", {divergences} divergent" if divergences else ""
    return f"{'warmup' if warmup else 'sampling'} {done}/{total} a chain{broken}"
