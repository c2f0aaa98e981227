"""What a distribution can give: the values outside its support, and that support in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.catalogue.membership import outside
from ppl.catalogue.supports import SUPPORTS, in_words
from ppl.graph import Distribution, Expr

Array = npt.NDArray[np.generic]
Mask = npt.NDArray[np.bool_]
Limit = Callable[[Expr | None], "Array | None"]


@dataclass(frozen=True)
class Possible:
    """wrong: which events a distribution can never give, (batch...); words: what it gives for the one at a place.
    support, event_rank: of the distribution of the catalogue inside; lower, upper: its ends, where they are known."""

    wrong: Mask
    words: Callable[[tuple[int, ...]], str]
    support: str
    event_rank: int
    lower: Array | None = None
    upper: Array | None = None


def possible(distribution: Distribution, values: Array, limit: Limit, sizes: Callable[[Expr], int]) -> Possible:
    """Of a distribution whose events are the last dims of `values`. limit: a bound as far as data alone determine it,
    over the batch; sizes: of the last event dim of an expression."""
    match distribution.name:
        case "zerosum":
            return _of_support("zero_sum" if distribution.event_rank == 1 else "zero_sum_matrix", values, None, None)
        case "mixture":
            return _any([possible(part, values, limit, sizes) for part in distribution.parts])
    if distribution.base is None:
        return _of_catalogue(distribution, values, limit, sizes, None, None)
    lower, upper = (limit(distribution.parameter(name)) for name in ("lower", "upper"))
    if distribution.name == "truncated" and distribution.base.base is None:
        return _truncated(distribution.base, _of_catalogue(distribution.base, values, limit, sizes, lower, upper))
    inner = possible(distribution.base, values, limit, sizes)
    match distribution.name:
        case "truncated":
            return _between(inner, inner.wrong, values, lower, upper, "not below", "not above")
        case "censored":
            return _censored(distribution, inner, values, lower, upper)
        case "zeroinflated":
            zero = np.asarray(values == 0)
            words = inner.words if not (inner.wrong & zero).any() else lambda at: f"0 or {inner.words(at)}"
            return Possible(inner.wrong & ~zero, words, inner.support, inner.event_rank)
        case _:
            return inner


def _of_catalogue(
    distribution: Distribution,
    values: Array,
    limit: Limit,
    sizes: Callable[[Expr], int],
    lower: Array | None,
    upper: Array | None,
) -> Possible:
    spec = DISTRIBUTIONS[distribution.name]
    if lower is None and spec.lower:
        lower = limit(distribution.parameter(spec.lower))
    if upper is None and spec.upper:
        upper = limit(distribution.parameter(spec.upper))
    if spec.observable == "categorical" and upper is None:
        sized = next((p for _, p in distribution.parameters if p.meta.event), None)
        if sized is not None:
            cutpoints = distribution.name == "OrderedLogistic"  # one fewer than there are categories
            upper = np.asarray(sizes(sized) - (0 if cutpoints else 1))
    return _of_support(spec.observable, values, lower, upper)


def _truncated(base: Distribution, found: Possible) -> Possible:
    """In words, a truncated continuous distribution is an interval."""
    if DISTRIBUTIONS[base.name].discrete:
        return found
    low = SUPPORTS[found.support].lower

    def words(at: tuple[int, ...]) -> str:
        ends = (None if b is None else float(b[at]) for b in (found.lower, found.upper))
        return in_words("interval", *(own if end is None else end for end, own in zip(ends, (low, None), strict=True)))

    return replace(found, words=words)


def _of_support(support: str, values: Array, lower: Array | None, upper: Array | None) -> Possible:
    rank = SUPPORTS[support].event_rank
    shape = values.shape[: values.ndim - rank]
    low, high = (None if b is None else np.broadcast_to(b, shape) for b in (lower, upper))

    def words(at: tuple[int, ...]) -> str:
        return in_words(support, *(None if b is None else float(b[at]) for b in (low, high)))

    return Possible(outside(support, values, low, high), words, support, rank, low, high)


def _any(parts: list[Possible]) -> Possible:
    def words(at: tuple[int, ...]) -> str:
        return " or ".join(dict.fromkeys(part.words(at) for part in parts))

    wrong = np.asarray(np.logical_and.reduce([part.wrong for part in parts]))
    return Possible(wrong, words, parts[0].support, parts[0].event_rank)


def _between(
    inner: Possible, wrong: Mask, values: Array, lower: Array | None, upper: Array | None, below: str, above: str
) -> Possible:
    numbers = np.asarray(values, dtype=np.float64)
    low, high = (
        None if b is None else np.broadcast_to(np.asarray(b, dtype=np.float64), values.shape) for b in (lower, upper)
    )
    if low is not None:
        wrong = wrong | (numbers < low)
    if high is not None:
        wrong = wrong | (numbers > high)

    def words(at: tuple[int, ...]) -> str:
        ends = [f"{word} {float(b[at]):.10g}" for word, b in ((below, low), (above, high)) if b is not None]
        return ", ".join([inner.words(at), " and ".join(ends)])

    return Possible(wrong, words, inner.support, inner.event_rank)


def _censored(
    distribution: Distribution, inner: Possible, values: Array, lower: Array | None, upper: Array | None
) -> Possible:
    """At a bound any base can be; bounds that data alone do not determine may be anywhere."""
    wrong = inner.wrong
    for name, bound in (("lower", lower), ("upper", upper)):
        if bound is not None:
            wrong = wrong & np.asarray(values != bound)
        elif distribution.parameter(name) is not None:
            wrong = np.zeros_like(wrong)
    return _between(inner, wrong, values, lower, upper, "censored below", "censored above")
