"""Ctrl-C as a request: the driver stops at the next safe point, and finished draws are kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Requests:
    """How often the user asked to stop. The second time breaks off code within `impatient()`; the third, anything."""

    def __init__(self) -> None:
        self.count = 0
        self._impatient = False

    @property
    def stop(self) -> bool:
        """Whether the user has asked."""
        return self.count > 0

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The handler of SIGINT.

        Raises:
            KeyboardInterrupt: the user has asked often enough to break off what runs.
        """
        self.count += 1
        if self.count > 2 or (self._impatient and self.count > 1):
            raise KeyboardInterrupt

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """Around work that may be given up: sampling, but not the saving of what was sampled."""
        self._impatient = True
        try:
            yield
        finally:
            self._impatient = False


@contextmanager
def listening() -> Iterator[Requests]:
    """Takes over SIGINT for the time being (only the main thread can; elsewhere nothing changes)."""
    requests = Requests()
    if threading.current_thread() is not threading.main_thread():
        yield requests
        return
    before = signal.signal(signal.SIGINT, requests.handle)
    try:
        yield requests
    finally:
        signal.signal(signal.SIGINT, before)
