"""Strict settings for every test: warnings are errors (pyproject.toml), no implicit dtype or rank promotion, two host
devices. Set through the environment, before JAX is imported, so that subprocesses inherit them.

Compiling is most of what the tests take. A run keeps its programs in a folder of its own, so that it neither reads nor
writes the user's: commands that run as processes share them as they always do, and each worker keeps what it compiled
for the next test of the same model. LLVM optimises little where nothing depends on it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hardware.eda import SKIPPED

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_NUMPY_DTYPE_PROMOTION"] = "strict"
os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)

# Workers inherit the folder from the process that started them, which removes it.
WORKER = os.environ.get("PYTEST_XDIST_WORKER")
KEPT = None if WORKER else tempfile.TemporaryDirectory(prefix="ppl-tests-")
if KEPT is not None:
    os.environ["XDG_CACHE_HOME"] = KEPT.name

# What samples as users do: the engines, the pages of the documentation, and whatever is long.
OPTIMISED = ("inference", "engines", "docs", "posteriors")


def pytest_configure() -> None:
    import jax

    # Not through the environment: JAX writes no file in one step, and a process may be killed meanwhile.
    jax.config.update("jax_compilation_cache_dir", str(Path(os.environ["XDG_CACHE_HOME"]) / (WORKER or "one")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def pytest_unconfigure() -> None:
    if KEPT is not None:
        KEPT.cleanup()


@pytest.fixture(autouse=True)
def _little_optimisation(request: pytest.FixtureRequest) -> Iterator[None]:
    """XLA rewrites a program as it always does (its known mistakes are of that kind); LLVM takes a third less time."""
    import jax

    folder = request.path.relative_to(Path(__file__).parent).parts[0]
    little = folder not in OPTIMISED and request.node.get_closest_marker("long") is None
    jax.config.update("jax_disable_most_optimizations", little)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tests that went without are told of, whatever else is."""
    reasons = [str(r.longrepr[2]) for r in terminalreporter.stats.get("skipped", []) if isinstance(r.longrepr, tuple)]
    without = [reason for reason in reasons if SKIPPED in reason]
    if without:
        terminalreporter.section(f"{len(without)} tests did not run", yellow=True)
        terminalreporter.write_line("\n".join(sorted({reason.removeprefix("Skipped: ") for reason in without})))
