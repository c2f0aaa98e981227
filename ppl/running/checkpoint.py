"""A run on disk while it goes on: a folder from which it can be taken up again, bit for bit.

    fit.nc.checkpoint/
        state.npz         what the engine carries, how many rows of the files count, and which run this is
        draws.bin         rows (`stream.py`), appended to; likewise divergences.bin and, if it is kept, warmup.bin
        lock              held by the process that writes
        result            the digest of a partial result that was written meanwhile

Rows are appended and reach the disk first; then state.npz is replaced in one step, so that at any moment it is whole
and says what counts. Nothing in the folder can be executed: arrays are read without pickle, the rest is JSON.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ppl.errors import Diagnostic, Exit, PplError
from ppl.running.stream import NAMES, Stream, Table

FORMAT = 1
# Of what makes a run, these are known by a digest, which says nothing to a reader.
TEXT, DATA = "the model's text", "the data"
FIRST_SECONDS = 60.0
INTERVAL_SECONDS = 30.0
# The state first: without it, what is left of the others is no checkpoint.
_FILES = ("state.npz", "state.tmp", *(f"{name}.bin" for name in NAMES), "result")

Carry = Any


@dataclass(frozen=True)
class Saved:
    """What a checkpoint holds. leaves: of the engine's carry; seconds: that the run took so far, by phase."""

    leaves: tuple[Any, ...]
    tables: Mapping[str, Table]
    seconds: Mapping[str, float]


class CheckpointWarning(RuntimeWarning):
    """A checkpoint could not be written; the run goes on without."""


class Checkpoint:
    """The checkpoint of one run. folder: where it is or will be, which exists from the first `save` to `remove`.

    interval: seconds from one to the next; None: a first one after a minute, so that short runs leave no trace on the
    disk, then one every 30 seconds. resume: whether to go on from what is in the folder; replace: whether the run may
    take the place of another's, None where this is no option. Nothing here imports JAX before a run does.
    """

    def __init__(
        self, folder: Path, *, interval: float | None = None, resume: bool = False, replace: bool | None = None
    ) -> None:
        self.folder = folder
        self.saved = False
        self._resume = resume
        self._replace = replace
        self._interval = INTERVAL_SECONDS if interval is None else interval
        self._next = time.monotonic() + (FIRST_SECONDS if interval is None else interval)
        self._lock: int | None = None
        self._known = False
        self._warned = False
        self._identity: dict[str, str] = {}

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def exists(self) -> bool:
        """Whether there is one in the folder, of whichever run."""
        return os.path.exists(self.folder / "state.npz")

    def check_free(self) -> None:
        """Whether a run may begin or go on here.

        Raises:
            PplError: there is a checkpoint, and neither to go on from it nor to replace it was asked for (E609).
        """
        if self.exists and not self._resume and not self._replace:
            anew = "to begin anew, delete the folder" if self._replace is None else "`force` begins anew"
            title = f"{self.folder} is the checkpoint of a run that did not end"
            raise _error("E609", title, "`resume` goes on with it", anew)

    def open(self, identity: Mapping[str, str]) -> Saved | None:
        """What to go on from; None if the run begins at its beginning. Call it before anything else.

        Raises:
            PplError: as of `check_free`; the checkpoint is of another run (E610), damaged or none at all (E611), or
                another process is writing it (E612).
        """
        self._identity = dict(identity)
        self.check_free()
        if os.path.isdir(self.folder):
            try:
                self._take()
            except BlockingIOError as error:
                hint = "wait until it has ended, or give this run another output"
                raise _error("E612", f"cannot go on from {self.folder}: {error.strerror}", hint) from None
            except OSError:
                pass  # a folder that cannot be written may be read; `save` will say it
        elif os.path.exists(self.folder):
            raise self._unreadable("it is no folder")
        self._known = self.exists
        if not (self._known and self._resume):
            return None
        saved = self._read()
        self.saved = True
        return saved

    def carry(self, saved: Saved, fresh: Any) -> Any:
        """What was saved, as the engine goes on with it. fresh: the carry of its start, which has the same structure.

        Raises:
            PplError: it has another one (E611).
        """
        import jax

        own, structure = jax.tree.flatten(fresh)
        if [np.asarray(leaf).dtype for leaf in own] != [leaf.dtype for leaf in saved.leaves]:
            raise self._unreadable("its state is not one of this engine")
        return jax.tree.unflatten(structure, saved.leaves)

    @property
    def due(self) -> bool:
        """Whether it is time for the next."""
        return time.monotonic() >= self._next

    def save(self, carry: Any, stream: Stream, seconds: Mapping[str, float]) -> None:
        """Makes the state of a run the one to go on from.

        Raises:
            OSError: it cannot be written; the one before is as it was, and rows that are in no file are in memory.
        """
        self._next = time.monotonic() + self._interval
        if not self.saved:
            self._make_folder()
        for name, table in stream.tables.items():
            table.file(self.folder / f"{name}.bin")
        about = {
            "format": FORMAT,
            "identity": self._identity,
            "tables": {name: table.state() for name, table in stream.tables.items()},
            "seconds": dict(seconds),
        }
        import jax

        image = io.BytesIO()
        np.savez(image, np.frombuffer(json.dumps(about).encode(), np.uint8), *jax.tree.leaves(carry))
        temporary = self.folder / "state.tmp"
        with open(temporary, "wb") as opened:
            opened.write(image.getbuffer())
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(temporary, self.folder / "state.npz")
        _sync_folder(self.folder)
        self.saved = True

    def keep(self, carry: Any, stream: Stream, seconds: Mapping[str, float]) -> None:
        """`save`; where that fails, the run goes on without, is told of it once, and tries again when it is time."""
        try:
            self.save(carry, stream, seconds)
        except (OSError, MemoryError) as error:
            if not self._warned:
                why = _reason(error)
                words = f"no checkpoint: cannot write {self.folder} ({why}); the run goes on, its draws in memory"
                warnings.warn(words, CheckpointWarning, stacklevel=2)
            self._warned = True

    def remove(self) -> None:
        """Once the results are safe. Only files of a checkpoint go, and the folder if nothing else is in it."""
        if self.saved:
            self.saved = False
            with contextlib.suppress(OSError):
                self._unlink(*_FILES, "lock")
                self.folder.rmdir()

    # --- a partial result beside it ------------------------------------------------------------------

    def note_result(self, path: Path) -> None:
        """The file is a part of this run's result: going on may replace it."""
        if self.saved:
            with contextlib.suppress(OSError):
                (self.folder / "result").write_text(_digest(path))

    def wrote(self, path: Path) -> bool:
        """Whether the file is what `note_result` was told of."""
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return (self.folder / "result").read_text() == _digest(path)
        return False

    # --- the folder ----------------------------------------------------------------------------------

    def _make_folder(self) -> None:
        self.folder.mkdir(exist_ok=True)
        if self._lock is None:
            self._take()
        if self.exists and not self._known:
            raise FileExistsError(errno.EEXIST, "another run has put its checkpoint there")
        self._unlink(*_FILES)

    def _unlink(self, *names: str) -> None:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                (self.folder / name).unlink()

    def _take(self) -> None:
        """Locks the folder; the lock ends with the process, however that ends.

        Raises:
            BlockingIOError: another process has it; other OSErrors: the folder cannot be written.
        """
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(handle)
        except BlockingIOError:
            os.close(handle)
            raise BlockingIOError(errno.EAGAIN, "another run is writing it") from None
        self._lock = handle

    def _read(self) -> Saved:
        try:
            with open(self.folder / "state.npz", "rb") as opened, np.load(opened, allow_pickle=False) as stored:
                first, *leaves = (stored[f"arr_{i}"] for i in range(len(stored.files)))
                about = json.loads(first.tobytes())
            written, identity = about["format"], dict(about["identity"])
        except Exception:  # whatever the reader of a foreign or damaged file stumbles over
            raise self._unreadable("state.npz is not as a run leaves it") from None
        if written != FORMAT:
            raise self._unreadable(f"it is in format {written}, and this version of ppl reads format {FORMAT}")
        differing = differences(identity, self._identity)
        if differing:
            hints = (*differing, "give what it began with to go on, or begin anew with another output")
            raise _error("E610", f"{self.folder} is the checkpoint of another run", *hints)
        try:
            tables = {name: Table.restore(self.folder / f"{name}.bin", about["tables"][name]) for name in NAMES}
            seconds = {str(name): float(value) for name, value in about["seconds"].items()}
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise self._unreadable(_reason(error)) from None
        return Saved(tuple(leaves), tables, seconds)

    def _unreadable(self, why: str) -> PplError:
        hint = "nothing was deleted; to begin anew, move the folder away or give another output"
        return _error("E611", f"{self.folder} is not a whole checkpoint: {why}", hint)


def _error(code: str, title: str, *hints: str) -> PplError:
    return PplError([Diagnostic(code, title, hints=hints)], exit_code=Exit.USAGE)


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What is not the same, in words."""
    found = []
    for name in dict.fromkeys((*now, *before)):
        was, is_ = before.get(name), now.get(name)
        if was != is_:
            found.append(f"{name}: not the same" if name in (TEXT, DATA) else f"{name} was {was}, and is {is_}")
    return found


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__


def _digest(path: Path) -> str:
    with open(path, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _lock(handle: int) -> None:
    """Where there are no such locks (Windows, some network file systems), two runs at once are the user's care."""
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            return


def _sync_folder(folder: Path) -> None:
    """So that the new name outlives a loss of power; not every system lets a folder be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
