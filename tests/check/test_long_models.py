"""An error in a model of 2,000 lines is found at once, without JAX."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PART = """
# group @
data y@[obs]
a@ ~ Normal(0, 1)
b@ ~ Normal(0, 1)
s@ ~ HalfNormal(1)
m@[obs] = a@ + b@ * x[obs]
e@[obs] = exp(m@[obs]) / (1 + s@)
y@[obs] ~ Normal(m@[obs] + e@[obs], s@)
"""
PROGRAM = """
import sys
from ppl.cli.main import run
code = run(["check", sys.argv[1]])
print(code, [m for m in ("jax", "numpy", "pandas") if m in sys.modules])
"""


def test_an_error_in_two_thousand_lines(tmp_path: Path) -> None:
    text = "dim obs\ndata x[obs]" + "".join(PART.replace("@", str(n)) for n in range(222)) + "z ~ Normal(0, s_7)\n"
    assert len(text.splitlines()) == 2000
    path = tmp_path / "long.ppl"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    code, loaded = done.stdout.split(" ", 1)
    assert code == "65"
    assert "long.ppl:2000:" in done.stderr
    assert done.stderr.count("error[") == 1
    assert loaded.strip() == "[]"
