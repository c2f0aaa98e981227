"""Ctrl-C and SIGTERM as requests: the driver stops at the next safe point, and finished draws are kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ppl.errors import Exit


class Requests:
    """How often the user asked to stop. The second time breaks off code within `impatient()`; the third, anything.

    terminated: whether one of them was SIGTERM, which counts like Ctrl-C.
    """

    def __init__(self) -> None:
        self.count = 0
        self.terminated = False
        self._impatient = False

    @property
    def stop(self) -> bool:
        """Whether the user has asked."""
        return self.count > 0

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The handler of the signals.

        Raises:
            KeyboardInterrupt: the user has asked often enough to break off what runs.
        """
        self.count += 1
        self.terminated |= number == signal.SIGTERM
        if self.count > 2 or (self._impatient and self.count > 1):
            raise KeyboardInterrupt

    @property
    def word(self) -> str:
        """What the run was, as results say it."""
        return "terminated" if self.terminated else "interrupted"

    @property
    def exit_code(self) -> Exit:
        """Of a process that was stopped so."""
        return Exit.TERMINATED if self.terminated else Exit.INTERRUPTED

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """Around work that may be given up: sampling, but not the saving of what was sampled."""
        self._impatient = True
        try:
            yield
        finally:
            self._impatient = False


@contextmanager
def listening(*signals: signal.Signals) -> Iterator[Requests]:
    """Takes over signals for the time being (only the main thread can; elsewhere nothing changes)."""
    requests = Requests()
    if threading.current_thread() is not threading.main_thread():
        yield requests
        return
    before = {number: signal.signal(number, requests.handle) for number in signals or (signal.SIGINT,)}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
