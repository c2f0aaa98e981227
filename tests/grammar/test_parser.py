"""Text to tree: every program of the language page, precedence, spans, limits, speed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ppl.errors import PplError
from ppl.grammar import limits, nodes
from ppl.grammar.formatter import format_program
from ppl.grammar.parser import build_parser, parse
from ppl.source import Source, Span
from tests.grammar.programs_at_random import program
from tests.grammar.trees import nodes_of, without_spans

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.ppl"))


def statements(text: str) -> tuple[nodes.Statement, ...]:
    return parse(Source("m.ppl", text)).statements


def value(text: str) -> nodes.Expr:
    (statement,) = statements(f"x = {text}")
    assert isinstance(statement, nodes.Assign)
    return statement.value


def grouped(e: nodes.Expr) -> str:
    """An expression with every operation in brackets."""
    match e:
        case nodes.Binary():
            return f"({grouped(e.left)} {e.op} {grouped(e.right)})"
        case nodes.Unary():
            return f"({e.op} {grouped(e.operand)})"
        case nodes.Conditional():
            return f"({grouped(e.then)} if {grouped(e.test)} else {grouped(e.otherwise)})"
        case nodes.Index():
            return f"{grouped(e.base)}[...]"
        case nodes.Attribute():
            return f"{grouped(e.base)}.{e.name.id}"
        case nodes.Call():
            return f"{e.function.id}(...)"
        case nodes.Name():
            return e.id
        case nodes.Number():
            return e.text
    raise AssertionError(e)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_program_parses(path: Path) -> None:
    assert parse(Source(path.name, path.read_text(encoding="utf-8"))).statements


def test_grammar_has_no_conflicts_and_no_colliding_terminals() -> None:
    build_parser(strict=True)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("a - b - c", "((a - b) - c)"),
        ("a / b * c // d % e @ f", "(((((a / b) * c) // d) % e) @ f)"),
        ("a + b * c", "(a + (b * c))"),
        ("-a^b", "(- (a ^ b))"),
        ("a^b^c", "(a ^ (b ^ c))"),
        ("a^-b", "(a ^ (- b))"),
        ("-a * b", "((- a) * b)"),
        ("a - -b", "(a - (- b))"),
        ("not a == b", "(not (a == b))"),
        ("not a and b or c", "(((not a) and b) or c)"),
        ("a or b and c", "(a or (b and c))"),
        ("a + b < c * d", "((a + b) < (c * d))"),
        ("a if b else c if d else e", "(a if b else (c if d else e))"),
        ("a if b or c else d", "(a if (b or c) else d)"),
        ("a.b[c].d^2", "(a.b[...].d ^ 2)"),
        ("x[i] - x[j]", "(x[...] - x[...])"),
    ],
)
def test_precedence(text: str, meaning: str) -> None:
    assert grouped(value(text)) == meaning


def test_statement_fields() -> None:
    dim, data, sample, energy, loop = statements(
        "dim s = {a, 'b c'} ordered, n = 3\n"
        "data y[s, n]? : county from 1 >= 0, p in [0, 1]\n"
        "a, b[i-1, 2:, 'x'] ~ Normal(0, scale=1) for i in n[1:] if y[i]\n"
        "energy e: sum(v for k in s)\n"
        "for i in n { x[i] = 1; predict z[i] ~ Normal(0, 1) }\n"
    )
    assert isinstance(dim, nodes.DimDeclaration)
    assert [(i.name.id, i.size, i.ordered) for i in dim.items] == [("s", None, True), ("n", 3, False)]
    assert dim.items[0].labels is not None
    assert [name.id for name in dim.items[0].labels] == ["a", "b c"]
    assert isinstance(data, nodes.DataDeclaration)
    y, p = data.items
    assert ([a.id for a in y.axes], y.missing) == (["s", "n"], True)
    assert y.type is not None
    assert (y.type.name.id, y.type.first) == ("county", 1)
    assert y.bounds is not None
    assert (y.bounds.strict, y.bounds.upper) == (False, None)
    assert p.bounds is not None
    assert isinstance(p.bounds.upper, nodes.Number)
    assert isinstance(sample, nodes.Sample)
    assert [t.name.id for t in sample.targets] == ["a", "b"]
    difference, part, text = sample.targets[1].indices
    assert isinstance(difference, nodes.Binary)
    assert isinstance(part, nodes.Slice)
    assert part.stop is None
    assert isinstance(text, nodes.Text)
    assert text.value == "x"
    assert sample.loop is not None
    assert sample.loop.bindings[0].range is not None
    assert isinstance(sample.loop.condition, nodes.Index)
    assert isinstance(sample.distribution, nodes.Call)
    assert [a.name.id if a.name else None for a in sample.distribution.arguments] == [None, "scale"]
    assert isinstance(energy, nodes.Energy)
    assert isinstance(energy.value, nodes.Call)
    assert energy.value.loop is not None
    assert isinstance(loop, nodes.ForBlock)
    assert [type(s).__name__ for s in loop.body] == ["Assign", "Predict"]


def test_words_special_in_one_place_are_names_elsewhere() -> None:
    assert len(statements("dim ordered ordered, from\nfrom = ordered(from)\ndata from[ordered] : from from 1\n")) == 3
    library, *others = statements("use use\nuse = 1\nuse[i] ~ f(use)\nx = 1 for i in use if use[i]\n")
    assert isinstance(library, nodes.Use)
    assert not any(isinstance(statement, nodes.Use) for statement in others)


def test_names_are_plain_strings_in_normal_form() -> None:
    micro, greek = statements("\u00b5 = 1\n\u03bc = 1\n")
    assert isinstance(micro, nodes.Assign)
    assert without_spans(micro) == without_spans(greek)
    assert type(micro.targets[0].name.id) is str
    for path in PROGRAMS:
        for node in nodes_of(parse(Source(path.name, path.read_text(encoding="utf-8"))).statements):
            for field in vars(node).values():
                assert not isinstance(field, str) or type(field) is str


def test_spans_contain_their_parts_and_say_what_they_cover() -> None:
    texts = [p.read_text(encoding="utf-8") for p in PROGRAMS] + [program(seed) for seed in range(100)]
    for text in texts:
        source = Source("m.ppl", text)
        for node in nodes_of(parse(source).statements):
            covered = text[node.span.start : node.span.end]
            assert covered == covered.strip()
            assert covered
            for part in vars(node).values():
                for inner in part if isinstance(part, tuple) else (part,):
                    span = getattr(inner, "span", None)
                    if isinstance(span, Span):
                        assert node.span.start <= span.start <= span.end <= node.span.end
            if isinstance(node, nodes.Name) and covered.isidentifier():
                assert len(covered) == len(node.id)
    e = value("(a + b) * c")
    assert isinstance(e, nodes.Binary)
    assert (e.span, e.left.span) == (Span(4, 15), Span(4, 11))


@pytest.mark.parametrize("text", ["", "\n", "\ufeff", " \t\r\n", "# only a comment", "\n\n#\n"])
def test_a_text_may_be_empty(text: str) -> None:
    assert parse(Source("m.ppl", text)).statements == ()


def test_line_ends_are_alike() -> None:
    text = "x = f(\n  1,\n  2)\n\nfor i in d {\n  y[i] = 1\n}\n"
    expected = without_spans(statements(text))
    assert without_spans(statements(text.replace("\n", "\r\n"))) == expected
    assert without_spans(statements(text.replace("\n", "\r"))) == expected
    assert without_spans(statements("\ufeff" + text.replace("  ", "\t"))) == expected


# --- limits ------------------------------------------------------------------------------------------

MANY = 5_000
DEEP = {
    "brackets": "x = " + "(" * MANY + "1" + ")" * MANY,
    "calls": "x = " + "f(" * MANY + "1" + ")" * MANY,
    "indices": "x = " + "a[" * MANY + "1" + "]" * MANY,
    "open brackets": "x = " + "(" * MANY,
    "closing brackets": "x = " + ")" * MANY,
    "braces": "{" * MANY,
    "blocks": "for i in d {\n" * MANY + "x = 1\n" + "}\n" * MANY,
    "minus": "x = " + "-" * MANY + "1",
    "not": "x = " + "not " * MANY + "a",
    "powers": "x = " + "a^" * MANY + "a",
    "signed powers": "x = " + "a^-" * MANY + "a",
    "sums": "x = " + "a+" * MANY + "a",
    "products": "x = " + "a*" * MANY + "a",
    "conditionals": "x = " + "a if b else " * MANY + "c",
    "ands": "x = " + "a and " * MANY + "b",
    "attributes": "x = a" + ".b" * MANY,
    "index chains": "x = a" + "[1]" * MANY,
    "bounds": "data x > " + "-" * MANY + "1",
    "in an index": "x[" + "-" * MANY + "1] = 2",
    "in a function": "def f(x) {\n a = " + "x+" * MANY + "x\n return a\n}",
    "in a loop": "x[i] = 1 for i in d if " + "not " * MANY + "c",
    "in a reduction": "x = sum(1 for i in d if " + "not " * MANY + "c)",
}


@pytest.mark.parametrize("kind", DEEP)
def test_depth_is_an_error_and_never_a_crash(kind: str) -> None:
    started = time.perf_counter()
    with pytest.raises(PplError) as caught:
        parse(Source("m.ppl", DEEP[kind]))
    assert time.perf_counter() - started < 20
    allowed = {"E002", "E003", "E032", "E033", "E035", "E042"}
    assert {d.code for d in caught.value.diagnostics} <= allowed


def test_the_deepest_expressions_leave_later_passes_room() -> None:
    """Anything that parses can be walked by a recursion of a few calls a level."""
    deep = f"x = {'a+' * (limits.DEPTH - 1)}a\n"
    nested = f"y = {'(' * limits.NESTING}1{')' * limits.NESTING}\n"
    mixed = "z = " + "f(-" * (limits.NESTING) + "1" + ")" * limits.NESTING + "\n"
    blocks = "for i in d {\n" * limits.BLOCKS + "x[i] = 1\n" + "}\n" * limits.BLOCKS
    before = sys.getrecursionlimit()
    text = deep + nested + mixed + blocks
    program = parse(Source("m.ppl", text))
    # hash, repr and comparison of frozen dataclasses recurse; so does the formatter, with three calls a level.
    assert program == parse(Source("m.ppl", text))
    assert hash(program) == hash(parse(Source("m.ppl", text)))
    assert repr(program)
    assert without_spans(statements(format_program(program))) == without_spans(program.statements)
    assert sys.getrecursionlimit() == before


def test_one_more_level_is_too_deep() -> None:
    with pytest.raises(PplError) as caught:
        parse(Source("m.ppl", f"x = {'a+' * limits.DEPTH}a\n"))
    assert [d.code for d in caught.value.diagnostics] == ["E033"]


# --- speed -------------------------------------------------------------------------------------------


def test_time_grows_with_the_text_and_not_faster() -> None:
    """Every way to make lines, right or wrong, twice as long a text takes about twice the time."""
    kinds = {
        "right": "y[obs] ~ Normal(alpha[county_of[obs]] + b * x[obs], sigma)  # comment\n",
        "mistakes": "mu <- Normal(0, 5)\n",
        "open brackets": "x = f(a,\ny ~ Normal(0, 1)\n",
        "open quotes": "x = 'a \" b\n",
        "unknown": "x = § § §\n",
        "remarks": "// it's a remark\n",
        "block": "for i in d { x[i] = 1 }\n",
    }
    parse(Source("m.ppl", ""))
    for kind, line in kinds.items():
        seconds = []
        for count in (150, 1_200):
            started = time.perf_counter()
            with contextlib.suppress(PplError):
                format_program(parse(Source("m.ppl", line * count)))
            seconds.append(time.perf_counter() - started)
        assert seconds[1] < 40 * max(seconds[0], 0.01), (kind, seconds)
        assert seconds[1] < 20, (kind, seconds)


@pytest.mark.parametrize("text", ["x = a" + "//a" * 60_000, "x = f(a" + "//a" * 60_000, "x = a" + "/*//b*/" * 30_000])
def test_one_long_line_is_read_in_one_pass(text: str) -> None:
    started = time.perf_counter()
    with pytest.raises(PplError):
        parse(Source("m.ppl", text))
    assert time.perf_counter() - started < 60


def test_a_long_model_is_read_without_numerical_packages() -> None:
    """Processor time of a fresh process, import and tables included."""
    path = Path(__file__).parent / "programs" / "radon.ppl"
    script = f"""
import sys, time
from ppl.grammar.formatter import format_program
from ppl.grammar.parser import parse
from ppl.source import Source
text = open({str(path)!r}, encoding="utf-8").read() * 222
assert 1_990 < text.count("\\n") < 2_010
parse(Source("m.ppl", text))
print(time.process_time())
loaded = {{"jax", "numpy", "pandas", "scipy", "arviz"}} & set(sys.modules)
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 20.0  # a hang, not a measurement
