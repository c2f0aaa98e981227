"""Models as factor graphs and netlists, against the density of the same model."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from scipy.special import logsumexp

import ppl
from ppl.circuits.compiling import Options, lowered
from ppl.compiler.density.compiled import compile_density
from ppl.errors import PplError
from ppl.hardware.energies import energies
from ppl.hardware.exact import enumerated, product
from ppl.hardware.factors import FactorGraph
from ppl.hardware.fidelity import fidelity
from ppl.hardware.lowering.direct import direct
from ppl.hardware.lowering.evidence import folded
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.readout import decoded
from tests.hardware.random_graphs import graph_of

# Models whose latents are all discrete, their data, and what is clamped.
MODELS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "spins on a ring": (
        "dim site ordered\ndata J[site], h[site]\nvar s[site] : spin\n"
        "energy pairs: -J[i] * s[i] * s[i-1] for i in site[1:]\nenergy fields: -h[site] * s[site]",
        {"J": [0.1, 0.7, -0.4, 1.2], "h": [0.3, -0.2, 0.0, 0.5]},
        {"s[1]": 1},
    ),
    "a network of causes": (
        "data alarm : bool\nburglary ~ Bernoulli(0.1)\nquake ~ Bernoulli(0.2)\n"
        "alarm ~ Bernoulli(0.9 * burglary + 0.05 * quake + 0.01)",
        {"alarm": True},
        {},
    ),
    "a mixture with all else known": (
        "dim obs, k = 3\ndata y[obs], m[k], p[k]\nz[obs] ~ Categorical(p)\ny[obs] ~ Normal(m[z[obs]], 0.7)",
        {"y": [0.1, 2.2, -1.0], "m": [-1.0, 0.0, 2.0], "p": [0.2, 0.5, 0.3]},
        {},
    ),
    "a hidden chain": (
        "dim t ordered, k = 3\ndata y[t], p[k], move[k, k], m[k]\nz[0] ~ Categorical(p)\n"
        "z[t] ~ Categorical(move[z[t-1]]) for t in t[1:]\ny[t] ~ Normal(m[z[t]], 1)",
        {
            "y": [0.1, 2.2, -1.0, 0.3],
            "p": [0.2, 0.5, 0.3],
            "m": [-1.0, 0.0, 2.0],
            "move": [[0.8, 0.1, 0.1], [0.0, 0.5, 0.5], [0.3, 0.3, 0.4]],
        },
        {},
    ),
    "counts with a latent held": (
        "dim site\ndata y[site] : count\nrate ~ Exponential(1)\nn[site] ~ truncated(Poisson(rate), upper=4)\n"
        "y[site] ~ Binomial(n[site], 0.5)",
        {"y": [0, 2, 1]},
        {"rate": 1.5},
    ),
    "a machine of two layers, a unit held": (
        "dim v = 3, h = 2\ndata w[v, h], a[v]\nvar s[v] : spin\nvar u[h] : spin\n"
        "energy joined: -w[v, h] * s[v] * u[h]\nenergy fields: -a[v] * s[v]",
        {"w": [[0.3, -0.8], [1.1, 0.2], [-0.5, 0.6]], "a": [0.1, -0.4, 0.2]},
        {"s[1]": -1},
    ),
    "a cell with three parents": (
        "dim i = 3\ndata w[i], c, fires : bool\nx[i] ~ Bernoulli(0.3)\n"
        "fires ~ BernoulliLogit(c + sum(w[i] * x[i] for i in i))",
        {"w": [1.0, -2.0, 0.7], "c": -0.3, "fires": True},
        {},
    ),
}

LOWERINGS = (
    Options(encoding="one-hot", kl=1e-3),
    Options(encoding="domain-wall", fabric="pairwise", degree=4),
    Options(encoding="binary", fabric="pairwise", reduction="rosenberg"),
)


@pytest.mark.parametrize("name", MODELS)
def test_the_netlist_of_a_model_has_its_density(name: str) -> None:
    """State by state, and all together: log Z is the density with everything summed out."""
    text, data, clamps = MODELS[name]
    bound = ppl.compile(text).bind(data, set=clamps)
    graph = graph_of(bound)
    with jax.enable_x64(True):
        walked = compile_density(bound.graph, bound.dataset, summed=False)
        states = product(range(k) for k in graph.cardinality)
        exact = np.asarray(jax.vmap(lambda s: walked.given(s).log_density(np.zeros(0)))(states))
        whole = float(compile_density(bound.graph, bound.dataset).log_density(np.zeros(0)))
    finite = np.isfinite(exact)
    assert finite.any()
    np.testing.assert_allclose(-graph.energies(states)[finite], exact[finite], atol=1e-12)
    assert np.isinf(graph.energies(states)[~finite]).all()
    assert logsumexp(exact) == pytest.approx(whole, abs=1e-12)
    assert enumerated(direct(folded(graph)))[2] == pytest.approx(whole, abs=1e-12)
    for options in LOWERINGS:
        found = fidelity(lowered(folded(graph), options), folded(graph))
        assert found.exact_kl is not None
        assert found.exact_kl < (options.kl or 1e-12)


@pytest.mark.long
def test_a_long_chain_has_the_evidence_and_the_marginals_of_the_density() -> None:
    """Forty states, far beyond enumeration: the tables of the netlist are summed up from its end, and moments are those
    of the density with all else summed out, at a state that is held."""
    rng = np.random.default_rng(3)
    text, data, _ = MODELS["a hidden chain"]
    model, long = ppl.compile(text), {**data, "y": rng.normal(size=40).tolist()}
    with jax.enable_x64(True):
        whole = [_log_z(model, long, clamps) for clamps in ({}, {"z[20]": 1})]
    graphs = [_folded(model, long, clamps) for clamps in ({}, {"z[20]": 1})]
    np.testing.assert_allclose([_log_sum(direct(graph)) for graph in graphs], whole, rtol=1e-12)
    graph = graphs[0]
    netlist = lowered(graph, Options(encoding="one-hot", fabric="pairwise"))
    (variable,) = netlist.variables
    for _ in range(20):
        states = rng.integers(3, size=40)
        units = np.zeros(netlist.size, np.int64)
        units[variable.units[np.arange(40), states]] = 1
        energy = float(graph.energies(states))
        assert decoded(netlist, units)[1] == np.isfinite(energy)
        if np.isfinite(energy):
            assert float(energies(netlist, units)) == pytest.approx(energy, rel=1e-12)


def _folded(model: ppl.Model, data: dict[str, Any], clamps: dict[str, Any]) -> FactorGraph:
    bound = model.bind(data, set=clamps)
    return folded(graph_of(bound))


def _log_z(model: ppl.Model, data: dict[str, Any], clamps: dict[str, Any]) -> float:
    return float(model.log_density(data, set=clamps).log_density(np.zeros(0)))


def _log_sum(netlist: Netlist) -> float:
    """log Z of tables of one unit, and of units next to each other."""
    alone = np.zeros((netlist.size, 3))
    joined: dict[tuple[int, int], np.ndarray] = {}
    for tables in netlist.tables:
        for row, energy in zip(tables.units, tables.energy, strict=True):
            if len(row) == 1:
                alone[row[0]] -= energy
            else:
                first, second = sorted(row)
                joined[first, second] = joined.get((first, second), 0.0) - (energy if row[0] == first else energy.T)
    message = np.zeros(3)
    for unit in range(netlist.size - 1, 0, -1):
        step = joined.get((unit - 1, unit), np.zeros((3, 3)))
        message = logsumexp(step + alone[unit] + message, axis=1)
    return float(logsumexp(alone[0] + message)) - netlist.offset


def test_a_netlist_in_python() -> None:
    text, data, clamps = MODELS["spins on a ring"]
    made = ppl.compile(text).netlist(data, set=clamps, kl=1e-3, fabric="pairwise")
    assert made.is_pairwise
    assert made.names == ("s[0]", "s[2]", "s[3]")
    with pytest.raises(PplError, match="`bits` is no option of a netlist"):
        ppl.compile(text).netlist(data, bits=3)


def test_what_is_continuous_is_refused_at_its_line() -> None:
    bound = ppl.compile("dim k = 2\ndata y\nm ~ Normal(0, 1)\nz ~ Bernoulli(0.5)\ny ~ Normal(m + z, 1)").bind(
        {"y": 1.0}
    )
    with pytest.raises(PplError) as error:
        graph_of(bound)
    (said,) = error.value.diagnostics
    assert (said.code, said.title) == ("E701", "`m` is continuous, and p-bits have states")
    assert "--set m=" in said.hints[0]


def test_nothing_to_compile() -> None:
    bound = ppl.compile("data y\nx = 2 * y").bind({"y": 1.0})
    with pytest.raises(PplError, match="nothing to compile"):
        graph_of(bound)
