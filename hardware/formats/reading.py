"""Files of other programs, told apart by their endings and by what they begin with."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePath

from ppl.errors import Diagnostic, PplError
from ppl.hardware.analogue import reading as analogue
from ppl.hardware.analogue.modes import Modes
from ppl.hardware.formats import bqm, coordinates, gset, qubo
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.netlist.problem import Wrong
from ppl.hardware.netlist.reading import contents, from_data

Read = Callable[[str, str], Netlist]

BY_ENDING: dict[str, Read] = {".qubo": qubo.read, ".coo": coordinates.read, ".gset": gset.read}

# After comments of any of them, what the first line that says something begins with.
_COMMENTS = r"(?>(?:[ \t]*(?:#.*|c\b.*)?\r?\n)*)[ \t]*"
_BEGINNINGS: dict[str, Read] = {
    r"p[ \t]+qubo\b": qubo.read,
    r"\S+[ \t]+\S+[ \t]*(?:\r?\n|$)": gset.read,
    r"\S+[ \t]+\S+[ \t]+\S+[ \t]*(?:\r?\n|$)": coordinates.read,
}
_NUMBERS = re.compile(_COMMENTS + r"(?:p[ \t]+qubo\b|\d)")


def begins_with_numbers(text: str) -> bool:
    """Whether it may be of one of these formats: no model begins with a number."""
    return _NUMBERS.match(text) is not None


def from_text(text: str, name: str) -> Netlist | Modes:
    """name: of the file. Modes come from netlists alone.

    Raises:
        PplError: it is a netlist that is not valid (E702 to E704), or cannot be read as any other format (E708).
    """
    ending = PurePath(name).suffix
    try:
        if ending == ".json" or text.lstrip()[:1] == "{":
            if bqm.is_one(text):
                return bqm.read(text, PurePath(name).stem)
            data = contents(text, name)
            return analogue.from_data(data, name) if analogue.is_of_modes(data) else from_data(data, name)
        return _format(text, ending)(text, PurePath(name).stem)
    except Wrong as wrong:
        raise PplError([Diagnostic("E708", f"{name}: {wrong}")]) from None


def _format(text: str, ending: str) -> Read:
    if not text.strip():
        raise Wrong("it is empty")
    if ending in BY_ENDING:
        return BY_ENDING[ending]
    for beginning, read in _BEGINNINGS.items():
        if re.match(_COMMENTS + beginning, text):
            return read
    raise Wrong("it begins neither as JSON, nor with `p qubo`, the `n m` of a max-cut, or a line `i j J`")
