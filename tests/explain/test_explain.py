"""`ppl explain`: the joint density in mathematics, tables and the graph, word for word; what holds for any model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ppl.compiler.check import check
from ppl.compiler.explain import as_data, explain, latex, reports
from ppl.compiler.explain.drawing import drawing, graphviz
from ppl.compiler.explain.sections import Section
from ppl.errors import PplError
from ppl.grammar.parser import parse
from ppl.graph import ModelGraph
from ppl.source import Source
from tests import golden

ROOT = Path(__file__).parents[2]


def graph_of(path: Path) -> ModelGraph:
    return check(parse(Source(path.name, golden.read(path)))).graph


def checked_programs() -> list[Path]:
    """Every program of the tree that has no errors."""
    found = []
    for path in sorted([*(ROOT / "models").glob("*.ppl"), *(ROOT / "tests").rglob("*.ppl")]):
        try:
            graph_of(path)
        except PplError:
            continue
        found.append(path)
    return found


PROGRAMS = checked_programs()


@pytest.mark.parametrize("case", golden.cases("explain"), ids=lambda p: p.stem)
def test_explanation(case: Path) -> None:
    graph = graph_of(case)
    golden.check(case, "\n".join([explain(graph), latex(graph), graphviz(drawing(graph))]))


def test_no_stray_files() -> None:
    assert golden.strays("explain") == []


def test_every_quantity_is_in_each_form() -> None:
    assert len(PROGRAMS) > 10
    for path in PROGRAMS:
        graph = graph_of(path)
        found = as_data(graph)
        names = {n["name"] for n in found["graph"]["nodes"]}
        for latent in graph.latents:
            assert latent.name in names
            assert re.search(rf"^  {re.escape(latent.name)}\b", explain(graph), re.MULTILINE), (path, latent.name)
        assert {end for edge in found["graph"]["edges"] for end in edge} <= names
        assert found["sections"][0]["title"] == "joint density"


# --- LaTeX -------------------------------------------------------------------------------------------

# What amsmath and the kernel define, as far as it is used.
COMMANDS = re.findall(
    r"\w+",
    """begin end text operatorname left right frac sqrt sum prod exp log sin cos tan sinh cosh tanh max min quad cdot
    mid in le ge ne bmod wedge vee neg top lfloor rfloor propto textbackslash
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega
    Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega""",
)


def malformed(text: str) -> str:
    """What LaTeX would complain about: braces, pairs of \\left and \\right, environments, alignment, commands."""
    depth, open_ = 0, []
    for token in re.findall(r"\\[A-Za-z]+|\\.|[{}&]", text, re.DOTALL):
        if token == "{":
            depth += 1
            open_.append("{")
        elif token == "}":
            if not open_ or open_.pop() != "{":
                return "a brace closes nothing"
        elif token == r"\left":
            open_.append("left")
        elif token == r"\right":
            if not open_ or open_.pop() != "left":
                return r"a \right without its \left"
        elif token == "&" and "left" in open_ and r"\begin{cases}" not in text:
            return "an & inside a pair"
        elif re.fullmatch(r"\\[A-Za-z]+", token) and token[1:] not in COMMANDS:
            return f"{token} is not known"
    if re.search(r"(?<!\\)[%#$]", text):
        return "a character that LaTeX would obey"
    if open_:
        return "something is not closed"
    return "" if re.findall(r"\\begin\{(.*?)\}", text).count("align*") == 1 else "no align*"


def test_latex_is_well_formed() -> None:
    for path in PROGRAMS:
        assert malformed(latex(graph_of(path))) == "", path


@pytest.mark.parametrize("text", [r"\begin{align*}{\end{align*}", r"\begin{align*}\left(\end{align*}", r"\foo", "a_b%"])
def test_the_check_of_latex_sees_faults(text: str) -> None:
    assert malformed(text)


def test_names_that_latex_would_obey_are_escaped() -> None:
    text = 'dim k = {"a%b", "c#d$"}\nμ[k] ~ Normal(0, 1)\ntwo_words ~ Normal(μ["a%b"], exp(μ["c#d$"]))\n'
    said = latex(check(parse(Source("m", text))).graph)
    assert malformed(said) == ""
    assert r"\mu" in said
    assert r"\text{two\_words}" in said


# --- reports of passes -------------------------------------------------------------------------------


def test_reports_are_shown_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    made = (lambda graph, dataset: Section("one", ("a",)), lambda graph, dataset: None)
    monkeypatch.setattr("ppl.compiler.explain.REPORTS", (*made, lambda graph, dataset: Section("two", ("b", "c"))))
    said = explain(check(parse(Source("m", "x ~ Normal(0, 1)"))).graph)
    assert said.endswith("one:\n  a\n\ntwo:\n  b\n  c\n")
    assert reports.REPORTS
