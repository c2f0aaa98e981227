"""What there is of what ppl needs, and of the tools that targets run. Nothing that is broken or hangs stops it: all are
asked in processes of their own, at once."""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ppl import __version__
from ppl.errors import PplError
from ppl.hardware.tools.finding import Found, look
from ppl.hardware.tools.known import TOOLS
from ppl.hardware.tools.running import Oversight, run

_OLDEST = (3, 11)
# Seconds that a package may take to be imported, and a tool to tell its version.
_PATIENCE, _PATIENCE_OF_TOOLS = 60.0, 5.0

# As its distribution requires them, besides JAX and ArviZ; all are imported by the names they are installed under.
OTHERS = (
    "diffrax",
    "numpy",
    "scipy",
    "lark",
    "xarray",
    "h5netcdf",
    "h5py",
    "pandas",
    "rich",
    "click",
    "platformdirs",
)

# What each is asked, and says on a line of JSON: its version, and what there is to tell of it.
_QUESTIONS = {
    "jax": "import jax, json; told = [f'{d.platform}:{d.id} ({d.device_kind})' for d in jax.devices()]; "
    "print(json.dumps([jax.__version__, ', '.join(told)]))",
    "arviz": "import arviz, json; print(json.dumps([arviz.__version__, 'results']))",
    "others": f"import {', '.join(OTHERS)}, json; from importlib.metadata import version; "
    f"print(json.dumps([None, ', '.join(f'{{name}} {{version(name)}}' for name in {OTHERS})]))",
}


@dataclass(frozen=True)
class Part:
    """version: None where there is none, or it is not told; place: its file, of a tool; problem: why it cannot be used,
    if it is there and cannot; there: whether it is."""

    name: str
    about: str
    version: str | None
    place: str | None
    problem: str | None
    there: bool = True

    @property
    def state(self) -> str:
        if not self.there:
            return "missing"
        return "broken" if self.problem is not None else self.version or "there"


@dataclass(frozen=True)
class Health:
    """Of an installation. tools: those that targets run, which nothing else needs."""

    needed: tuple[Part, ...]
    tools: tuple[Part, ...]

    @property
    def works(self) -> bool:
        return all(part.problem is None for part in self.needed)

    @property
    def missing(self) -> tuple[str, ...]:
        """Tools that are."""
        return tuple(part.name for part in self.tools if not part.there)

    def data(self) -> dict[str, Any]:
        return {"works": self.works, "missing": self.missing, **asdict(self)}


def examine() -> Health:
    over = threading.Event()
    slow, quick = (Oversight(limit, stop=over.is_set) for limit in (_PATIENCE, _PATIENCE_OF_TOOLS))
    with ThreadPoolExecutor() as threads:
        try:
            packages = [threads.submit(_package, name, question, slow) for name, question in _QUESTIONS.items()]
            tools = [threads.submit(look, tool, quick) for tool in TOOLS.values()]
            needed = (_python(), Part("ppl", "", __version__, None, None), *(one.result() for one in packages))
            return Health(needed, tuple(_tool(one.result()) for one in tools))
        finally:
            over.set()


def _python() -> Part:
    oldest = ".".join(map(str, _OLDEST))
    problem = None if sys.version_info >= _OLDEST else f"it is too old, {oldest} is needed"
    return Part("python", "", platform.python_version(), sys.executable, problem)


def _package(name: str, question: str, oversight: Oversight) -> Part:
    try:
        with tempfile.TemporaryDirectory() as folder:
            said = run((sys.executable, "-c", question), Path(folder), oversight)
        version, about = json.loads(next(line for line in reversed(said.splitlines()) if line.startswith("[")))
    except PplError as error:
        # Of a traceback the end alone.
        return Part(name, "", None, None, f"cannot be imported: {str(error).splitlines()[-1].strip()}")
    except (ValueError, StopIteration):
        return Part(name, "", None, None, "cannot be asked for its version")
    return Part(name, about, version, None, None)


def _tool(found: Found) -> Part:
    tool = found.tool
    return Part(tool.name, tool.about, found.version, found.place, found.problem, found.place is not None)
