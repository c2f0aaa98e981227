"""Which tools there are."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ppl.errors import Diagnostic, Exit, PplError
from ppl.hardware.tools.known import TOOLS, Tool, how_to_install
from ppl.hardware.tools.running import Oversight, run

_VERSION = re.compile(r"(?:[Vv]ersion |ngspice-|Verilator |Yosys )(\d[\w.+-]*)")


@dataclass(frozen=True)
class Found:
    """A tool as it is here. place: its file, None where there is none; problem: why it cannot be used, if it cannot."""

    tool: Tool
    place: str | None
    version: str | None = None
    problem: str | None = None


def find(name: str, path: str | None = None) -> str | None:
    """The file of a tool, or of Python's build of it. path: folders to look in, else those of the environment."""
    names = (name, f"yowasp-{name}") if TOOLS[name].wheel is not None else (name,)
    return next((place for one in names if (place := shutil.which(one, path=path)) is not None), None)


def need(names: Iterable[str], hints: Iterable[str] = (), path: str | None = None) -> dict[str, str]:
    """The files of tools, by name. hints: what else to tell where one is missing.

    Raises:
        PplError: some are missing (E706).
    """
    found = {name: find(name, path) for name in names}
    absent = [name for name, place in found.items() if place is None]
    if absent:
        tools = "; ".join(f"{name} ({TOOLS[name].about})" for name in absent)
        title = f"{'a tool is' if len(absent) == 1 else 'tools are'} missing: {tools}"
        raise PplError([Diagnostic("E706", title, hints=(*how_to_install(absent), *hints))], exit_code=Exit.NO_FILE)
    return {name: place for name, place in found.items() if place is not None}


def look(tool: Tool, oversight: Oversight) -> Found:
    """A tool, and what it says of itself."""
    place = find(tool.name)
    if place is None or not tool.ask:
        return Found(tool, place)
    try:
        with tempfile.TemporaryDirectory() as folder:
            said = run((place, *tool.ask), Path(folder), oversight)
    except PplError as error:
        return Found(tool, place, problem=error.diagnostics[0].title)
    version = _VERSION.search(said)
    return Found(tool, place, None if version is None else version[1])
