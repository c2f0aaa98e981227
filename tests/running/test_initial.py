"""Chains that start where Pathfinder finds the mass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import ppl
from ppl.errors import PplError
from ppl.inference import pacing
from ppl.inference.engines.mh import MH
from ppl.inference.engines.shared import Settings
from ppl.inference.modes import pathfinder
from ppl.results.storage import netcdf
from ppl.running import initial
from ppl.running.checkpoint import Checkpoint
from ppl.running.driver import Fit, run
from ppl.running.engines import make_engine
from ppl.running.options import RunOptions

# Random starts, within (-2, 2), are 18 standard deviations away and more.
MODEL = ppl.compile("a ~ Normal(20, 1)\nb ~ Normal(a, 2)\n")
ENGINE = MH(warmup=30, draws=20, steps=1)
OPTIONS = RunOptions(chains=2, initial="pathfinder", save_warmup=True)


def sampled(engine: Settings = ENGINE, options: RunOptions = OPTIONS, checkpoint: Checkpoint | None = None) -> Fit:
    bound = MODEL.bind()
    return run(bound.graph, bound.dataset, engine, options, checkpoint=checkpoint)


def image(fit: Fit) -> bytes:
    return bytes(netcdf(fit.groups, fit.attrs))


def test_chains_start_there_and_go_on_from_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    whole = sampled()
    first = whole.groups["warmup_posterior"]["a"].values[:, 0]
    assert np.all(np.abs(first - 20) < 8), first
    assert first[0] != first[1]

    # The starts are looked for once, and one that was not found is remembered.
    monkeypatch.setattr(pacing, "quick", lambda pace, done: 9)
    search = pathfinder.find_path

    def astray(density: Any, key: Any, start: Any, iterations: int) -> Any:
        path = search(density, key, start, iterations)
        lost = np.array_equal(key, keys[1])
        return path._replace(elbo=np.float64(-np.inf)) if lost else path

    root = jax.random.fold_in(jax.random.key(OPTIONS.seed), 2)
    keys = [np.asarray(jax.random.key_data(jax.random.fold_in(root, chain))) for chain in range(2)]
    monkeypatch.setattr(pathfinder, "find_path", astray)
    fallen = sampled()
    first = fallen.groups["warmup_posterior"]["a"].values[:, 0]
    assert abs(first[0] - 20) < 8
    assert first[1] < 10
    remark = json.loads(fallen.attrs["remarks"])[-1]
    assert (remark["name"], remark["verdict"]) == ("initial", "note")
    assert "no start for 1 of 2 chains (1)" in remark["title"]

    advance, calls = MH.advance, iter(range(100))

    def dying(self: MH, *arguments: Any) -> Any:
        if next(calls) == 2:
            raise RuntimeError("killed")
        return advance(self, *arguments)

    with monkeypatch.context() as patched, Checkpoint(tmp_path / "fit", interval=0.0) as checkpoint:
        patched.setattr(MH, "advance", dying)
        with pytest.raises(RuntimeError, match="killed"):
            sampled(checkpoint=checkpoint)
    with Checkpoint(tmp_path / "fit", resume=True) as checkpoint, pytest.raises(PplError, match="`initial`"):
        sampled(options=RunOptions(chains=2, save_warmup=True), checkpoint=checkpoint)
    monkeypatch.delattr(initial, "pathfinder_positions")
    with Checkpoint(tmp_path / "fit", resume=True) as checkpoint:
        assert image(sampled(checkpoint=checkpoint)) == image(fallen)


@pytest.mark.parametrize(
    ("engine", "why"), [("vi", "draws of `vi` are independent"), ("map", "are a mode"), ("gibbs", "discrete ones")]
)
def test_engines_without_such_chains_refuse(engine: str, why: str) -> None:
    with pytest.raises(PplError, match=f"E608.*`initial=pathfinder` is for .*{why}"):
        sampled(make_engine(engine, {}))


def test_there_are_two_ways_to_start() -> None:
    with pytest.raises(PplError, match=r"E608.*`initial` is 'mode', but it takes one of random, pathfinder"):
        MODEL.sample(initial="mode")
