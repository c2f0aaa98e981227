"""A mistake in a long model is found without JAX, by work that grows as the text does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ppl.compiler.check import check
from ppl.errors import PplError
from ppl.grammar.parser import parse
from ppl.source import Source

BLOCKED = """
import sys
sys.modules["jax"] = sys.modules["jaxlib"] = sys.modules["numpyro"] = None
from ppl.cli.main import run
sys.exit(run(["check", sys.argv[1]]))
"""


def model(lines: int) -> str:
    """A regression over many groups of covariates; the last line uses a name that nothing defines."""
    text = ["dim obs, county", "data y[obs], x[obs], of[obs] : county", "s ~ HalfNormal(1)"]
    for i in range((lines - 4) // 4):
        text += [
            f"a{i}[county] ~ Normal(0, 1)",
            f"b{i} ~ Normal(0, s)",
            f"m{i}[obs] = a{i}[of[obs]] + b{i} * x[obs] + exp(-x[obs]^2)",
            f"y{i}[obs] ~ Normal(m{i}[obs], s)",
        ]
    return "\n".join([*text, "z ~ Normal(mu, s)"]) + "\n"


def test_found_without_jax(tmp_path: Path) -> None:
    path = tmp_path / "long.ppl"
    path.write_text(model(2000), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, str(path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 65
    assert "2000:12: error[E101]" in done.stderr + done.stdout


def calls(lines: int) -> int:
    """How many functions are called to check a model of that many lines."""
    count = 0

    def seen(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    source = Source("<test>", model(lines))
    sys.setprofile(seen)
    try:
        with pytest.raises(PplError):
            check(parse(source))
    finally:
        sys.setprofile(None)
    return count


def test_work_grows_as_the_text() -> None:
    calls(100)
    short, long = calls(300), calls(900)
    assert long < 3.3 * short
