"""The checker as a whole: the programs of the language, speed, what it imports, what it never does."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ppl.compiler.check import check, check_sizes
from ppl.compiler.explain import explain
from ppl.dataset import Dataset
from ppl.errors import PplError
from ppl.grammar.parser import parse
from ppl.source import Source
from tests.check.programs import checked, codes, graph

ROOT = Path(__file__).parents[2]
MODELS = sorted((ROOT / "models").glob("*.ppl"))
GOLDEN = sorted((ROOT / "tests" / "golden" / "check").glob("*.ppl"))

GAUSSIAN_PROCESS = """
dim obs
data x[obs], y[obs]
rho   ~ InverseGamma(5, 5)
alpha, sigma ~ HalfNormal(1)
K[i, j] = alpha^2 * exp(-0.5 * ((x[i] - x[j]) / rho)^2)  for i in obs, j in obs
f[obs] ~ MvNormal(0, K)
y[obs] ~ Normal(f[obs], sigma)
"""


@pytest.mark.parametrize("model", MODELS, ids=lambda p: p.stem)
def test_models_have_neither_errors_nor_warnings(model: Path) -> None:
    assert checked(model.read_text(encoding="utf-8")).warnings == ()


def test_gaussian_process() -> None:
    assert checked(GAUSSIAN_PROCESS).warnings == ()


def test_every_error_in_one_run() -> None:
    text = "dim obs\ndata y[obs]\na ~ normal(0, 1)\nb ~ Normal(0, c)\nd = y[obs]\ny[obs] ~ Normal(e, -1)"
    assert codes(text) == ["E201", "E101", "E105", "E101", "E203"]


def test_not_more_errors_than_a_reader_can_use() -> None:
    said = codes("\n".join(f"a{n} = nowhere{n}" for n in range(500)))
    assert (len(said), set(said)) == (101, {"E101", "E042"})


def test_a_wrong_definition_is_reported_once() -> None:
    assert codes("a ~ Normal(b, 1)\nc = a + 1\nd ~ Normal(c * a, exp(a))") == ["E101"]


def test_two_thousand_lines_do_not_hang() -> None:
    """They take a fraction of a second; the bound is for a pass that is not linear."""
    n = 400
    lines = ["dim obs", "data x[obs]", "data " + ", ".join(f"y{i}[obs]" for i in range(n))]
    lines += [f"b{i} ~ Normal(0, 1)" for i in range(2 * n)]
    lines += [f"m{i}[obs] = b{2 * i} + b{2 * i + 1} * x[obs] + exp(b{i}) * sigmoid(x[obs])" for i in range(n)]
    lines += [f"s{i} ~ HalfNormal(1)" for i in range(n)]
    lines += [f"y{i}[obs] ~ Normal(m{i}[obs], s{i})" for i in range(n)]
    program = parse(Source("<test>", "\n".join(lines)))
    begun = time.process_time()
    check(program)
    assert time.process_time() - begun < 10.0


def test_checking_imports_neither_jax_nor_numpy() -> None:
    code = (
        "import sys\n"
        "from ppl.compiler.check import check\nfrom ppl.compiler.explain import explain\n"
        "from ppl.grammar.parser import parse\nfrom ppl.source import Source\n"
        "explain(check(parse(Source('m', 'x ~ Normal(0, 1)'))).graph)\n"
        "print([m for m in ('jax', 'numpy', 'numpyro', 'pandas', 'xarray', 'arviz') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


# --- texts nobody would write --------------------------------------------------------------------------------------

_TOKENS = re.compile(r"[A-Za-z_]\w*|\d+\.?\d*|\"[^\"]*\"|[<>=]=|.|\n")


def test_whatever_parses_is_a_model_or_an_error() -> None:
    texts = [p.read_text(encoding="utf-8") for p in (*MODELS, *GOLDEN)]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    words = [w for text in texts for w in _TOKENS.findall(text) if re.match(r"\w", w)]
    reached = 0
    for seed in range(500):
        r = random.Random(seed)
        if r.random() < 0.5:
            tokens = _TOKENS.findall(r.choice(texts))
            places = [n for n, t in enumerate(tokens) if re.match(r"\w", t)]
            for _ in range(r.randint(1, 3)):
                tokens[r.choice(places)] = r.choice(words)
            text = "".join(tokens)
        else:
            kept = r.choice(texts).splitlines()
            for _ in range(r.randint(1, 6)):
                kept.insert(r.randrange(len(kept) + 1), r.choice(lines))
            text = "\n".join(kept)
        try:
            program = parse(Source("<test>", text))
        except PplError:
            continue
        reached += 1
        try:
            model = check(program).graph
        except PplError:
            continue
        assert explain(model)
        check_sizes(model, {name: dim.size or len(dim.labels or "ab") for name, dim in model.dims.items()})
    assert reached > 150


def test_expansion_is_bounded() -> None:
    begun = time.process_time()
    doubling = ["def f0(x) = x + x"] + [f"def f{n + 1}(x) = f{n}(x) + f{n}(x)" for n in range(30)]
    assert codes("\n".join([*doubling, "a = f30(1)"])) == ["E125"]
    chain = ["def f0(x) = x"] + [f"def f{n + 1}(x) = f{n}(x){' + 1' * 60}" for n in range(20)]
    assert codes("\n".join([*chain, "a = f20(1)"])) == ["E125"]
    nested = "mu"
    for _ in range(40):
        nested = f"g({nested})"
    assert codes(f"def g(x) = {' + '.join('x' * 100)}\nmu ~ Normal(0, 1)\na = {nested}") == ["E125"]
    assert codes(f"a = max({', '.join('1' * 2000)})") == ["E125"]
    locals_ = "\n".join(f"x{n + 1} = x{n} * x{n}" for n in range(300))
    assert codes(f"def h(x0) {{\n{locals_}\nreturn x300\n}}\na = h(2)") == ["E125"]
    often = "def d(x) = x + x\nmu ~ Normal(0, 1)\n" + "\n".join(f"a{n} = {'d(' * 14}mu{')' * 14}" for n in range(50))
    assert codes(often) == ["E125"]
    values = ["v0 ~ Normal(0, 1)", *(f"v{n + 1} = v{n} + v{n}" for n in range(200))]
    assert codes("\n".join(values)) == []
    assert time.process_time() - begun < 20.0


def test_the_deepest_expressions_that_parse_are_checked() -> None:
    assert codes(f"mu ~ Normal(0, 1)\na = {' + '.join(['mu'] * 100)}\nb = {'(' * 45}mu{')' * 45}") == []
    assert codes(f"mu ~ Normal(0, 1)\nx ~ Normal(0, {'exp(' * 40}mu{')' * 40})") == []


# --- explain ---------------------------------------------------------------------------------------------------------


def test_explain() -> None:
    text = """
dim obs
dim k = 2
data y[obs] > 0, c[obs] : k
w[k] ~ Dirichlet(fill(1, k))
var b[k] in [0, 1]
m[obs] = b[c[obs]]
y[i] ~ LogNormal(m[i], 1) for i in obs if y[i] > 1
c[obs] ~ Categorical(w)
predict z[obs] ~ Normal(m[obs], 1)
"""
    said = explain(graph(text), Dataset({"obs": 7}, {}, {}))
    for line in (
        "obs  7 elements, from the data",
        "y[obs]  real, > 0  observed  line 4",
        "w[k]  simplex of 2  a vector over k",
        "b[k]  in [0, 1]  one for each k",
        "m[obs] = b[c[obs]]",
        "m[obs]  real  recorded  line 7",
        "z[obs] ~ Normal(m[obs], 1)  line 10",
        "likelihood  for each i in obs if y[i] > 1  line 8",
    ):
        assert re.sub(" +", " ", line) in re.sub(" +", " ", said), (line, said)
