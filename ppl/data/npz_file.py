"""NumPy's NPZ archives: one array for each entry."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from ppl.data.files import broken, missing_file
from ppl.dataset import RawArray


def read_npz(path: Path) -> dict[str, RawArray]:
    """Pickled objects are never loaded: they could run code."""
    if not path.exists():
        raise missing_file(path)
    try:
        if not zipfile.is_zipfile(path):
            raise broken(path, "not an NPZ archive", "save arrays with numpy.savez(path, y=y, sigma=sigma)")
        with np.load(path, allow_pickle=False) as archive:
            entries: dict[str, RawArray] = {}
            for name in archive.files:
                try:
                    values = archive[name]
                except ValueError:
                    entries[name] = RawArray(
                        np.empty(0), path.name, problem="it holds Python objects, which are never loaded"
                    )
                else:
                    entries[name] = RawArray(values, path.name, (None,) * values.ndim)
            return entries
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise broken(path, f"not readable as NPZ: {error}") from None
