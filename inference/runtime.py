"""Environment settings that make JAX start and run faster; for a command to apply to its own process.

XLA and JAX read them when they are first used, so they must be set before JAX is imported. Nothing here imports JAX,
and nothing here sets anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import platformdirs

# A loop whose operands take fewer bytes than this is compiled into one function by XLA's CPU compiler, instead of
# being dispatched operation by operation: 6-10 times faster for the small loops of samplers.
WHOLE_LOOPS = "xla_cpu_small_while_loop_byte_threshold=1000000000"
EXTRA_OPTIONS = "--xla_backend_extra_options="


def environment(present: Mapping[str, str], cache: Path | None = None) -> dict[str, str]:
    """The variables to set, given those present; what the user has set stays as it is.

    cache: a folder for compiled programs, by default that of the platform. Several processes may share it.
    """
    wanted = {
        "XLA_FLAGS": _with_whole_loops(present.get("XLA_FLAGS", "")),
        "JAX_COMPILATION_CACHE_DIR": str(cache or default_cache()),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    return {name: value for name, value in wanted.items() if name == "XLA_FLAGS" or name not in present}


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
