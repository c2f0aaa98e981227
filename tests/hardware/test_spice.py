"""Decks of ngspice: what they read against the law of their circuit.

ngspice draws its noise anew in every run: a test that compares at three standard errors, all numbers together, may be
wrong once in 370 times, and so counts as failed when it fails twice in a row.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import ppl
from ppl.circuits.continuous import modes
from ppl.errors import PplError
from ppl.hardware.analogue.band import Gaussian, banded_law, ideal_law
from ppl.hardware.analogue.cells import Cells, Kind, Wish, cells
from ppl.hardware.analogue.components import Ranges
from ppl.hardware.analogue.modes import Modes
from ppl.hardware.analogue.spice.deck import DECK, Transient, emit_deck, transient
from ppl.hardware.analogue.spice.expressions import sources
from ppl.hardware.analogue.spice.running import parsed, run_deck
from ppl.hardware.laws.evaluation import function
from ppl.hardware.laws.law import Builder, Law
from ppl.hardware.laws.tracing import traced
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
    """Whether means, covariances and the sum of variances, along the principal axes of the law's correlations, are
    within three standard errors, which runs tell: the probability that any of them is beyond, by Bonferroni's
    inequality and Student's t."""
    sd = np.sqrt(np.diag(law.covariance))
    variances, axes = np.linalg.eigh(law.covariance / np.outer(sd, sd))
    z = (x - law.mean) / sd @ axes / np.sqrt(variances)
    upper = np.triu_indices(len(sd))
    second = np.einsum("rti,rtj->rij", z, z) / x.shape[1] - np.eye(len(sd))
    common = np.einsum("rii->r", second)[:, None]
    found = np.concatenate([z.mean(axis=1), second[:, upper[0], upper[1]], common], axis=1)
    t = found.mean(axis=0) / (found.std(axis=0, ddof=1) / np.sqrt(len(x)))
    return bool(np.abs(t).max() < stats.t.isf(THREE / 2 / len(t), len(x) - 1))


def evaluated(law: Law, point: tuple[float, ...]) -> Floats:
    """(outputs,), by behavioural sources at fixed voltages."""
    found = sources(law, [f"v(x{at})" for at in range(law.inputs)])
    lines = ["expressions", *(f"vx{at} x{at} 0 dc {value!r}" for at, value in enumerate(point))]
    lines += [f"b{node.name} {node.name} 0 v = {node.text}" for node in found.nodes]
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
    settings = transient(made, 250, fine=1.5)
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
            b**3 + jnp.where(b < jnp.inf, b**-2, a) + jnp.abs(b) ** 1.7,
            jax.scipy.special.erf(a) + jax.scipy.special.erf(b),
        ]
        return [jnp.stack(exact)]

    points = ((0.7, -1.3), (-0.4, 0.2))
    with jax.enable_x64(True):
        law = traced(of, 2)[0]
        expected = np.asarray(jax.jit(jax.vmap(lambda x: of(x)[0]))(jnp.array(points)))
    for point, exact in zip(points, expected, strict=True):
        np.testing.assert_allclose(evaluated(law, point), exact, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("operation", ["lgamma", "digamma"])
def test_what_ngspice_has_no_word_for(operation: str) -> None:
    builder = Builder(1)
    law = builder.law([builder.apply(operation, 0)])
    with pytest.raises(PplError) as error:
        sources(law, ["v(v1)"])
    assert error.value.diagnostics[0].code == "E709"
    assert operation in error.value.diagnostics[0].title


# --- forces ------------------------------------------------------------------------------------------


def lowered(text: str, data: dict[str, list[float]]) -> Modes:
    bound = ppl.compile(text).bind(data)
    return modes(bound.graph, bound.dataset, "m")


def density(of: Modes, axes: list[Floats]) -> tuple[Floats, Floats]:
    """Points of a grid, (k, n), and their probabilities, (k,)."""
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
    assert of.energy is not None
    with jax.enable_x64(True):
        energy = np.asarray(function(of.energy)(jnp.asarray(points)))[:, 0]
    weights = np.exp(energy.min() - energy)
    return points, weights / weights.sum()


@pytest.mark.long
@pytest.mark.parametrize("kind", ["rc", "series"])
def test_two_wells(kind: Kind) -> None:
    """The histogram is within 5e-3 nats of exp(-E), of which about 15 / 2 / (effective readings) are noise."""
    eda.need("ngspice")
    of = lowered("var x : real\nenergy well: (x^2 - 1)^2 + 0.3 * x\n", {})
    made = cells(of, kind)
    settings = transient(made, 1500 if kind == "rc" else 800, fine=0.05 if kind == "rc" else 0.1, apart=4.0)
    points, weights = density(of, [np.linspace(-3, 3, 6001)])
    edges = np.concatenate([[-3.0], np.linspace(-1.6, 1.6, 15), [3.0]])
    exact = np.histogram(points[:, 0], edges, weights=weights)[0]

    def check() -> bool:
        share = np.histogram(read(made, settings, 8), edges)[0] / (8 * settings.readings)
        return float(np.sum(share * np.log(share / exact))) < 5e-3

    assert twice(check)


@pytest.mark.long
def test_a_posterior_that_is_not_gaussian() -> None:
    """Means within a tenth of a standard deviation, standard deviations within a tenth, of those by quadrature."""
    eda.need("ngspice")
    text = "dim obs\ndata y[obs]\nmu ~ Normal(0, 2)\nls ~ Normal(0, 1)\ny[obs] ~ Normal(mu, exp(ls))\n"
    of = lowered(text, {"y": [0.3, 1.9, -0.6, 1.2]})
    made = cells(of, "rc")
    settings = transient(made, 1000, apart=2.0)
    points, weights = density(of, [np.linspace(-7, 9, 401), np.linspace(-3, 4, 401)])
    mean = weights @ points
    sd = np.sqrt(weights @ (points - mean) ** 2)

    def check() -> bool:
        x = read(made, settings, 8).reshape(-1, 2)
        close = np.abs(x.mean(axis=0) - mean) / sd < 0.1
        return bool((close & (np.abs(x.std(axis=0) / sd - 1) < 0.1)).all())

    assert twice(check)


@pytest.mark.long
def test_a_force_is_in_the_deck_and_moves_the_cell() -> None:
    """Whose mean is that of the density, and not of the Gaussian that its quadratic energy has."""
    eda.need("ngspice")
    of = lowered("x ~ Normal(0, 1)\nenergy push: -2 * tanh(x)\n", {})
    made = cells(of, "rc", Wish(location=np.zeros(1)))
    settings = transient(made, 100, fine=0.1, apart=3.0)
    points, weights = density(of, [np.linspace(-6, 8, 8001)])
    mean = float(weights @ points[:, 0])
    seen = read(made, settings).mean(axis=(1, 2))
    assert abs(seen.mean() - mean) < 4 * seen.std(ddof=1) / 4
    assert mean > 0.9


@pytest.mark.long
def test_eight_schools_begin_and_go_on() -> None:
    """Many nodes, some of which are divided by: Newton's method does not find where they are from 0."""
    eda.need("ngspice")
    of = ppl.load("models/eight_schools.ppl").netlist("models/data/eight_schools.json")
    made = cells(of, "series")
    x = read(made, transient(made, 40), 4)
    mu = x[:, :, made.names.index("mu")].mean(axis=1)
    assert abs(mu.mean() - 4.4) < 5 * 3.3 / np.sqrt(4 * 40 / 4)


def test_progress_and_the_time_limit() -> None:
    eda.need("ngspice")
    made = cells(gaussian([[1.0]]), "rc")
    settings = transient(made, 100_000)
    said: list[str] = []
    with pytest.raises(PplError) as error:
        run_deck(emit_deck(made, settings, "m"), made, settings, Oversight(limit=1.0, say=said.append))
    assert error.value.diagnostics[0].code == "E707"
    shares = [int(one.removeprefix("ngspice: ").removesuffix("%")) for one in said]
    assert shares == sorted(shares)
    assert shares


def test_a_circuit_that_diverges_is_told() -> None:
    eda.need("ngspice")
    of = lowered("var x : real\nenergy well: x^4 - 2 * x^2\n", {})
    made = cells(of, "rc")
    settings = transient(made, 20)
    with pytest.raises(PplError) as error:
        read(replace(made, drive=-made.drive), settings, 1)
    assert error.value.diagnostics[0].code == "E733"
