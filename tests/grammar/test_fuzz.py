"""Seeded inputs, 5,000 and in the long suite 20,000: each gives a program or an error message, and nothing else."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ppl.errors import PplError
from ppl.grammar.nodes import Program
from ppl.grammar.parser import parse
from ppl.source import Source
from tests.grammar.programs_at_random import program

PROGRAMS = [p.read_text(encoding="utf-8") for p in sorted((Path(__file__).parent / "programs").glob("*.ppl"))]
MISTAKES = [p.read_bytes().decode() for p in sorted((Path(__file__).parents[1] / "golden" / "syntax").glob("*.ppl"))]
# Seconds for one input, generous for a busy machine; a usual one takes a thousandth.
BOUND = 10.0
FRAGMENTS = [
    "(", ")", "[", "]", "{", "}", "\n", " ", "~", "=", ";", ":", ",", "//", "/*", "*/", "<-", "'", '"', "#", "-", "^",
    "if", "else", "not ", "for i in ", "data ", "dim ", "def f(x)", "return ", "energy e:", "1e999", "1.2.3",
    "\t", "\r", "\ufeff", "\x00", "“", "μ", "²", "\u200b", "true", "in", "@", "?", "$", "**", "\\",
    "real<lower=0> x;", "target += ",
]  # fmt: skip


def generated(rng: random.Random) -> str:
    return program(rng.randrange(10**9))


def mutated(rng: random.Random) -> str:
    """A right or a wrong program with pieces cut, doubled, swapped and put in."""
    text = rng.choice([rng.choice(PROGRAMS), rng.choice(MISTAKES), program(rng.randrange(10**9))])
    start = rng.randrange(max(1, len(text) - 300))
    text = text[start : start + 600]
    for _ in range(rng.randrange(1, 6)):
        i = rng.randrange(len(text) + 1)
        j = min(len(text), i + rng.choice([1, 1, 2, 5, 40]))
        k = rng.randrange(len(text) + 1)
        text = rng.choice(
            [
                text[:i] + text[j:],
                text[:i] + text[i:j] * 2 + text[j:],
                text[:i] + rng.choice(FRAGMENTS) + text[i:],
                text[:i] + rng.choice(FRAGMENTS) + text[j:],
                text[:k] + text[i:j] + text[k:],
                text[:i],
            ]
        )
    return text


def fragments(rng: random.Random) -> str:
    return "".join(rng.choice(FRAGMENTS) for _ in range(rng.randrange(60)))


def raw_bytes(rng: random.Random) -> str:
    data = rng.randbytes(rng.randrange(200))
    if rng.random() < 0.5:
        data = bytes(b & 0x7F for b in data)
    codec, errors = rng.choice(
        [("utf-8", "replace"), ("utf-8", "surrogateescape"), ("latin-1", "strict"), ("utf-16", "replace")]
    )
    return data.decode(codec, errors)


COUNTS = {generated: 4_000, mutated: 8_000, fragments: 4_000, raw_bytes: 4_000}


@pytest.mark.parametrize(
    ("make", "count"),
    [
        *((make, count // 4) for make, count in COUNTS.items()),
        *(pytest.param(make, count, marks=pytest.mark.long) for make, count in COUNTS.items()),
    ],
    ids=lambda value: value.__name__ if callable(value) else str(value),
)
def test_any_text_gives_a_program_or_an_error(make: Callable[[random.Random], str], count: int) -> None:
    programs = 0
    for seed in range(count):
        text = make(random.Random(f"{make.__name__} {seed}"))
        started = time.perf_counter()
        try:
            found = outcome(text)
        except Exception as error:  # whatever it is, the text that caused it is told
            raise AssertionError(f"{make.__name__} {seed}: {type(error).__name__} for {text!r}") from error
        assert time.perf_counter() - started < BOUND, f"{make.__name__} {seed}: {text!r}"
        programs += isinstance(found, Program)
        if isinstance(found, PplError):
            assert found.diagnostics, f"{make.__name__} {seed}: {text!r}"
            assert all(d.span is None or 0 <= d.span.start <= d.span.end for d in found.diagnostics)
    # The inputs are of both kinds, except that programs made to be right are right.
    assert programs == count if make is generated else 0 < programs < count


def outcome(text: str) -> Program | PplError:
    try:
        return parse(Source("fuzz", text))
    except PplError as error:
        return error
