"""Every code block of the README and of docs/ is run.

ppl                a whole model: parses and checks without an error
ppl syntax         parses
ppl refused E4xx   is refused with that code
ppl file NAME      parses and checks, and is the file of that name for the page's `sh` and `python` blocks; likewise
                   `json file NAME`, `csv file NAME`
python             runs, one page's blocks in one namespace, in a folder that holds `models/`
sh                 each line that begins with `ppl ` runs and exits with 0, or with the code that a comment
                   `# exit 1` at its end says; `make` and `pip` lines are what continuous integration runs itself
text, json, csv    shown, not run
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ppl.compiler.check import check
from ppl.compiler.passes.summable import check_summable
from ppl.errors import PplError
from ppl.grammar.parser import parse
from ppl.source import Source
from tests.shell import Shell

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHOWN = {"text", "json", "csv"}
NOT_RUN_HERE = ("make ", "pip ", "python -m venv")


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    info: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for match in re.finditer(r"^( *)```([^\n`]*)\n(.*?)^\1```\s*$", text, re.MULTILINE | re.DOTALL):
        indent = len(match[1])
        body = "".join(line[indent:] for line in match[3].splitlines(keepends=True))
        yield Block(page, text.count("\n", 0, match.start()) + 1, match[2].strip(), body)


ALL = [b for page in PAGES for b in blocks(page)]


def of(*kinds: str) -> list[Block]:
    return [b for b in ALL if b.info.split(" ")[0] in kinds]


@pytest.mark.parametrize("block", of("ppl"), ids=str)
def test_model_block(block: Block) -> None:
    program_source = Source(str(block), block.text)
    match block.info.split():
        case ["ppl"] | ["ppl", "file", _]:
            check(parse(program_source))
        case ["ppl", "syntax"]:
            parse(program_source)
        case ["ppl", "refused", code]:
            with pytest.raises(PplError) as caught:
                check_summable(check(parse(program_source)).graph)
            assert code in {d.code for d in caught.value.diagnostics}
        case other:
            pytest.fail(f"unknown block {other}")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "models", tmp_path / "models")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_files(page: Path, folder: Path) -> None:
    for block in (b for b in ALL if b.page == page):
        match block.info.split():
            case [_, "file", name]:
                (folder / name).write_text(block.text)


PYTHON_PAGES = [p for p in PAGES if any(b.page == p for b in of("python"))]
SHELL_PAGES = [p for p in PAGES if any(b.page == p for b in of("sh"))]


@pytest.mark.parametrize("page", PYTHON_PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_python_blocks(page: Path, folder: Path) -> None:
    write_files(page, folder)
    namespace: dict[str, object] = {"__name__": "page"}
    for block in (b for b in of("python") if b.page == page):
        exec(compile("\n" * block.line + block.text, str(page), "exec"), namespace)


@pytest.mark.parametrize("page", SHELL_PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_shell_blocks(page: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The README's commands as processes; the other pages' in this one, which has everything imported."""
    write_files(page, folder)
    for block in (b for b in of("sh") if b.page == page):
        for line in block.text.replace("\\\n", " ").splitlines():
            command, _, comment = line.partition("#")
            if not command.strip() or command.startswith(NOT_RUN_HERE):
                continue
            assert command.startswith("ppl "), f"{block}: {line!r} is neither run nor known"
            expected = re.search(r"exit (\d+)", comment)
            code, said = as_process(command) if page.name == "README.md" else in_process(command, capsys)
            assert code == (int(expected[1]) if expected else 0), f"{block}: {command} exited with {code}\n{said}"


def as_process(command: str) -> tuple[int, str]:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, shell=True, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    return done.returncode, done.stdout + done.stderr


def in_process(command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    shell = Shell(capsys)
    return shell(*shlex.split(command)[1:]), shell.out + shell.err


def test_every_block_is_run_or_shown() -> None:
    strange = [str(b) for b in ALL if b.info.split(" ")[0] not in {"ppl", "python", "sh"} | SHOWN]
    assert not strange


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
