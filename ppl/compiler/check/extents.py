"""Whether subscripts stay inside their dims, with the sizes that are known: those of the text, or all of them."""

from __future__ import annotations

from collections.abc import Mapping

from ppl.graph import Affine, Aligned, Axis, Fixed, Subscript, Whole


def first_and_last(axis: Axis | Whole, size: int | None) -> tuple[int | None, int | None, bool]:
    """Smallest and largest position that an axis takes; None where it depends on an unknown size. The last item says
    that the largest is counted from the end (`size + value`)."""
    start = axis.start if axis.start >= 0 else None if size is None else size + axis.start
    if axis.stop is None:
        stop, from_end = (0, True) if size is None else (size, False)
    elif axis.stop < 0:
        stop, from_end = (axis.stop, True) if size is None else (size + axis.stop, False)
    else:
        stop, from_end = axis.stop, False
    return start, stop - 1, from_end


_FROM_ZERO = "positions count from 0, and from the end from -1"


def outside(subscript: Subscript, dim: str, sizes: Mapping[str, int]) -> tuple[str, str] | None:
    """What is wrong and what to do, if a subscript certainly leaves its dim; with the sizes that are known."""
    size = sizes.get(dim)
    match subscript:
        case Fixed(position):
            if size is not None and not -size <= position < size:
                return f"`{dim}` has {size} elements, at positions 0 to {size - 1}", _FROM_ZERO
        case Whole():
            return _range_outside(subscript, dim, size)
        case Aligned(axis, shift):
            return _shift_outside(axis, shift, dim, size)
        case Affine(terms, offset):
            return _affine_outside(terms, offset, dim, sizes)
    return None


def _range_outside(whole: Whole | Axis, dim: str, size: int | None) -> tuple[str, str] | None:
    first, last, from_end = first_and_last(whole, size)
    if size is None:
        if first is not None and not from_end and last is not None and last < first:
            return "this range is empty", ""
        return None
    if first is None or last is None:
        return None
    if first < 0 or last >= size:
        return f"`{dim}` has {size} elements, at positions 0 to {size - 1}", ""
    if first > last:
        return f"this range is empty: `{dim}` has {size} elements", ""
    return None


def _shift_outside(axis: Axis, shift: int, dim: str, size: int | None) -> tuple[str, str] | None:
    first, last, from_end = first_and_last(axis, size)
    name = axis.name.partition("#")[0]
    if shift < 0 and first is not None and first + shift < 0:
        return (
            f"`{name}` begins at {first}, so this begins at {first + shift}, before the first element",
            f"begin later: `for {_index(name, dim)} in {dim}[{-shift}:]`",
        )
    if shift > 0 and last is not None:
        beyond = last + shift >= 0 if from_end else size is not None and last + shift >= size
        if beyond:
            return (
                f"this goes past the last element of `{dim}`",
                f"end earlier: `for {_index(name, dim)} in {dim}[:-{shift}]`",
            )
    return None


def _index(name: str, dim: str) -> str:
    return "t" if name == dim else name


def _affine_outside(
    terms: tuple[tuple[Axis, int], ...], offset: int, dim: str, sizes: Mapping[str, int]
) -> tuple[str, str] | None:
    low: int | None = offset
    high: int | None = offset
    for axis, coefficient in terms:
        first, last, from_end = first_and_last(axis, sizes.get(axis.dim))
        if from_end:
            last = None
        near, far = (first, last) if coefficient > 0 else (last, first)
        low = None if low is None or near is None else low + coefficient * near
        high = None if high is None or far is None else high + coefficient * far
    if low is not None and low < 0:
        return f"the smallest position this takes is {low}, before the first element", "begin the range later"
    size = sizes.get(dim)
    if high is not None and size is not None and high >= size:
        return f"the largest position this takes is {high}, and `{dim}` has {size} elements", "end the range earlier"
    return None
