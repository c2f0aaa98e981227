"""Models from Python: containers, reproducibility, interruption, time limits, the density for others' samplers."""

from __future__ import annotations

import functools
import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest

import ppl
from ppl.errors import PplError
from ppl.inference.engines.nuts import NUTS
from ppl.results.container import from_arviz
from ppl.running import following, loop

TEXT = """
dim obs
data x[obs], y[obs]
a, b ~ Normal(0, 5)
sigma ~ HalfNormal(2)
line[obs] = a + b * x[obs]
y[obs] ~ Normal(line[obs], sigma)
predict y_new[obs] ~ Normal(line[obs], sigma)
"""
X = np.linspace(-1, 1, 20)
Y = 1.0 + 2.0 * X + 0.3 * np.random.default_rng(3).normal(size=20)
SHORT = {"chains": 2, "warmup": 200, "draws": 200}


@pytest.fixture(scope="module")
def model() -> ppl.Model:
    return ppl.compile(TEXT, "line.ppl")


def same(one: object, other: object) -> bool:
    a, b = from_arviz(one)[0], from_arviz(other)[0]
    return all(a[g].equals(b[g]) for g in ("posterior", "posterior_predictive", "predictions", "sample_stats"))


def test_groups_and_reproducibility(model: ppl.Model) -> None:
    data = {"x": X, "y": Y}
    fit = model.sample(data, seed=1, **SHORT)
    groups, attrs = from_arviz(fit)
    assert set(groups) >= {
        "posterior", "posterior_predictive", "predictions", "log_likelihood", "sample_stats", "observed_data",
        "constant_data",
    }  # fmt: skip
    assert set(groups["posterior"]) == {"a", "b", "sigma", "line"}
    assert set(groups["predictions"]) == {"y_new"}
    np.testing.assert_allclose(groups["posterior"]["b"].mean(), 2.0, atol=0.3)
    # Replicates scatter around the line by sigma; predictions are drawn apart from them.
    scatter = (groups["posterior_predictive"]["y"] - groups["posterior"]["line"]) / groups["posterior"]["sigma"]
    np.testing.assert_allclose(float(scatter.std()), 1.0, atol=0.05)
    assert not np.allclose(groups["predictions"]["y_new"], groups["posterior_predictive"]["y"])
    assert groups["posterior"]["a"].dtype == np.float64
    assert attrs["seed"] == 1

    assert same(model.sample(data, seed=1, **SHORT), fit)
    assert not same(model.sample(data, seed=2, **SHORT), fit)
    # Chains do not depend on how many there are.
    alone = from_arviz(model.sample(data, seed=1, **{**SHORT, "chains": 1}, adaptation="stan"))[0]
    both = from_arviz(model.sample(data, seed=1, **SHORT, adaptation="stan"))[0]
    np.testing.assert_array_equal(alone["posterior"]["a"][0], both["posterior"]["a"][0])


def test_single_precision_by_choice(model: ppl.Model) -> None:
    groups, _ = from_arviz(model.sample({"x": X, "y": Y}, precision="float32", **SHORT))
    np.testing.assert_allclose(groups["posterior"]["b"].mean(), 2.0, atol=0.3)


def test_diagnose_and_summarise(model: ppl.Model) -> None:
    fit = model.sample({"x": X, "y": Y}, seed=1, chains=4, warmup=500, draws=500)
    assert ppl.diagnose(fit).trusted
    summary = ppl.summarise(fit)
    assert summary.names[:3] == ("a", "b", "sigma")
    assert summary.names[-1] == "y_new[19]"
    np.testing.assert_allclose(summary.row(len(summary) - 1)["mean"], 3.0, atol=0.4)


def test_no_global_state_is_left(model: ppl.Model) -> None:
    before = dict(os.environ)
    model.sample({"x": X, "y": Y}, **SHORT)
    assert not jax.config.jax_enable_x64
    assert dict(os.environ) == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_density_for_other_samplers(model: ppl.Model) -> None:
    density = model.log_density({"x": X, "y": Y})
    with jax.enable_x64(True):
        u = density.unconstrain({"a": np.array(0.5), "b": np.array(1.5), "sigma": np.array(0.7)})
        value = float(jax.jit(lambda d, u: d.log_density(u))(density, u))
    residual = (Y - 0.5 - 1.5 * X) / 0.7
    expected = -0.5 * np.sum(residual**2) - 20 * np.log(0.7) - 0.5 * (0.25 + 2.25) / 25 - 0.5 * (0.7 / 2) ** 2
    expected += np.log(0.7)  # the Jacobian of sigma = exp(u)
    constants = -0.5 * 22 * np.log(2 * np.pi) - 2 * np.log(5) + 0.5 * np.log(2 / np.pi) - np.log(2)
    np.testing.assert_allclose(value, expected + constants, rtol=1e-12)


def test_vectors_of_the_wrong_length_are_refused(model: ppl.Model) -> None:
    density = model.log_density({"x": X, "y": Y})
    assert repr(density) == "<CompiledDensity of 3 dimensions>"
    with jax.enable_x64(True):
        np.testing.assert_array_equal(density.log_density([0.0] * 3), density.log_density(np.zeros(3)))
        for wrong in (np.zeros(2), np.zeros(4), np.zeros((3, 1))):
            with pytest.raises(ValueError, match="a vector of 3 numbers"):
                density.log_density(wrong)
            with pytest.raises(ValueError, match="a vector of 3 numbers"):
                density.constrain(wrong)
        with pytest.raises(ValueError, match="no value is given for `b`"):
            density.unconstrain({"a": 0.0})
        with pytest.raises(ValueError, match="`b` has shape"):
            density.unconstrain({"a": 0.0, "b": np.zeros(2), "sigma": 1.0})


def test_check_and_explain(model: ppl.Model) -> None:
    assert [w.code for w in model.check({"x": X, "y": Y, "zz": [1, 2]})] == ["W130"]
    assert "sigma" in model.explain()
    with pytest.warns(ppl.ModelWarning, match="zz"):
        model.sample({"x": X, "y": Y, "zz": [1, 2]}, **SHORT)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engine": "nust"}, "did you mean `nuts`"),
        ({"warmups": 3}, "did you mean `warmup`"),
        ({"warmup": -1}, "`warmup` is -1"),
        ({"chains": 0}, "`chains` is 0"),
        ({"seed": -1}, "`seed` is -1"),
        ({"time_limit": 0.0}, "`time_limit` is 0"),
        ({"time_limit": "5"}, "`time_limit` is '5'"),
        ({"seed": None}, "`seed` is None"),
        ({"seed": 1.5}, "`seed` is 1.5"),
        ({"chains": True}, "`chains` is True"),
        ({"adapt_delta": 0.9}, "did you mean `target_acceptance`"),
        ({"tune": 5}, "did you mean `warmup`"),
    ],
)
def test_wrong_options(model: ppl.Model, options: dict[str, object], words: str) -> None:
    with pytest.raises(PplError) as caught:
        model.sample({"x": X, "y": Y}, **options)
    assert words in str(caught.value)


def test_wrong_objects_are_refused_in_words(model: ppl.Model) -> None:
    with pytest.raises(TypeError, match=r"ppl\.compile\(text\)"):
        ppl.Model(TEXT)
    with pytest.raises(PplError, match=r"ppl\.compile\(text\)"):
        ppl.load(TEXT)
    with pytest.raises(TypeError, match=r"a string, not `PosixPath`; `ppl\.load\(path\)` reads"):
        ppl.compile(Path("line.ppl"))
    with pytest.raises(TypeError, match="not `int`"):
        ppl.load(3)
    for wrong in (None, {}, 3):
        with pytest.raises(TypeError, match=r"model\.sample"):
            ppl.diagnose(wrong)
        with pytest.raises(TypeError, match=r"model\.sample"):
            ppl.summarise(wrong)
    assert repr(model) == "<ppl.Model 'line': latents a, b, sigma>"


def test_the_time_limit_keeps_finished_draws(model: ppl.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    data = {"x": X, "y": Y}
    full = from_arviz(model.sample(data, seed=4, chains=2, warmup=100, draws=3000))[0]
    with pytest.warns(ppl.ModelWarning, match="time limit"):
        part = model.sample(data, seed=4, chains=2, warmup=100, draws=10_000_000, time_limit=12.0)
    groups, attrs = from_arviz(part)
    assert attrs["partial"] == 1
    count = min(groups["posterior"].sizes["draw"], 3000)
    assert count > 0
    # What is there is what a longer run begins with.
    for name in ("a", "sigma"):
        np.testing.assert_array_equal(groups["posterior"][name][:, :count], full["posterior"][name][:, :count])
    with pytest.raises(PplError, match="E503"):
        model.sample(data, seed=4, chains=2, warmup=10_000_000, time_limit=2.0)


def test_an_interrupt_in_the_middle_keeps_finished_draws(model: ppl.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    advance, calls = NUTS.advance, itertools.count()

    def interrupted(self: NUTS, *arguments: object) -> object:
        result = advance(self, *arguments)
        if not result[1].warmup and next(calls) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return result

    monkeypatch.setattr(NUTS, "advance", interrupted)
    with pytest.warns(ppl.ModelWarning, match="interrupted"):
        fit = model.sample({"x": X, "y": Y}, chains=2, warmup=100, draws=10_000_000)
    groups, attrs = from_arviz(fit)
    assert attrs["stopped"] == "interrupted"
    assert 0 < groups["posterior"].sizes["draw"] < 10_000_000
    assert groups["log_likelihood"]["y"].sizes["draw"] == groups["posterior"].sizes["draw"]
    assert ppl.diagnose(fit).findings[0].name == "stopped"


def test_memory_that_runs_out_costs_no_draw(model: ppl.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = following.over_draws

    def scarce(function: functools.partial[object], *arguments: object) -> object:
        if any(function.args):
            raise MemoryError("out of memory")
        return whole(function, *arguments)

    monkeypatch.setattr(following, "over_draws", scarce)
    with pytest.warns(RuntimeWarning, match="out of memory"):
        fit = model.sample({"x": X, "y": Y}, **SHORT)
    groups, _ = from_arviz(fit)
    assert groups["posterior"]["a"].shape == (2, 200)
    assert "log_likelihood" not in groups

    advance, calls = NUTS.advance, itertools.count()

    def failing(self: NUTS, *arguments: object) -> object:
        result = advance(self, *arguments)
        if not result[1].warmup and next(calls) == 1:
            raise MemoryError("out of memory")
        return result

    monkeypatch.setattr(following, "over_draws", whole)
    monkeypatch.setattr(NUTS, "advance", failing)
    with pytest.warns(ppl.ModelWarning, match="failed: out of memory"):
        fit = model.sample({"x": X, "y": Y}, chains=2, warmup=100, draws=10_000_000)
    assert 0 < from_arviz(fit)[0]["posterior"].sizes["draw"] < 10_000_000


@pytest.mark.parametrize(("asked", "where"), [(4000, True), (10**9, False)])
def test_memory_that_runs_out_at_the_start_names_the_largest_array(
    model: ppl.Model, monkeypatch: pytest.MonkeyPatch, asked: int, where: bool
) -> None:
    """Where it can be what was asked for."""

    def start(*_: object) -> None:
        raise jax.errors.JaxRuntimeError(f"RESOURCE_EXHAUSTED: Out of memory allocating {asked} bytes.")

    monkeypatch.setattr(NUTS, "start", start)
    with pytest.raises(PplError, match="E510") as caught:
        model.sample({"x": X, "y": Y}, **SHORT)
    assert (f"an array of {len(X)} numbers over obs" in str(caught.value)) == where
    assert ("fewer draws" in str(caught.value)) != where


def test_an_interrupt_in_warmup_is_an_interrupt(model: ppl.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(NUTS, "advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.sample({"x": X, "y": Y}, **SHORT)


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


HEAVY = "{'jax', 'jaxlib', 'numpyro', 'arviz', 'xarray', 'pandas', 'scipy'}"


@pytest.mark.parametrize(
    "code",
    [
        "import ppl",
        "import ppl; ppl.compile('mu ~ Normal(0, 1)')",
        "from ppl.data import load; load({'y': [1, 2]})",
        "from ppl.cli.main import run; run(['--help'])",
        "from ppl.cli.main import run; run(['check', {model!r}, '--data', {data!r}])",
        "from ppl.cli.main import run; run(['check', {model!r}, '--data', {data!r}, '--engine', 'nuts'])",
        "from ppl.cli.main import run; run(['fmt', {model!r}])",
        "from ppl.cli.main import run; run(['explain', {model!r}, '--data', {data!r}])",
        "from ppl.cli.main import run; run(['engines'])",
        "from ppl.cli.main import run; run(['sample', '--help'])",
        "from ppl.cli.main import run; run(['sample', {model!r}, '--data', 'none.json'])",
    ],
)
def test_what_does_not_sample_imports_nothing_heavy(code: str, tmp_path: Path) -> None:
    (tmp_path / "m.ppl").write_text("dim o\ndata y[o], s[o]\nmu ~ Normal(0, 1)\ny[o] ~ Normal(mu, s[o] + 1)\n")
    (tmp_path / "d.json").write_text('{"y": [1, 2], "s": [0, 1]}')
    code = code.replace("{model!r}", repr(str(tmp_path / "m.ppl"))).replace("{data!r}", repr(str(tmp_path / "d.json")))
    found = python(f"{code}\nimport sys\nprint('heavy:', sorted({HEAVY} & set(sys.modules)))")
    assert found.splitlines()[-1] == "heavy: []"
