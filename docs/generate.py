"""Writes the pages that are tables of the catalogue: `python docs/generate.py`. Change the tables, not the pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ppl.catalogue import reference
from ppl.catalogue.examples import FUNCTION_EXAMPLES, SETTING
from ppl.catalogue.functions import BUILDERS, CALLED, FUNCTIONS, REDUCTIONS, SHAPES, Interval
from ppl.codes import CODES

FOLDER = Path(__file__).parent / "language"
CASES = Path(__file__).parents[1] / "tests" / "golden" / "codes"

_FUNCTIONS = """\
# Functions

This page is written from the catalogue by `python docs/generate.py`.

Elementwise functions apply to each element; their axes are united by name, and their whole dims must agree. Functions
of whole arrays take dims by position: `(n)` is a vector, `(n, k)` a matrix. Axes named by an index are repetitions.

Arguments outside a function's domain are an error where interval analysis can prove them.
"""

_ERRORS = """\
# Messages

This page is written from the table of codes, and from an example of each in `tests/golden/codes`, by
`python docs/generate.py`.

Every message has a code that never changes its meaning. Errors (`E`) stop the run, all of them reported at once, each
with its place, what is wrong there, and what to write instead. Warnings (`W`) do not.
"""

_KINDS = {
    "E0": "Syntax",
    "E1": "Names, dims, indices and types",
    "E2": "Distributions and supports",
    "E3": "Data",
    "E4": "What no engine can do",
    "E5": "While running",
    "E6": "Files and options",
    "E7": "Circuits",
    "W1": "Warnings",
}


def functions() -> Iterator[str]:
    yield _FUNCTIONS
    yield f"The examples use these values:\n\n```ppl\n{SETTING}```\n"
    spelled = {function: name for name, function in CALLED.items()} | {"maximum": "max", "minimum": "min"}
    operators = [f for f in FUNCTIONS.values() if f.operator]
    elementwise = [f for f in FUNCTIONS.values() if not f.operator and f.shape == "elementwise"]
    arrays = [f for f in FUNCTIONS.values() if not f.operator and f.shape != "elementwise"]
    yield "## Operators\n\n| operator | meaning | example |\n|---|---|---|"
    yield from (f"| `{f.operator}` | {_plain(f.meaning)} | {_value(f.name)} |" for f in operators)
    yield "\n## Elementwise\n\n| function | meaning | domain | values | example |\n|---|---|---|---|---|"
    for f in elementwise:
        domain = _interval(f.domains[0])
        name = spelled.get(f.name, f.name)
        yield f"| `{name}` | {_plain(f.meaning)} | {domain} | {_interval(f.values)} | {_value(f.name)} |"
    yield "\n## Whole arrays\n\n| function | meaning | shape | example |\n|---|---|---|---|"
    for f in arrays:
        name = spelled.get(f.name, f.name)
        yield f"| `{name}` | {_plain(f.meaning)} | {SHAPES[f.shape]} | {_value(f.name)} |"
    yield "\n## Reductions over named indices\n"
    names = ", ".join(f"`{name}`" for name in sorted(REDUCTIONS))
    yield f"{names} also bind indices: `sum(body for k in feature)`, or `sum(body, feature)` with the dim's own name.\n"
    yield "## Functions that name dims\n"
    for name, meaning in BUILDERS.items():
        example = f"; {_value(name)}" if name in FUNCTION_EXAMPLES else ""
        yield f"- `{name}`: {_plain(meaning)}{example}"


def _value(name: str) -> str:
    expression, value = FUNCTION_EXAMPLES[name]
    return _plain(f"`{expression}` is {value:.8g}")


def errors() -> Iterator[str]:
    yield _ERRORS
    for prefix, title in _KINDS.items():
        codes = [code for code in sorted(CODES) if code.startswith(prefix)]
        yield f"## {title}\n\n| code | |\n|---|---|"
        yield from (f"| [`{code}`](#{code.lower()}) | {CODES[code]} |" for code in codes)
        yield ""
        for code in codes:
            yield from _example(read_case(CASES / f"{code}.case"))


def _example(case: Case) -> Iterator[str]:
    yield f"### {case.code}\n\n{CODES[case.code][0].upper()}{CODES[case.code][1:]}. {case.why}".rstrip() + "\n"
    yield from _shown(case.files, case.command if case.asks else "", case.message)
    yield "Mended:\n"
    changed = {name: text for name, text in case.mended.items() if case.files.get(name) != text}
    yield from _shown(changed, case.mended_command if case.mended_command != case.command else "", "")


def _shown(files: Mapping[str, str], command: str, message: str) -> Iterator[str]:
    """Files, a command and what it says, as one block."""
    parts = []
    for name, text in files.items():
        path, times = _repeated(name)
        lines = [line if len(line) <= 160 else f"{line[:70]} ... {line[-20:]}" for line in text.splitlines()]
        title = "" if path == "m.ppl" else f"{path.partition(' ')[0]}:\n"
        parts.append(title + "\n".join(lines) + (f"    ({times:,} times)" if times > 1 else ""))
    parts += [f"$ {command}"] if command else []
    parts += [message.rstrip()] if message else []
    yield "```text\n" + "\n\n".join(parts) + "\n```\n"


# --- examples of messages ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """An example of a message: files, the command that gives it, what it says, and how both are when it is mended.

    why: a sentence or two of Markdown; a file of the name `m.ppl * 100` has its text 100 times, `m.ppl latin-1` is in
    that encoding, and `run.py` is what runs instead of a command. asks: whether the command says more than the files.
    """

    code: str
    why: str
    files: Mapping[str, str]
    command: str
    asks: bool
    mended: Mapping[str, str]
    mended_command: str
    message: str

    def write(self, folder: Path, mended: bool) -> None:
        """The files, as they are or mended, into a folder."""
        for name, text in (self.mended if mended else self.files).items():
            path, times = _repeated(name)
            target, _, encoding = path.partition(" ")
            (folder / target).parent.mkdir(parents=True, exist_ok=True)
            (folder / target).write_text((text + "\n") * times, encoding or "utf-8")


def read_case(path: Path) -> Case:
    """A case as it is stored: `why`, then `=== NAME` and the text of each file, and `=== mend NAME` for those that the
    mend changes; `=== run` and `=== mend run` for the command where it is not `ppl check m.ppl`, with data if there are
    any. The message is in `CODE.txt` beside it."""
    why, *parts = re.split(r"^=== (.*)\n", path.read_text("utf-8"), flags=re.MULTILINE)
    named = {name: text.rstrip("\n") for name, text in zip(parts[::2], parts[1::2], strict=True)}
    command = named.pop("run", "")
    mended_command = named.pop("mend run", "")
    files = {name: text for name, text in named.items() if not name.startswith("mend ")}
    changes = {name.removeprefix("mend "): text for name, text in named.items() if name.startswith("mend ")}
    replaced = {name.split(" ")[0] for name in changes}
    mended = {**{n: t for n, t in files.items() if n.split(" ")[0] not in replaced}, **changes}
    usual = (
        "python run.py" if "run.py" in files else "ppl check m.ppl" + (" --data d.json" if "d.json" in files else "")
    )
    message = path.with_suffix(".txt")
    said = message.read_text("utf-8") if message.exists() else ""
    asks = command not in ("", "ppl check m.ppl") or "d.json" in files
    command = command or usual
    return Case(path.stem, " ".join(why.split()), files, command, asks, mended, mended_command or command, said)


def _repeated(name: str) -> tuple[str, int]:
    path, _, times = name.partition(" * ")
    return path, int(times or 1)


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
