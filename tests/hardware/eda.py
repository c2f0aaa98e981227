"""The tools that tests of hardware run: `need("verilator")` at the beginning of a test.

What is missing is installed from Debian's packages, once a run, where that can be done; else the test is skipped, which
the end of the run tells, or fails where PPL_TOOLS is `required`. `python -m tests.hardware.eda` installs all.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from ppl.hardware.tools.known import TOOLS, packages

SKIPPED = "tools are missing: "
LIMIT = 300.0


def need(*names: str) -> None:
    """Makes sure that tools are there.

    Raises:
        pytest.skip.Exception: they are not, and cannot be installed; a failure where PPL_TOOLS is `required`.
    """
    if not missing(names):
        return
    shared = Path(os.environ["XDG_CACHE_HOME"])  # of the whole run, see tests/conftest.py
    with (shared / "tools.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tried = shared / "tools.tried"
        if missing(names) and not tried.exists():
            tried.write_text(installed(missing(TOOLS)))
        why = tried.read_text() if tried.exists() else ""
    if left := missing(names):
        said = f"{SKIPPED}{', '.join(left)} ({why})"
        if os.environ.get("PPL_TOOLS") == "required":
            pytest.fail(said, pytrace=False)
        pytest.skip(said)


def missing(names: Iterable[str]) -> list[str]:
    return [name for name in names if shutil.which(name) is None]


def installed(names: Iterable[str]) -> str:
    """Installs the packages of tools; what came of it, in words."""
    wanted = packages(names)
    if shutil.which("apt-get") is None:
        return "there is no apt-get to install them with"
    before = () if os.geteuid() == 0 else ("sudo", "-n")
    if before and (shutil.which("sudo") is None or not _done("sudo", "-n", "true")):
        return "only root can install them"
    apt = (*before, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120")
    install = (*apt, "install", "--no-install-recommends", *wanted)
    # A fresh machine has no lists of packages.
    if _done(*install) or (_done(*apt, "update") and _done(*install)):
        return f"{' '.join(wanted)} were installed"
    return f"apt-get cannot install {' '.join(wanted)}"


def _done(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=LIMIT, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


if __name__ == "__main__":
    absent = missing(TOOLS)
    print(installed(absent) if absent else "all tools are there")
    sys.exit(bool(missing(TOOLS)))
