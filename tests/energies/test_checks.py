"""What the checker makes of energies: which need to be marked as unnormalised, and what they leave undefined."""

from __future__ import annotations

import pytest

import ppl
from ppl.grammar.formatter import format_program
from ppl.grammar.parser import parse
from ppl.graph import Energy
from ppl.source import Source

DIMS = "dim site, edge\ndata src[edge] : site, dst[edge] : site\n"
ISING = "energy ising: -J * s[src[edge]] * s[dst[edge]]\n"

REFUSED = {
    "data": "data s[site] : spin\nJ ~ Normal(0, 1)\n" + ISING,
    "a variable": "var s[site] : spin\nJ ~ Normal(0, 1)\n" + ISING,
    "a clamped variable": "data seen[site] : spin\nvar s[site] : spin\nJ ~ Normal(0, 1)\n"
    + ISING
    + "observe s[site] = seen[site]\n",
    "through a value": "var s[site] : spin\nlogJ ~ Normal(0, 1)\nJ = exp(logJ)\n" + ISING,
    "a field": "var x[site]\ntau ~ Gamma(1, 1)\nenergy icar: 0.5 * tau * (x[src[edge]] - x[dst[edge]])^2\n",
    "a prior on a variable": "var s[site] : spin\nvar J\nJ ~ Normal(0, 1)\n" + ISING,
    "a latent index": "dim k = 2\nvar z[site] : k\nm[k] ~ Normal(0, 1)\nenergy e: m[z[site]]\n",
}

ACCEPTED = {
    "couplings are data": "data J[edge]\nvar s[site] : spin\nenergy ising: -J[edge] * s[src[edge]] * s[dst[edge]]\n",
    "no prior": "var s[site] : spin\nvar J in [0, 1]\n" + ISING,
    "only quantities with priors": "x[site] ~ Normal(0, 1)\nenergy pull: (x[src[edge]] - x[dst[edge]])^2\n",
    "one number of data": "data strength\nx[site] ~ Normal(0, 1)\nenergy ridge: strength * x[site]^2\n",
    "data as a filter": "data use[site] : bool\nx[site] ~ Normal(0, 1)\nenergy e: x[i]^2 for i in site if use[i]\n",
    "clamped quantities with priors": "a, b ~ Normal(0, 1)\nenergy e: a * b\nobserve a = 1\n",
    "a prior that is clamped": "var x[site]\nm ~ Normal(0, 1)\nenergy e: (x[site] - m)^2\nobserve m = 1\n",
    "apart": "var x[site]\nm ~ Normal(0, 1)\nenergy e: x[site]^4 - (m - 1)^4\n",
    "both have distributions": "x[site] ~ Normal(0, 1)\nm ~ Normal(0, 1)\nenergy e: (x[site] - m)^4\n",
}


def codes(text: str) -> list[str]:
    try:
        ppl.compile(text)
    except ppl.PplError as error:
        return [d.code for d in error.diagnostics]
    return []


@pytest.mark.parametrize("case", REFUSED)
def test_a_missing_normaliser_is_refused_unless_it_is_marked(case: str) -> None:
    text = DIMS + REFUSED[case]
    assert codes(text) == ["E211"]
    name = next(line.split()[1].rstrip(":") for line in text.splitlines() if line.startswith("energy"))
    marked = text.replace(f"energy {name}:", f"energy {name} unnormalised:")
    assert codes(marked) == []


@pytest.mark.parametrize("case", ACCEPTED)
def test_energies_that_are_no_likelihoods(case: str) -> None:
    assert codes(DIMS + ACCEPTED[case]) == []


def test_flat_quantities_that_nothing_weighs() -> None:
    assert codes("var x, y\nenergy e: x^2\n") == ["E212"]
    assert codes("var x, y\nenergy e: x^2\ny ~ Normal(0, 1)\n") == []
    assert codes("var x, y\nv = x + y\nenergy e: v^2\n") == []
    assert codes("var x in [0, 1], y in [0, x]\nenergy e: y\n") == []
    assert codes("var x, y\nenergy e: x^2\nobserve y = 1\n") == []
    assert codes("var x\ny ~ Normal(0, 1)\n") == []  # no energy: a flat prior that its author wants


def test_the_mark_is_kept_and_printed() -> None:
    text = "var x\nenergy   e   unnormalised :x^2\n"
    node = ppl.compile(text).graph.energies[0]
    assert node.unnormalised
    assert isinstance(node, Energy)
    assert format_program(parse(Source("<test>", text))) == "var x\nenergy e unnormalised: x^2\n"


def test_plates_of_energies() -> None:
    graph = ppl.compile("dim i, j\nvar x[i], y[j]\nenergy e: x[i] * y[j] + x[i]\nenergy f: y[q] for q in j\n").graph
    assert [[axis.dim for axis in e.axes] for e in graph.energies] == [["i", "j"], ["j"]]
