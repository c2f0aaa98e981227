"""Writes the pages that are tables of the catalogue: `python docs/generate.py`. Change the tables, not the pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ppl.catalogue import reference
from ppl.catalogue.functions import BUILDERS, CALLED, FUNCTIONS, REDUCTIONS, SHAPES, Interval
from ppl.codes import CODES

FOLDER = Path(__file__).parent / "language"

_FUNCTIONS = """\
# Functions

This page is written from the catalogue by `python docs/generate.py`.

Elementwise functions apply to each element; their axes are united by name, and their whole dims must agree. Functions
of whole arrays take dims by position: `(n)` is a vector, `(n, k)` a matrix. Axes named by an index are repetitions.

Arguments outside a function's domain are an error where interval analysis can prove them.
"""

_ERRORS = """\
# Messages

This page is written from the table of codes by `python docs/generate.py`.

Every message has a code that never changes its meaning. Errors (`E`) stop the run, all of them reported at once, each
with its place, what is wrong there, and what to write instead. Warnings (`W`) do not.
"""

_KINDS = {
    "E0": "Syntax",
    "E1": "Names, dims, indices and types",
    "E2": "Distributions and supports",
    "E3": "Data",
    "E4": "Not supported in this version",
    "E5": "While running",
    "E6": "Files and options",
    "W1": "Warnings",
}


def functions() -> Iterator[str]:
    yield _FUNCTIONS
    spelled = {function: name for name, function in CALLED.items()} | {"maximum": "max", "minimum": "min"}
    operators = [f for f in FUNCTIONS.values() if f.operator]
    elementwise = [f for f in FUNCTIONS.values() if not f.operator and f.shape == "elementwise"]
    arrays = [f for f in FUNCTIONS.values() if not f.operator and f.shape != "elementwise"]
    yield "## Operators\n\n| operator | meaning |\n|---|---|"
    yield from (f"| `{f.operator.replace('|', chr(92) + '|')}` | {_plain(f.meaning)} |" for f in operators)
    yield "\n## Elementwise\n\n| function | meaning | domain | values |\n|---|---|---|---|"
    for f in elementwise:
        domain = _interval(f.domains[0])
        yield f"| `{spelled.get(f.name, f.name)}` | {_plain(f.meaning)} | {domain} | {_interval(f.values)} |"
    yield "\n## Whole arrays\n\n| function | meaning | shape |\n|---|---|---|"
    for f in arrays:
        yield f"| `{spelled.get(f.name, f.name)}` | {_plain(f.meaning)} | {SHAPES[f.shape]} |"
    yield "\n## Reductions over named indices\n"
    names = ", ".join(f"`{name}`" for name in sorted(REDUCTIONS))
    yield f"{names} also bind indices: `sum(body for k in feature)`, or `sum(body, feature)` with the dim's own name.\n"
    yield "## Functions that name dims\n"
    yield from (f"- `{name}`: {_plain(meaning)}" for name, meaning in BUILDERS.items())


def errors() -> Iterator[str]:
    yield _ERRORS
    for prefix, title in _KINDS.items():
        yield f"## {title}\n\n| code | |\n|---|---|"
        yield from (f"| `{code}` | {meaning} |" for code, meaning in sorted(CODES.items()) if code.startswith(prefix))
        yield ""


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


def _interval(interval: Interval) -> str:
    if interval == Interval():
        return ""
    left = "(" if interval.lower_strict or interval.lower == -float("inf") else "["
    right = ")" if interval.upper_strict or interval.upper == float("inf") else "]"
    return f"{left}{interval.lower:g}, {interval.upper:g}{right}"


PAGES: dict[str, Callable[[], str]] = {
    "distributions.md": reference.page,
    "functions.md": lambda: "\n".join(functions()).rstrip("\n") + "\n",
    "errors.md": lambda: "\n".join(errors()).rstrip("\n") + "\n",
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")
