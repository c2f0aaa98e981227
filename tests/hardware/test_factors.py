"""Models as factor graphs and netlists, against the density of the same model."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from scipy.special import logsumexp

import ppl
from ppl.circuits.factors import factor_graph
from ppl.compiler.density.compiled import compile_density
from ppl.errors import PplError
from ppl.hardware.exact import enumerated, product
from ppl.hardware.lowering.direct import direct
from ppl.hardware.lowering.evidence import folded

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
}


@pytest.mark.parametrize("name", MODELS)
def test_the_netlist_of_a_model_has_its_density(name: str) -> None:
    """State by state, and all together: log Z is the density with everything summed out."""
    text, data, clamps = MODELS[name]
    bound = ppl.compile(text).bind(data, set=clamps)
    graph = factor_graph(bound.graph, bound.dataset, "m")
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


def test_what_is_continuous_is_refused_at_its_line() -> None:
    bound = ppl.compile("dim k = 2\ndata y\nm ~ Normal(0, 1)\nz ~ Bernoulli(0.5)\ny ~ Normal(m + z, 1)").bind(
        {"y": 1.0}
    )
    with pytest.raises(PplError) as error:
        factor_graph(bound.graph, bound.dataset, "m")
    (said,) = error.value.diagnostics
    assert (said.code, said.title) == ("E701", "`m` is continuous, and p-bits have states")
    assert "--set m=" in said.hints[0]


def test_nothing_to_compile() -> None:
    bound = ppl.compile("data y\nx = 2 * y").bind({"y": 1.0})
    with pytest.raises(PplError, match="nothing to compile"):
        factor_graph(bound.graph, bound.dataset, "m")
