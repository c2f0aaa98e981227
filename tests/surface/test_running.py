"""The parts of a run: keys of outputs, records of divergences, requests to stop, progress."""

from __future__ import annotations

import os
import signal
import time

import jax
import numpy as np
import pytest

import ppl
from ppl.inference.engines.nuts import NUTS
from ppl.running import progress as progress_module
from ppl.running.driver import run
from ppl.running.interrupts import listening
from ppl.running.options import RunOptions
from ppl.running.outputs import over_draws
from ppl.running.progress import Lines, Silent


def uniform(density: object, u: jax.Array, key: jax.Array) -> jax.Array:
    return jax.random.uniform(key)


def test_every_draw_of_every_chain_has_its_own_key() -> None:
    key = jax.random.key(1)
    numbers = over_draws(uniform, (), np.zeros((3, 5, 1), np.float32), key)
    expected = [
        [float(jax.random.uniform(jax.random.fold_in(jax.random.fold_in(key, c), d))) for d in range(5)]
        for c in range(3)
    ]
    np.testing.assert_array_equal(numbers, np.array(expected, np.float32))
    assert len(np.unique(numbers)) == 15


class Counts(Silent):
    """Remembers the divergences that it was told of."""

    def __init__(self) -> None:
        self.told: list[int] = []

    def iterations(
        self, done: int, total: int, warmup: bool, divergences: int, acceptance: float | None = None
    ) -> None:
        self.told.append(divergences)


def test_divergences_are_told_while_they_happen() -> None:
    model = ppl.compile("scale ~ Normal(0, 3)\nx, y, z ~ Normal(0, exp(scale))\n")
    counts = Counts()
    engine = NUTS(warmup=100, draws=500, target_acceptance=0.6)
    fit = run(
        model.graph,
        model.bind().dataset,
        engine,
        RunOptions(chains=2, predictive=False, centre=("x", "y", "z")),
        counts,
    )
    assert counts.told[0] == 0
    assert counts.told[-1] == int(fit.groups["sample_stats"]["diverging"].sum()) > 0
    assert fit.groups["divergences"].sizes["divergence"] == counts.told[-1]


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_second_interrupt_breaks_off_sampling_and_the_third_anything() -> None:
    with listening() as requests:
        with requests.impatient():
            interrupt()
            assert requests.stop
            with pytest.raises(KeyboardInterrupt):
                interrupt()
        with pytest.raises(KeyboardInterrupt):
            interrupt()
    with listening() as requests:
        interrupt()
        interrupt()  # while draws are saved, the second is too early
        with pytest.raises(KeyboardInterrupt):
            interrupt()


def test_progress_counts_divergences(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "QUIET_SECONDS", 0.0)
    lines = Lines()
    lines.iterations(10, 100, True, 0)
    lines.iterations(60, 100, False, 7)
    lines.close()
    assert capsys.readouterr().err == "warmup 10/100 a chain\nsampling 60/100 a chain, 7 divergent\n"


def test_a_stage_that_takes_long_is_told_while_it_lasts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_module, "QUIET_SECONDS", 0.3)
    lines = Lines()
    lines.stage("reading")
    lines.stage("compiling the model")
    assert capsys.readouterr().err == ""
    time.sleep(0.6)
    assert capsys.readouterr().err == "compiling the model\n"
    lines.close()
    short = Lines()
    short.stage("compiling the model")
    short.close()
    time.sleep(0.4)
    assert capsys.readouterr().err == ""
