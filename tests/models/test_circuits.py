"""Every model of `models/circuits/`: its answer is that of its law by hand, and what its header runs draws from it."""

from __future__ import annotations

import json
import math
import re
import shlex
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import ppl
from ppl.grammar.formatter import format_program
from ppl.grammar.parser import parse
from ppl.source import Source
from tests.models.circuits import BY_HAND, Data, expectations, number
from tests.models.test_answers import ONE, rounding
from tests.shell import Shell

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "models" / "circuits"
# By hand it takes seconds.
NAMES = [pytest.param(name, marks=pytest.mark.long if name == "factors" else ()) for name in BY_HAND]


@dataclass(frozen=True)
class Block:
    """Lines of a header that run the model, and the answer to them all: means and standard deviations, as written."""

    lines: list[list[str]]
    answer: dict[str, tuple[str, str]]

    @property
    def data(self) -> Data:
        sample = self.lines[0]
        if "--data" not in sample:
            return {}
        raw = json.loads((ROOT / sample[sample.index("--data") + 1]).read_text())
        return {name: np.asarray(value) for name, value in raw.items()}

    @property
    def given(self) -> dict[str, int]:
        pairs = [word.split("=") for before, word in pairwise(self.lines[0]) if before == "--set"]
        return {name: int(value) for name, value in pairs}


def blocks(name: str) -> list[Block]:
    head = [line for line in (FOLDER / f"{name}.ppl").read_text().splitlines() if line.startswith("#")]
    found = []
    for text in "\n".join(head).split("# Answer, means (sds):")[1:]:
        before, _, _ = "\n".join(head).partition(text)
        lines = re.findall(r"^#   ppl (sample .*|compile .*|simulate .*)$", before, re.MULTILINE)[-3:]
        answer = text.replace("\n# ", " ").partition("#")[0]
        found.append(Block([shlex.split(line) for line in lines], {q: (m, s) for q, m, s in ONE.findall(answer)}))
    return found


def test_every_model_has_a_law() -> None:
    assert {path.stem for path in FOLDER.glob("*.ppl")} == set(BY_HAND)


@pytest.mark.parametrize("name", BY_HAND)
def test_models_are_in_standard_layout(name: str) -> None:
    text = (FOLDER / f"{name}.ppl").read_text()
    assert format_program(parse(Source(name, text))) == text
    ppl.compile(text)


@pytest.mark.parametrize("name", NAMES)
def test_answer_is_that_of_the_law(name: str) -> None:
    found = blocks(name)
    assert found
    for block in found:
        exact = expectations(name, block.data, block.given)
        assert len(block.answer) > 0
        for quantity, written in block.answer.items():
            for shown, value in zip(written, exact[quantity], strict=True):
                assert abs(float(shown) - value) <= rounding(shown) * 1.0001, quantity


@pytest.mark.long
@pytest.mark.parametrize("name", BY_HAND)
def test_draws(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """By an engine, and by simulated units."""
    import arviz

    (tmp_path / "models").symlink_to(ROOT / "models")
    monkeypatch.chdir(tmp_path)
    shell = Shell(capsys, quiet=("sample", "simulate"))
    for block in blocks(name):
        exact = expectations(name, block.data, block.given)
        for line in block.lines:
            assert shell(*line, *(("-o", "fit.nc") if line[0] != "compile" else ()), "--force") == 0, shell.err
            if line[0] == "compile":
                continue
            posterior = arviz.from_netcdf("fit.nc").posterior
            values = {quantity: np.asarray(posterior[quantity]) for quantity in posterior}
            shape = next(iter(values.values())).shape[:2]
            values |= {quantity: np.full(shape, value) for quantity, value in block.given.items()}
            for quantity, one in BY_HAND[name][1](values, block.data).items():
                mean, sd = exact[quantity]
                draws = np.broadcast_to(one, shape).astype(float)
                varies = draws.std() > 0
                size = float(arviz.ess(arviz.convert_to_dataset({"x": draws}))["x"]) if varies else draws.size
                assert abs(draws.mean() - mean) < 4.5 * sd / math.sqrt(size) + 1e-12, (line[0], quantity)


# --- factors, by cooling -----------------------------------------------------------------------------

# Sweeps of a search; searches here, and those that the share in the header was measured from.
SEARCHES = {35: (1000, 512, 2048), 143: (10_000, 512, 1024), 57_599: (10_000, 256, 1024)}


@pytest.mark.long
@pytest.mark.parametrize("target", SEARCHES)
def test_searches_find_factors(target: int) -> None:
    """As often as the header says, and wherever no gate is broken."""
    sweeps, count, measured = SEARCHES[target]
    head = (FOLDER / "factors.ppl").read_text()
    said = re.search(rf"^#   {target:,} .*: ([\d.]+)$", head, re.MULTILINE)
    assert said is not None
    share = float(said[1])
    netlist = ppl.load(FOLDER / "factors.ppl").netlist(ROOT / "models" / "data" / f"factors_{target}.json")
    fit = ppl.simulate(netlist, method="anneal", sweeps=sweeps, replicas=count, seed=1, progress=False)
    first, second = (number(fit.posterior[quantity].values) for quantity in "ab")
    found = first * second == target
    whole = fit.sample_stats["lp"].values > -0.5
    assert whole.any()
    assert found[whole].all()
    error = math.sqrt(share * (1 - share) * (1 / count + 1 / measured))
    assert abs(found.mean() - share) < 4.5 * error + rounding(said[1])
