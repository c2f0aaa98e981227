"""Libraries that `use` brings: functions in the language itself, whose texts come with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from ppl import catalogue
from ppl.grammar import nodes as syntax
from ppl.grammar.parser import parse
from ppl.source import Source, Span

_FOLDER = Path(catalogue.__file__).parent


@dataclass(frozen=True)
class LibraryFunction:
    """takes: what is said of its arguments in the text, above the function."""

    library: str
    definition: syntax.FunctionDefinition
    takes: str

    def at(self, call: Span) -> syntax.FunctionDefinition:
        """The function as if it stood where it is called: readers know nothing of the library's text."""
        moved: syntax.FunctionDefinition = _moved(self.definition, call)
        return moved


def libraries() -> list[str]:
    """Their names."""
    return sorted(path.stem for path in _FOLDER.glob("*.ppl"))


@cache
def library(name: str) -> Mapping[str, LibraryFunction]:
    """The functions of one, by name."""
    source = Source(name, (_FOLDER / f"{name}.ppl").read_text(encoding="utf-8"))
    program = parse(source)
    said = {source.position(c.span.start)[0]: c.text.removeprefix("#").strip() for c in program.comments}
    found = {}
    for statement in program.statements:
        if isinstance(statement, syntax.FunctionDefinition):
            line, takes = source.position(statement.span.start)[0] - 1, ""
            while line in said:
                line, takes = line - 1, f"{said[line]} {takes}"
            found[statement.name.id] = LibraryFunction(name, statement, takes.strip())
    return found


def library_of(function: str) -> str | None:
    """The library that has a function of this name."""
    return next((name for name in libraries() if function in library(name)), None)


def _moved(part: Any, place: Span) -> Any:
    """A tree with every span in it changed."""
    if isinstance(part, Span):
        return place
    if isinstance(part, tuple):
        return tuple(_moved(one, place) for one in part)
    if is_dataclass(part) and not isinstance(part, type):
        return replace(part, **{f.name: _moved(getattr(part, f.name), place) for f in fields(part)})
    return part
