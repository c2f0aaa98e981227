"""Tree to text: the same tree again, the same text again, every comment still there."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ppl.errors import PplError
from ppl.grammar import nodes
from ppl.grammar.formatter import format_program
from ppl.grammar.parser import parse
from ppl.source import Source
from tests.grammar.programs_at_random import program
from tests.grammar.test_fuzz import mutated
from tests.grammar.trees import without_spans

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.ppl"))


def formatted(text: str) -> str:
    return format_program(parse(Source("m.ppl", text)))


def assert_faithful(text: str) -> None:
    """The three promises of the formatter."""
    before = parse(Source("before", text))
    once = format_program(before)
    after = parse(Source("after", once))
    assert without_spans(after.statements) == without_spans(before.statements), once
    assert sorted(c.text.rstrip() for c in after.comments) == sorted(c.text.rstrip() for c in before.comments), once
    assert format_program(after) == once
    assert "\n\n\n" not in once
    assert not once.startswith("\n")
    assert all(line == line.rstrip() for line in once.split("\n"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_programs(path: Path) -> None:
    assert_faithful(path.read_text(encoding="utf-8"))


def test_random_programs() -> None:
    for seed in range(500):
        assert_faithful(program(seed))


def test_mutated_programs_that_parse() -> None:
    tried = 0
    for seed in range(800):
        text = mutated(random.Random(seed))
        try:
            parse(Source("m.ppl", text))
        except PplError:
            continue
        tried += 1
        assert_faithful(text)
    assert tried > 50


# Chosen to show one rule each: (as written, as formatted).
LAYOUTS = {
    "signs align over adjacent lines": (
        "mu~Normal(0,5)\ntheta[school]~Normal(mu,tau)\n\nx=1\n",
        "mu            ~ Normal(0, 5)\ntheta[school] ~ Normal(mu, tau)\n\nx = 1\n",
    ),
    "loops align": (
        "P[k, s] ~ Dirichlet(a) for k in state\nm ~ Normal(0, 1)\nz[t] ~ Normal(0, 10) for t in time[1:]\n",
        "P[k, s] ~ Dirichlet(a)   for k in state\nm       ~ Normal(0, 1)\nz[t]    ~ Normal(0, 10)  for t in time[1:]\n",
    ),
    "libraries": ("use   gates # logic\nuse=1\n", "use gates  # logic\nuse = 1\n"),
    "energies align after the colon": (
        "energy coupling:-a\nenergy field: -b\n",
        "energy coupling: -a\nenergy field:    -b\n",
    ),
    "trailing comments align": ("x = 1 # one\nlong = 22#two\n", "x    = 1   # one\nlong = 22  #two\n"),
    "a comment line parts a run": (
        "x = 1\n# then\nlonger = 2\n",
        "x = 1\n# then\nlonger = 2\n",
    ),
    "wide characters count double": ("値段 = 1\nx = 2\n", "値段 = 1\nx    = 2\n"),
    "combining marks count nothing": ("μ\u0302 = 1\nab = 2\n", "μ\u0302  = 1\nab = 2\n"),
    "blank lines": ("\n\n\nx = 1\n\n\n\n# c\n\n\ny = 2\n\n\n", "x = 1\n\n# c\n\ny = 2\n"),
    "indices are tight": (
        "x[t]=y[t - 1 - k]*z[ 2*k+1 ] + w[f(a+b)]+v[i-1 : i+1,:]",
        "x[t] = y[t-1-k] * z[2*k+1] + w[f(a + b)] + v[i-1:i+1, :]\n",
    ),
    "brackets of the writer stay": ("x = (a*b) + ((c)) - -(d)", "x = (a * b) + (c) - -(d)\n"),
    "keywords": ("x~Normal( mean = 0,scale=1 )", "x ~ Normal(mean=0, scale=1)\n"),
    "line breaks in brackets stay": (
        "x = f(\n a,\n     b)\ny = (a\n  + b)\n",
        "x = f(\n    a,\n    b)\ny = (a\n    + b)\n",
    ),
    "comments in brackets stay": (
        "x = f(a, # first\n  # second\n b # last\n)\n",
        "x = f(a,  # first\n    # second\n    b  # last\n)\n",
    ),
    "blocks": (
        "for i in obs{ y[i]~Normal(0,1); zz[i]=2 # two\n\n# end\n }",
        "for i in obs {\n    y[i]  ~ Normal(0, 1)\n    zz[i] = 2  # two\n\n    # end\n}\n",
    ),
    "comment behind a brace": (
        "for i in obs { # all\n\n x[i]=1 }# done",
        "for i in obs {  # all\n    x[i] = 1\n}  # done\n",
    ),
    "functions": ("def f(x,y)=x\ndef g(x){a=x;return a}", "def f(x, y) = x\ndef g(x) {\n    a = x\n    return a\n}\n"),
    "dims": ('dim a,b=3,c={d,"e f"}ordered', 'dim a, b = 3, c = {d, "e f"} ordered\n'),
    "data": (
        "data y[ a,b ]?:count>=0,p in[0,1],c[a]:d from 1",
        "data y[a, b]? : count >= 0, p in [0, 1], c[a] : d from 1\n",
    ),
    "nothing": ("", ""),
    "only comments": ("  # a\n\n\n   #b", "# a\n\n#b\n"),
    "line ends": ("x = 1\r\n\r\n# c\r\ny = 2\r\n", "x = 1\n\n# c\ny = 2\n"),
}


@pytest.mark.parametrize("rule", LAYOUTS)
def test_layout(rule: str) -> None:
    text, expected = LAYOUTS[rule]
    assert formatted(text) == expected
    assert_faithful(text)


def test_a_tree_without_its_text_gets_the_brackets_it_needs() -> None:
    """Trees that other passes build have spans that mean nothing."""
    text = (
        "x = (a + b) * -(c ^ (d if e else f)) - (g - (h - i)) + (-j)^2 + (k < l) + (not m) + n[(o or p)] + (q and r)^s"
    )
    program = parse(Source("m.ppl", text))
    bare = nodes.Program(program.statements, (), Source("none", ""))
    printed = format_program(bare)
    assert without_spans(parse(Source("m.ppl", printed)).statements) == without_spans(program.statements)
    assert printed.count("(") == 8
