"""Environment settings that make JAX start and run faster; for a command to apply to its own process.

XLA and JAX read them when they are first used, so they must be set before JAX is imported. Nothing here imports JAX,
and nothing here sets anything in the environment.

JAX writes a compiled program straight into its folder, so that a process that is killed, or one that reads meanwhile,
could leave or find half a program. `borrowed_programs` therefore gives each process a folder of its own, which begins
with links to all shared programs, and moves what is new into the shared folder at the end, each in one step.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import platformdirs

# A loop whose operands take fewer bytes than this is compiled into one function by XLA's CPU compiler, instead of
# being dispatched operation by operation: 6-10 times faster for the small loops of samplers.
WHOLE_LOOPS = "xla_cpu_small_while_loop_byte_threshold=1000000000"
BORROWED = "process-"
ABANDONED_SECONDS = 7 * 24 * 3600
MOST_BYTES = 512 * 2**20
EXTRA_OPTIONS = "--xla_backend_extra_options="


def environment(present: Mapping[str, str], cache: Path | None = None) -> dict[str, str]:
    """The variables to set, given those present; what the user has set stays as it is.

    cache: a folder for compiled programs, of this process alone (see `borrowed_programs`).
    """
    wanted = {
        "XLA_FLAGS": _with_whole_loops(present.get("XLA_FLAGS", "")),
        "JAX_COMPILATION_CACHE_DIR": str(cache or default_cache()),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        # XLA's own caches lie in the folder, whose name would then be part of every program's key.
        "JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES": "none",
    }
    return {name: value for name, value in wanted.items() if name == "XLA_FLAGS" or name not in present}


@contextlib.contextmanager
def borrowed_programs(shared: Path) -> Iterator[Path]:
    """A folder of this process with every compiled program of `shared`; new ones are moved there in the end.

    Raises OSError if the folders cannot be made.
    """
    shared.mkdir(parents=True, exist_ok=True)
    for left in shared.glob(f"{BORROWED}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
    own = Path(tempfile.mkdtemp(prefix=BORROWED, dir=shared))
    try:
        known = [program for program in shared.iterdir() if program.is_file()]
        for program in known:
            with contextlib.suppress(OSError):
                os.link(program, own / program.name)
        yield own
        with contextlib.suppress(OSError):
            _give_back(own, shared, {program.name for program in known})
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _give_back(own: Path, shared: Path, known: set[str]) -> None:
    for program in own.iterdir():
        if program.is_file() and program.name not in known:
            program.replace(shared / program.name)
    kept = sorted((p for p in shared.iterdir() if p.is_file()), key=lambda p: p.stat().st_mtime, reverse=True)
    total = 0
    for program in kept:
        total += program.stat().st_size
        if total > MOST_BYTES:
            program.unlink()


def default_cache() -> Path:
    """Where compiled programs are kept."""
    return platformdirs.user_cache_path("ppl") / "programs"


def _with_whole_loops(flags: str) -> str:
    if "small_while_loop_byte_threshold" in flags:
        return flags
    words = flags.split()
    extra = [word for word in words if word.startswith(EXTRA_OPTIONS)]
    if extra:
        return " ".join(f"{word},{WHOLE_LOOPS}" if word is extra[-1] else word for word in words)
    return " ".join([*words, EXTRA_OPTIONS + WHOLE_LOOPS])
