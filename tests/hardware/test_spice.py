"""Decks of ngspice: what they read against the law of their circuit.

ngspice draws its noise anew in every run: a test that compares at three standard errors, all numbers together, may be
wrong once in 370 times, and so counts as failed when it fails twice in a row.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from ppl.errors import PplError
from ppl.hardware.analogue.band import Gaussian, banded_law, ideal_law
from ppl.hardware.analogue.cells import Cells, Kind, Wish, cells
from ppl.hardware.analogue.components import Ranges
from ppl.hardware.analogue.evaluation import function
from ppl.hardware.analogue.law import Builder, Law
from ppl.hardware.analogue.spice.deck import DECK, Transient, emit_deck, transient
from ppl.hardware.analogue.spice.expressions import sources
from ppl.hardware.analogue.spice.running import parsed, run_deck
from ppl.hardware.analogue.tracing import traced
from ppl.hardware.tools.running import Oversight, run
from tests.hardware import eda
from tests.hardware.arrays import Floats, gaussian, random_gaussian

RUNS = 16
THREE = 2 * stats.norm.sf(3)


def read(made: Cells, settings: Transient, runs: int = RUNS) -> Floats:
    """(runs, readings, n)."""
    deck = emit_deck(made, settings, "array")
    return np.stack([run_deck(deck, made, settings, Oversight(limit=240))[1] for _ in range(runs)])


def agrees(x: Floats, law: Gaussian) -> bool:
    """Whether means and covariances are within three standard errors, which runs tell: the probability that any of them
    is beyond, by Bonferroni's inequality and Student's t."""
    size = x.shape[-1]
    from_mean = x - law.mean
    second = np.einsum("rti,rtj->rij", from_mean, from_mean) / x.shape[1]
    upper = np.triu_indices(size)
    found = np.concatenate([from_mean.mean(axis=1), (second - law.covariance)[:, upper[0], upper[1]]], axis=1)
    t = found.mean(axis=0) / (found.std(axis=0, ddof=1) / np.sqrt(len(x)))
    return bool(np.abs(t).max() < stats.t.isf(THREE / 2 / len(t), len(x) - 1))


def evaluated(law: Law, point: tuple[float, ...]) -> Floats:
    """(outputs,), by behavioural sources at fixed voltages."""
    found = sources(law, [f"v(x{at})" for at in range(law.inputs)])
    lines = ["expressions", *(f"vx{at} x{at} 0 dc {value!r}" for at, value in enumerate(point))]
    lines += [f"b{node} {node} 0 v = {text}" for node, text in found.nodes]
    lines += [f"bo{at} o{at} 0 v = {text}" for at, text in enumerate(found.outputs)]
    shown = " ".join(f"v(o{at})" for at in range(len(found.outputs)))
    lines += [".control", "set filetype=binary", "tran 1 2", f"write out.raw {shown}", "quit", ".endc", ".end"]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "e.cir").write_text("\n".join(lines))
        run(("ngspice", "-b", "-n", "e.cir"), Path(folder), Oversight(limit=60))
        return parsed((Path(folder) / "out.raw").read_bytes())[-1, 1:]


def twice(check: Callable[[], bool]) -> bool:
    return check() or check()


@pytest.mark.parametrize(("kind", "size"), [("rc", 2), ("rlc", 3), ("series", 2)])
def test_readings_have_the_law_of_the_circuit_under_its_noise(kind: Kind, size: int) -> None:
    """And not that under white noise, which a coarse step is far from."""
    eda.need("ngspice")
    made = cells(random_gaussian(size, 2), kind, Wish(ranges=Ranges(inductance=(1e-6, 10.0))))
    settings = transient(made, 150, fine=1.5)
    seen: list[Floats] = []

    def check() -> bool:
        seen.append(read(made, settings))
        return agrees(seen[-1], banded_law(made, settings.step))

    assert twice(check)
    if kind != "series":  # whose capacitors do not see the noise but through the inductors
        assert not agrees(seen[-1], ideal_law(made))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["rc", "rlc"])
@pytest.mark.parametrize("size", [2, 4, 6, 8, 10, 12, 14, 16])
def test_random_arrays(kind: Kind, size: int) -> None:
    eda.need("ngspice")
    ranges = Ranges(resistance=(1e2, 1e8), capacitance=(1e-13, 1e-6), inductance=(1e-6, 100.0))
    made = cells(random_gaussian(size, 7), kind, Wish(ranges=ranges))
    settings = transient(made, 300, fine=1.0)
    seen: list[Floats] = []

    def check() -> bool:
        seen.append(read(made, settings))
        return agrees(seen[-1], banded_law(made, settings.step))

    assert twice(check)
    assert not agrees(seen[-1], ideal_law(made))


def test_a_deck_says_whose_voltages_these_are() -> None:
    made = cells(gaussian([[2.0, -1.0], [-1.0, 2.0]], [1.0, 0.0]), "rc")
    text = emit_deck(made, transient(made, 10), "a\n.include x").files[DECK].decode()
    assert text.startswith("a?.include x: 2 modes as cells of kind rc\n")
    assert f"x[0] = {float(made.location[0])!r} + {float(made.scale[0])!r} * v(v1)" in text
    assert text.count("trnoise") == 2
    assert "r1_2 v1 v2 " in text


def test_expressions_are_their_operations() -> None:
    """At fixed voltages, by ngspice."""
    eda.need("ngspice")

    def of(x: jax.Array) -> list[jax.Array]:
        a, b = x[0], x[1]
        exact = [
            jnp.exp(a) + jnp.expm1(b) * jnp.log(jnp.abs(b)) - jnp.log1p(a**2),
            jnp.sqrt(jnp.abs(b)) * jnp.tanh(a) + jnp.sin(a) / jnp.cos(b) + jnp.sign(b) * jnp.floor(3 * a),
            jnp.maximum(a, b) * jnp.minimum(a, 0.3)
            + jnp.where(a < b, a, b)
            + jnp.where(a <= 0.5, 2.0, 3.0)
            + jnp.where(a == b, 1.0, b),
            b**3 + b**-2 + jnp.abs(b) ** 1.7,
            jax.scipy.special.erf(a) + jax.scipy.special.erf(b),
        ]
        return [jnp.stack(exact)]

    with jax.enable_x64(True):
        law = traced(of, 2)[0]
        for point in ((0.7, -1.3), (-0.4, 0.2)):
            expected = np.asarray(function(law)(jnp.array(point)))
            np.testing.assert_allclose(evaluated(law, point), expected, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("operation", ["lgamma", "digamma"])
def test_what_ngspice_has_no_word_for(operation: str) -> None:
    builder = Builder(1)
    law = builder.law([builder.apply(operation, 0)])
    with pytest.raises(PplError) as error:
        sources(law, ["v(v1)"])
    assert error.value.diagnostics[0].code == "E709"
    assert operation in error.value.diagnostics[0].title
