"""NumPy's NPZ archives: one array for each entry."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from ppl.data.files import broken, missing_file
from ppl.data.nested import from_array
from ppl.dataset import RawArray


def read_npz(path: Path) -> dict[str, RawArray]:
    """An entry for each array. Pickled objects are never loaded: they could run code.

    Raises:
        PplError: the file cannot be read, or is no archive of arrays (E313); a member that is none has a `problem`.
    """
    if not os.path.exists(path):
        raise missing_file(path)
    try:
        with path.open("rb") as opened:
            if zipfile.is_zipfile(opened):
                opened.seek(0)
                with np.load(opened, allow_pickle=False) as archive:
                    return {name: _member(archive, name, path.name) for name in archive.files}
    except Exception as error:  # damaged bytes fail in as many ways as there are decoders
        raise broken(path, f"not readable as NPZ: {error}") from None
    raise broken(path, "not an NPZ archive", "save arrays with numpy.savez(path, y=y, sigma=sigma)")


def _member(archive: np.lib.npyio.NpzFile, name: str, origin: str) -> RawArray:
    try:
        values = archive[name]
    except Exception as error:  # as above, of one member: the others may be whole
        objects = isinstance(error, ValueError) and "allow_pickle" in str(error)
        why = "it holds Python objects, which are never loaded" if objects else f"it is damaged: {error}"
        return RawArray(np.empty(0), origin, problem=why)
    if not isinstance(values, np.ndarray):
        return RawArray(np.empty(0), origin, problem="it is a file of another kind inside the archive")
    return from_array(values, origin)
