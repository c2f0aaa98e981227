"""Netlists on disk."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ppl.data.files import missing_file
from ppl.errors import Diagnostic, Exit, PplError
from ppl.hardware.analogue.modes import Modes
from ppl.hardware.emitted import Emitted
from ppl.hardware.formats.reading import BY_ENDING, begins_with_numbers, from_text
from ppl.hardware.netlist.netlist import Netlist
from ppl.results.storage import check_not_read, replaced_by

_LOOKED_AT = 65536  # bytes of a file that tell whether it is a model


def is_netlist(path: Path) -> bool:
    """Whether a file is a netlist, or of a format that is read as one, and not a model: by its ending, or, of other
    endings than those, by what it begins with."""
    if path.suffix in (".json", *BY_ENDING):
        return True
    try:
        with path.open("rb") as file:
            return path.suffix != ".ppl" and begins_with_numbers(file.read(_LOOKED_AT).decode("utf-8-sig", "replace"))
    except OSError:
        return False


def read_netlist(path: Path) -> Netlist:
    """A netlist of p-bits and pdits, or a file of another format that is read as one.

    Raises:
        PplError: as `read_units`, or it is a netlist of modes (E734).
    """
    found = read_units(path)
    if isinstance(found, Modes):
        raise PplError([Diagnostic("E734", f"{path} is a netlist of modes, and p-bits are wanted")])
    return found


def read_units(path: Path) -> Netlist | Modes:
    """A netlist of any kind, or a file of another format that is read as one.

    Raises:
        PplError: no such file (E601), one that cannot be read (E602, E603), no netlist (E702 to E704), or nothing else
            that can be read (E708).
    """
    try:
        image = path.read_bytes()
    except FileNotFoundError:
        raise missing_file(path, "netlist") from None
    except OSError as error:
        raise PplError([Diagnostic("E602", f"cannot read {path}: {error.strerror or error}")]) from None
    try:
        return from_text(image.decode("utf-8-sig"), path.name)
    except UnicodeDecodeError:
        raise PplError([Diagnostic("E603", f"{path} is not UTF-8 text")]) from None


def load_netlist(path: str | PathLike[str]) -> Any:
    """A netlist from its file, or from dimod's JSON, a coordinate list, a .qubo file or a max-cut of the Gset: a
    `Netlist` of p-bits and pdits, or `Modes` of a model of continuous quantities.

    Raises:
        PplError: no such file (E601), one that cannot be read (E602, E603, E708), or no netlist (E702 to E704).
    """
    return read_units(Path(path))


def write_emitted(made: Emitted, path: Path, folder: bool, force: bool, inputs: Sequence[Path] = ()) -> None:
    """The file of a target, or its files in a folder; each whole or not at all, and other files there are kept.

    Raises:
        PplError: it exists and `force` is not given (E604), is one of the inputs, or cannot be written (E605).
    """
    places = {path / name if folder else path: image for name, image in made.files.items()}
    for place in places:
        check_not_read(place, inputs)
    if path.exists() and not force:
        hint = "give --force to replace it, or another name with --output"
        raise PplError([Diagnostic("E604", f"{path} exists", hints=(hint,))], exit_code=Exit.USAGE)
    try:
        for place, image in places.items():
            if folder:
                place.parent.mkdir(parents=True, exist_ok=True)
            replaced_by(place, image)
    except OSError as error:
        title = f"cannot write {path}: {error.strerror or error}"
        raise PplError([Diagnostic("E605", title)], exit_code=Exit.USAGE) from None
