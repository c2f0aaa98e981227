"""The draws of a run as rows: in memory until they are appended to a file, so that memory holds what is not yet there.

A file holds nothing but rows of one layout, in the order in which they came. It says neither what they are nor how
many of them count: that is for the checkpoint to say (`Table.state`), so that rows half written do not count.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ppl.errors import Diagnostic, Exit, PplError

if TYPE_CHECKING:  # it imports JAX, and looking whether there is a checkpoint does not need it
    from ppl.inference.contract import Chunk

Array = npt.NDArray[Any]

NAMES = ("draws", "warmup", "divergences")
_BLOCK = 1 << 24  # bytes read at a time


class Table:
    """Rows of named columns, each with a type and a shape of its own, always the same."""

    def __init__(self) -> None:
        self._layout: np.dtype[Any] | None = None
        self._recent: list[Array] = []  # rows that are in no file
        self._file: Path | None = None
        self._filed = 0
        self._checksum = 0

    def __len__(self) -> int:
        return self._filed + sum(len(rows) for rows in self._recent)

    def append(self, columns: Mapping[str, Array]) -> None:
        """columns: (rows, ...) each.

        Raises:
            ValueError: they are not of the layout of the rows before.
        """
        layout = np.dtype([(name, values.dtype, values.shape[1:]) for name, values in columns.items()], align=True)
        if self._layout is None:
            self._layout = layout
        elif layout != self._layout:
            raise ValueError(f"rows of {layout} after rows of {self._layout}")
        rows = np.zeros(len(next(iter(columns.values()))), layout)
        for name, values in columns.items():
            rows[name] = values
        self._recent.append(rows)

    def columns(self) -> dict[str, Array]:
        """All rows, (rows, ...) each.

        Raises:
            PplError: the file is gone, or cannot be read (E611).
        """
        if self._layout is None:
            return {}
        layout = self._layout
        found = {name: np.empty((len(self), *layout[name].shape), layout[name].base) for name in layout.names or ()}
        at = 0
        try:
            for rows in itertools.chain(self._filed_rows(), self._recent):
                for name, values in found.items():
                    values[at : at + len(rows)] = rows[name]
                at += len(rows)
        except OSError as error:
            title = f"draws that were in {self._file} cannot be read any more: {error.strerror}"
            hint = "a checkpoint must stay where it is until its run has ended"
            raise PplError([Diagnostic("E611", title, hints=(hint,))], exit_code=Exit.NO_FILE) from None
        return found

    # --- the file ------------------------------------------------------------------------------------

    def file(self, path: Path) -> None:
        """Appends what is only in memory to the file.

        Raises:
            OSError: it could not be written; the rows stay in memory, and what the file has beyond the others does not
                count.
        """
        if not self._recent or self._layout is None:
            return
        end, checksum = self._filed * self._layout.itemsize, self._checksum
        try:
            with open(path, "r+b" if self._filed else "wb") as opened:
                opened.seek(end)
                opened.truncate()
                for rows in self._recent:
                    image = rows.view(np.uint8).data
                    opened.write(image)
                    checksum = zlib.crc32(image, checksum)
                opened.flush()
                os.fsync(opened.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                os.truncate(path, end)  # where a disk is full, its space is for the results
            raise
        self._file, self._filed, self._checksum, self._recent = path, len(self), checksum, []

    def state(self) -> dict[str, Any]:
        """What `restore` must know to find the rows of the file again, as JSON has it."""
        if self._layout is None or not self._filed:
            return {}
        layout = [(name, self._layout[name].base.str, self._layout[name].shape) for name in self._layout.names or ()]
        return {"layout": layout, "rows": self._filed, "checksum": self._checksum}

    @staticmethod
    def restore(path: Path, state: Mapping[str, Any]) -> Table:
        """The table whose rows the file holds.

        Raises:
            OSError: the file cannot be read, or is shorter than it was.
            ValueError: other rows are in it.
        """
        table = Table()
        if not state:
            return table
        table._layout = np.dtype([(name, kind, tuple(shape)) for name, kind, shape in state["layout"]], align=True)
        table._file, table._filed = path, int(state["rows"])
        for rows in table._filed_rows():
            table._checksum = zlib.crc32(rows.view(np.uint8).data, table._checksum)
        if table._checksum != state["checksum"]:
            raise ValueError(f"{path.name} was changed")
        return table

    def _filed_rows(self) -> Iterator[Array]:
        if self._file is None or self._layout is None:
            return
        most = max(1, _BLOCK // self._layout.itemsize)
        with open(self._file, "rb") as opened:
            for start in range(0, self._filed, most):
                count = min(most, self._filed - start)
                image = opened.read(count * self._layout.itemsize)
                if len(image) < count * self._layout.itemsize:
                    raise OSError(errno.EIO, f"{self._file.name} has fewer rows than it should")
                yield np.frombuffer(image, self._layout, count)


class Stream:
    """Everything that chunks bring: draws, those of warmup if they are wanted, and records of divergences."""

    def __init__(self, save_warmup: bool, tables: Mapping[str, Table] | None = None) -> None:
        self._save_warmup = save_warmup
        self.tables = {name: Table() for name in NAMES} if tables is None else dict(tables)

    @property
    def draws(self) -> int:
        """Draws of each chain after warmup."""
        return len(self.tables["draws"])

    @property
    def divergent(self) -> int:
        """Divergent transitions of all chains after warmup."""
        return len(self.tables["divergences"])

    def append(self, chunk: Chunk) -> None:
        if not chunk.draws or (chunk.warmup and not self._save_warmup):
            return
        of_draws = {"positions": chunk.positions, **{f"stats.{name}": v for name, v in chunk.stats.items()}}
        if chunk.discrete is not None:
            of_draws["discrete"] = chunk.discrete
        record, before = chunk.divergences, self.draws
        table = self.tables["warmup" if chunk.warmup else "draws"]
        table.append({name: np.moveaxis(np.asarray(values), 1, 0) for name, values in of_draws.items()})
        if record is not None and len(record.chain) and not chunk.warmup:
            self.tables["divergences"].append(
                {
                    "chain": np.asarray(record.chain),
                    "draw": np.asarray(record.draw) + before,
                    "position": np.asarray(record.position, np.float64),
                    "energy_error": np.asarray(record.energy_error),
                }
            )

    def of_draws(self, warmup: bool = False) -> tuple[dict[str, Array], dict[str, Array]]:
        """Positions (and states of discrete latents), and statistics by their names: (chains, draws, ...) each."""
        columns = self.tables["warmup" if warmup else "draws"].columns()
        found = {name: np.ascontiguousarray(np.moveaxis(values, 0, 1)) for name, values in columns.items()}
        stats = {name.removeprefix("stats."): v for name, v in found.items() if name.startswith("stats.")}
        return {name: v for name, v in found.items() if not name.startswith("stats.")}, stats

    def divergences(self) -> dict[str, Array]:
        """One row for each, draws counted from the first after warmup; by draws, then by chains: within a chunk they
        come chain by chain, and no result may depend on where chunks ended."""
        columns = self.tables["divergences"].columns()
        order = np.lexsort((columns["chain"], columns["draw"])) if columns else ()
        return {name: values[order] for name, values in columns.items()}
