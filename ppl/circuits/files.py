"""Netlists on disk."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ppl.data.files import missing_file
from ppl.errors import Diagnostic, Exit, PplError
from ppl.hardware.emitted import Emitted
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.netlist.reading import from_text
from ppl.results.storage import replaced_by


def read_netlist(path: Path) -> Netlist:
    """Raises PplError: no such file (E601), one that cannot be read (E602, E603), or no netlist (E702 to E704)."""
    try:
        image = path.read_bytes()
    except FileNotFoundError:
        raise missing_file(path, "netlist") from None
    except OSError as error:
        raise PplError([Diagnostic("E602", f"cannot read {path}: {error.strerror or error}")]) from None
    try:
        return from_text(image.decode("utf-8"), path.name)
    except UnicodeDecodeError:
        raise PplError([Diagnostic("E603", f"{path} is not UTF-8 text")]) from None


def load_netlist(path: str | PathLike[str]) -> Netlist:
    """A netlist from its file. Raises PplError, as `read_netlist`."""
    return read_netlist(Path(path))


def write_emitted(made: Emitted, path: Path, folder: bool, force: bool) -> None:
    """The file of a target, or its files in a folder; each whole or not at all, and other files there are kept.

    Raises:
        PplError: it exists and `force` is not given (E604), or cannot be written (E605).
    """
    if path.exists() and not force:
        hint = "give --force to replace it, or another name with --output"
        raise PplError([Diagnostic("E604", f"{path} exists", hints=(hint,))], exit_code=Exit.USAGE)
    try:
        for name, image in made.files.items():
            place = path / name if folder else path
            if folder:
                place.parent.mkdir(parents=True, exist_ok=True)
            replaced_by(place, image)
    except OSError as error:
        title = f"cannot write {path}: {error.strerror or error}"
        raise PplError([Diagnostic("E605", title)], exit_code=Exit.USAGE) from None
