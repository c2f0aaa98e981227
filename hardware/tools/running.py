"""Programs of others, run: with a time limit, stopped whole, and quoted where they fail."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ppl.errors import Diagnostic, Exit, PplError

# Seconds between two looks at whether to stop.
_PULSE = 0.05
# Of what a program said before it failed.
_LINES, _WIDTH = 8, 160


def _never() -> bool:
    return False


def _nobody(words: str) -> None:
    pass


@dataclass(frozen=True)
class Oversight:
    """Of programs that run. limit: seconds that each may take; stop: whether the user has asked for it; say: is told
    what is being done.

    Raises:
        PplError: the limit is none (E608).
    """

    limit: float = 600.0
    stop: Callable[[], bool] = _never
    say: Callable[[str], None] = _nobody

    def __post_init__(self) -> None:
        if not self.limit > 0:
            title = f"`time_limit` is {self.limit:g}, but it takes a number of seconds above 0"
            raise PplError([Diagnostic("E608", title)], exit_code=Exit.USAGE)


def run(command: Sequence[str], folder: Path, oversight: Oversight, heard: Callable[[str], None] | None = None) -> str:
    """What a program says, on standard output and error together. It is the leader of a process group of its own, which
    ends with it whenever it is not let finish. heard: is told, while it runs, the end of what it has said.

    Raises:
        PplError: it cannot be started, fails, or takes longer than it may (E707).
        KeyboardInterrupt: the user has asked to stop.
    """
    name = Path(command[0]).name
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
            )
        except OSError as error:
            raise _failed(f"{name} cannot be started: {error.strerror or error}", "") from None
        try:
            code = _end(process, oversight, None if heard is None else lambda: heard(_end_of(said.fileno())))
        finally:
            # Before it is waited for, so that its number is still its own.
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        said.seek(0)
        words = said.read().decode("utf-8", "replace")
    if code is None:
        raise _failed(f"{name} took longer than the {oversight.limit:g} seconds that it may", words)
    if code < 0:
        raise _failed(f"{name} was ended by signal {-code} ({signal.strsignal(-code) or 'unknown'})", words)
    if code > 0:
        raise _failed(f"{name} failed with exit code {code}", words)
    return words


def _end(process: subprocess.Popen[bytes], oversight: Oversight, listen: Callable[[], None] | None) -> int | None:
    """Its exit code; None: it takes too long. listen: at every pulse."""
    deadline = time.monotonic() + oversight.limit
    while (left := deadline - time.monotonic()) > 0:
        try:
            return process.wait(min(_PULSE, left))
        except subprocess.TimeoutExpired:
            if oversight.stop():
                raise KeyboardInterrupt from None
            if listen is not None:
                listen()
    return None


def _end_of(file: int) -> str:
    """Its last words, read without moving where the program writes."""
    size = os.fstat(file).st_size
    return os.pread(file, _WIDTH, max(0, size - _WIDTH)).decode("utf-8", "replace")


def _failed(title: str, words: str) -> PplError:
    """With the last lines of what the program said."""
    lines = [line.rstrip()[:_WIDTH] for line in words.splitlines() if line.strip()][-_LINES:]
    hints = ("\n".join(("its last words:", *lines)),) if lines else ()
    return PplError([Diagnostic("E707", title, hints=hints)])
