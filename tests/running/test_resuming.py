"""Whole runs that end early and go on: the draws are those of a run that did neither, whatever its chunks were."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ppl
from ppl.errors import PplError
from ppl.inference import pacing
from ppl.inference.engines.mh import MH
from ppl.inference.engines.nuts import NUTS
from ppl.inference.engines.shared import Settings
from ppl.results.judge import judge
from ppl.results.storage import netcdf
from ppl.running.checkpoint import Checkpoint, CheckpointWarning
from ppl.running.driver import Fit, run
from ppl.running.options import RunOptions
from ppl.running.stopping import is_look, next_look
from ppl.running.until import make_until

MODEL = ppl.compile("mu ~ Normal(1, 2)\ns ~ HalfNormal(2)\nratio = mu / (1 + s)\n")
ENGINES: dict[str, Settings] = {"nuts": NUTS(warmup=100, draws=450), "mh": MH(warmup=100, draws=450, steps=3)}
OPTIONS = RunOptions(chains=2, save_warmup=True, save_unconstrained=True)


@pytest.fixture(autouse=True)
def same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured is left out of the results."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


@pytest.fixture(scope="module", params=["nuts", pytest.param("mh", marks=pytest.mark.long)])
def engine(request: pytest.FixtureRequest) -> Settings:
    return ENGINES[request.param]


@pytest.fixture(scope="module")
def whole(engine: Settings) -> bytes:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SOURCE_DATE_EPOCH", "1700000000")
        return image(sampled(engine))


def sampled(engine: Settings, options: RunOptions = OPTIONS, checkpoint: Checkpoint | None = None) -> Fit:
    bound = MODEL.bind()
    return run(bound.graph, bound.dataset, engine, options, checkpoint=checkpoint)


def image(fit: Fit) -> bytes:
    return bytes(netcdf(fit.groups, fit.attrs))


def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = itertools.cycle((1, 7, 40, 13))
    monkeypatch.setattr(pacing, "quick", lambda pace, done: next(lengths))


def disturbed(
    engine: Settings, number: int, act: Any, options: RunOptions = OPTIONS, checkpoint: Checkpoint | None = None
) -> Fit:
    """A run in which something happens at the end of a chunk."""
    advance, calls = type(engine).advance, itertools.count()

    def patched(self: Settings, *arguments: Any) -> Any:
        found = advance(self, *arguments)
        if next(calls) == number:
            act(found[1])
        return found

    with pytest.MonkeyPatch.context() as monkeypatch, checkpoint or contextlib.nullcontext():
        monkeypatch.setattr(type(engine), "advance", patched)
        return sampled(engine, options, checkpoint)


def die(*_: Any) -> None:
    raise RuntimeError("killed")


def interrupt(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_neither_chunks_nor_checkpoints_change_a_result(
    engine: Settings, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_chunks(monkeypatch)
    with Checkpoint(tmp_path / "fit", interval=0.0) as checkpoint:
        fit = sampled(engine, checkpoint=checkpoint)
        assert (tmp_path / "fit" / "draws.bin").stat().st_size > 1000
        checkpoint.remove()
    assert image(fit) == whole
    assert not (tmp_path / "fit").exists()


def test_a_run_that_dies_again_and_again(
    engine: Settings, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_chunks(monkeypatch)
    for number in (0, 1, 3, 5, 9):  # of each life: the first three end in warmup
        checkpoint = Checkpoint(tmp_path / "fit", interval=0.0, resume=True)
        with pytest.raises(RuntimeError, match="killed"):
            disturbed(engine, number, die, checkpoint=checkpoint)
    with Checkpoint(tmp_path / "fit", resume=True) as checkpoint:
        assert image(sampled(engine, checkpoint=checkpoint)) == whole


def test_what_was_stopped_goes_on(
    engine: Settings, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in warmup, a time limit, Ctrl-C while drawing; without a checkpoint on the way."""
    short_chunks(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        disturbed(engine, 2, interrupt, checkpoint=Checkpoint(tmp_path / "fit"))
    limited = replace(OPTIONS, time_limit=1e-9)
    with Checkpoint(tmp_path / "fit", resume=True) as checkpoint, pytest.raises(PplError, match="`resume` goes on"):
        sampled(engine, limited, checkpoint)
    part = disturbed(engine, 12, interrupt, checkpoint=Checkpoint(tmp_path / "fit", resume=True))
    assert part.stopped == "interrupted"
    assert 0 < part.groups["posterior"].sizes["draw"] < 450
    with Checkpoint(tmp_path / "fit", resume=True) as checkpoint:
        fit = sampled(engine, checkpoint=checkpoint)
    assert fit.timings["sampling"] > part.timings["sampling"]  # of all processes together
    assert image(fit) == whole


def test_a_full_disk_is_told_and_costs_nothing(
    engine: Settings, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_chunks(monkeypatch)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "draws.bin").mkdir()  # nothing can be written there
    with Checkpoint(tmp_path / "full", interval=0.0) as checkpoint:
        with pytest.warns(CheckpointWarning, match="no checkpoint: cannot write .*full") as told:
            fit = sampled(engine, checkpoint=checkpoint)
        assert not checkpoint.saved
    assert len(told) == 1
    assert image(fit) == whole


def test_a_position_that_is_not_finite_ends_the_run(engine: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoilt(chunk: Any) -> None:
        chunk.positions.setflags(write=True)
        chunk.positions[1, -1, 0] = np.nan

    short_chunks(monkeypatch)
    fit = disturbed(engine, 14, spoilt)
    draws = fit.groups["posterior"].sizes["draw"]
    assert fit.stopped == "failed: a position that is not finite"
    assert all(np.isfinite(v).all() for v in fit.groups["posterior"].data_vars.values())
    diagnosis = judge(fit.groups, fit.attrs)[1]
    found = next(finding for finding in diagnosis.findings if finding.name == "not finite")
    assert f"The engine `{engine.name}` gave a position that is not finite: chain 1, draw {draws}." in found.title
    assert not diagnosis.trusted
    with pytest.raises(PplError, match=r"E503.*not finite: chain 1, iteration \d+ of 550, in warmup"):
        disturbed(engine, 1, spoilt)


# --- until -------------------------------------------------------------------------------------------


def test_looks_are_at_fixed_numbers_of_draws() -> None:
    assert [draws for draws in range(1100) if is_look(draws)] == [100, 150, 225, 337, 505, 757]
    assert [next_look(draws) for draws in (0, 99, 100, 149, 150, 756, 757)] == [100, 100, 150, 150, 225, 757, 1135]


def test_a_run_ends_when_it_is_good_enough(engine: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = sampled(engine)
    options = replace(OPTIONS, until=make_until("ess=80, rhat=1.5"))
    fit = sampled(engine, options)
    draws = fit.groups["posterior"].sizes["draw"]
    assert is_look(draws)
    assert 100 < draws < 450
    assert fit.stopped is None
    assert fit.attrs["partial"] == 0
    summary, diagnosis = judge(fit.groups, fit.attrs)
    assert min(summary.columns["ess_bulk"].min(), summary.columns["ess_tail"].min()) >= 80
    note = next(finding for finding in diagnosis.findings if finding.name == "until")
    assert note.trusted
    assert f"stopped after {draws} draws a chain, when `until ess=80,rhat=1.5` was reached" in note.title
    for name, values in fit.groups["posterior"].data_vars.items():
        np.testing.assert_array_equal(values, full.groups["posterior"][name][:, :draws])

    # At the same draw in other chunks, and in many lives, some of which end between two looks.
    short_chunks(monkeypatch)
    again, lives = None, 0
    while again is None:
        with contextlib.suppress(RuntimeError):
            checkpoint = Checkpoint(tmp_path / "fit", interval=0.0, resume=True)
            again = disturbed(engine, 5, die, options, checkpoint)
        lives += 1
    assert lives > 3
    assert image(again) == image(fit)


def test_a_run_that_does_not_get_good_enough_says_so(engine: Settings) -> None:
    fit = sampled(engine, replace(OPTIONS, until=make_until({"rhat": 1.0000001})))
    assert fit.groups["posterior"].sizes["draw"] == 450
    note = next(finding for finding in judge(fit.groups, fit.attrs)[1].findings if finding.name == "until")
    assert "All 450 draws of each chain were made before `until rhat=1` was reached" in note.title
    assert note.remedies == ("allow more: draws=1800",)


@pytest.mark.parametrize(
    "given",
    ["", "ess", "ess=", "ess=many", "ess=400,ess=500", "rhat=1", "rhat=inf", "ess=0", "draws=3", {}, {"ess": True}],
)
def test_what_until_does_not_take(given: Any) -> None:
    with pytest.raises(PplError, match="E608"):
        make_until(given)
