"""Which distributions a combinator can take, and why it cannot take others."""

from __future__ import annotations

from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.check.heads import Head

Flaw = tuple[Head, str, str]

# What each combinator can hold inside, besides distributions of the catalogue.
_INSIDE = {
    "truncated": ("truncated", "mixture", "zeroinflated"),
    "censored": ("truncated", "mixture", "zeroinflated"),
    "ordered": ("truncated", "mixture"),
    "zerosum": (),
    "mixture": ("truncated", "mixture", "zeroinflated"),
    "zeroinflated": ("truncated", "mixture"),
}


def flaw(found: Head) -> Flaw | None:
    """Why a combinator cannot take what it is given: the part, what is wrong with it, what to write instead."""
    for part in found.parts:
        if part.combinator and part.combinator not in _INSIDE[found.combinator]:
            return part, *_nested(found.combinator, part.combinator)
        if part.combinator == "zeroinflated" and not part.spec.discrete and found.combinator != "censored":
            label = "a zero inside a continuous distribution has a probability, and the rest a density"
            return part, label, f"put `zeroinflated` outside: `zeroinflated(p, {found.combinator}(...))`"
    match found.combinator:
        case "truncated" | "censored":
            return _without_tails(found)
        case "ordered":
            return _unorderable(found)
        case "zerosum":
            return _not_normal(found)
        case "mixture":
            return _unlike(found)
        case _:
            return _no_zero(found)


def _nested(outer: str, inner: str) -> tuple[str, str]:
    if inner == "censored":
        return (
            "`censored` is about what is seen of a draw, so it comes last",
            f"put it outside: `censored({outer}(...))`",
        )
    allowed = _INSIDE[outer]
    takes = "a distribution of the catalogue" + (f", or {' or '.join(f'`{n}`' for n in allowed)}" if allowed else "")
    return f"`{outer}` takes {takes}, not `{inner}(...)`", ""


def _without_tails(found: Head) -> Flaw | None:
    for leaf in found.leaves():
        if not leaf.spec.truncatable:
            hint = "distributions of a single number whose distribution function is known can"
            return leaf, f"`{leaf.spec.name}` cannot be {found.combinator}", hint
    return None


def _unorderable(found: Head) -> Flaw | None:
    for leaf in found.leaves():
        if not leaf.spec.orderable:
            hint = "continuous distributions of a number on the real line or above 0 can"
            return leaf, f"`{leaf.spec.name}` cannot be put in order", hint
    return None


def _not_normal(found: Head) -> Flaw | None:
    part = found.parts[0]
    if part.spec.name == "Normal":
        return None
    hint = "write `zerosum(Normal(0, scale))`; for other tails, subtract the mean: `x[k] - mean(x)`"
    return part, f"`zerosum` takes a `Normal`, not `{part.spec.name}`", hint


def _unlike(found: Head) -> Flaw | None:
    """Components whose densities are not over the same things."""
    first = next(found.leaves())
    kind, rank = SUPPORTS[first.spec.support], first.spec.event_rank
    for leaf in found.leaves():
        other = SUPPORTS[leaf.spec.support]
        if leaf.spec.discrete != first.spec.discrete:
            words = {True: "discrete values", False: "real numbers"}
            label = f"`{first.spec.name}` draws {words[first.spec.discrete]}, and `{leaf.spec.name}` "
            label += words[leaf.spec.discrete]
            hint = "for data that are often exactly 0, write `zeroinflated(p, ...)`" if first.spec.discrete else ""
            return leaf, label, hint or "a mixture is of densities, or of probabilities"
        if leaf.spec.event_rank != rank or (kind.name == "categorical") != (other.name == "categorical"):
            label = f"`{first.spec.name}` draws {_shape(first)}, and `{leaf.spec.name}` {_shape(leaf)}"
            return leaf, label, "the components of a mixture draw the same kind of thing"
    return None


def _shape(leaf: Head) -> str:
    if leaf.spec.support == "categorical":
        return "a category"
    return ("a number", "a vector", "a matrix")[leaf.spec.event_rank]


def _no_zero(found: Head) -> Flaw | None:
    for leaf in found.leaves():
        if leaf.spec.event_rank or leaf.spec.support in ("bool", "categorical"):
            what = "true or false" if leaf.spec.support == "bool" else _shape(leaf)
            return leaf, f"`{leaf.spec.name}` draws {what}; more zeros make sense of numbers", ""
    return None
