"""The elements of one input: their type, finiteness, index range and bounds."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ppl.compiler.binding.constants import evaluate
from ppl.compiler.binding.gaps import missing_elements
from ppl.dataset import RawArray
from ppl.errors import Diagnostic
from ppl.graph import Axis, Expr, Input, ModelGraph
from ppl.types import IndexOf, Scalar

Array = npt.NDArray[np.generic]

_SHOWN = 4
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]+)?")

_WORDS = {
    Scalar.REAL: "a number",
    Scalar.INT: "a whole number",
    Scalar.COUNT: "a count: a whole number, 0 or more",
    Scalar.BOOL: "true or false (1 or 0)",
    Scalar.SPIN: "-1 or +1",
}


def convert(
    declared: Input, entry: RawArray, sizes: Mapping[str, int], labels: Mapping[str, tuple[str, ...]]
) -> tuple[Array | None, list[Diagnostic]]:
    """Raw values as float64, int64 or bool, of the declared type; or what is wrong with them."""
    place = _Places(declared, entry.origin, labels, entry.missing)
    if isinstance(declared.element, IndexOf):
        return _index(declared, declared.element, entry, sizes, labels, place)
    values = entry.values
    if values.dtype.kind in "UO":
        flat = values.ravel().tolist()
        text = np.array([isinstance(x, str) or not _is_number(x) for x in flat]).reshape(values.shape)
        gaps = np.array([x is None for x in flat]).reshape(values.shape)
        text &= ~gaps
        errors = []
        if text.any():
            numeric = np.array([_reads_as_number(x) for x in flat]).reshape(values.shape)
            # Where one field of a column is no number, all of them are text: those that are no numbers are at fault.
            strange = text & ~numeric
            hints = () if strange.any() else ("write numbers without quotes",)
            text = text if hints else strange
            if any(_COMMA.fullmatch(x) for x in values[strange].tolist() if isinstance(x, str)):
                hints = ("decimals have a point: write 1.5, not 1,5",)
            errors.append(place.error("E304", "has the wrong type", text, values, _WORDS[declared.element], hints))
        if gaps.any():
            errors.append(place.gaps(gaps, values))
        if errors:
            return None, errors
        values = np.array([float(x) for x in flat]).reshape(values.shape)
    if values.dtype.kind == "f":
        finite = np.isfinite(values)
        if not finite.all():
            return None, [place.gaps(~finite, values)]
    return _of_type(declared.element, values, place)


def _is_number(x: object) -> bool:
    return isinstance(x, bool | int | float | np.number | np.bool_)


def _reads_as_number(x: object) -> bool:
    text = str(x)
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and "_" not in text


def _of_type(element: Scalar, values: Array, place: _Places) -> tuple[Array | None, list[Diagnostic]]:
    numbers = values.astype(np.float64)
    wrong: npt.NDArray[np.bool_]
    match element:
        case Scalar.REAL:
            return numbers, []
        case Scalar.INT:
            wrong = numbers != np.floor(numbers)
        case Scalar.COUNT:
            wrong = (numbers != np.floor(numbers)) | (numbers < 0)
        case Scalar.BOOL:
            wrong = (numbers != 0) & (numbers != 1)
        case Scalar.SPIN:
            wrong = np.abs(numbers) != 1
    if np.any(wrong):
        return None, [place.error("E304", "has the wrong type", np.asarray(wrong), values, _WORDS[element])]
    large = np.abs(numbers) >= 2.0**53
    if np.any(large):
        return None, [place.error("E304", "is too large", large, values, "a whole number below 2^53")]
    return (values.astype(np.bool_) if element is Scalar.BOOL else values.astype(np.int64)), []


def _index(
    declared: Input,
    element: IndexOf,
    entry: RawArray,
    sizes: Mapping[str, int],
    labels: Mapping[str, tuple[str, ...]],
    place: _Places,
) -> tuple[Array | None, list[Diagnostic]]:
    dim, size, values = element.dim, sizes[element.dim], entry.values
    if values.dtype.kind == "O":
        gaps = np.array([x is None for x in values.ravel().tolist()]).reshape(values.shape)
        if gaps.any():
            return None, [place.gaps(gaps, values)]
        numbers = np.array([not isinstance(x, str) for x in values.ravel().tolist()]).reshape(values.shape)
        if dim not in labels:
            return None, [place.error("E304", "has the wrong type", numbers, values, "text, as the others are")]
        values = np.array([str(x) for x in values.ravel().tolist()]).reshape(values.shape)
    if values.dtype.kind == "b":
        words = f"a label of `{dim}` or its position"
        return None, [place.error("E304", "has the wrong type", np.ones(values.shape, np.bool_), values, words)]
    if values.dtype.kind == "U":
        return _from_labels(declared, dim, values, labels, place)
    if values.dtype.kind == "f":
        finite = np.isfinite(values)
        if not finite.all():
            return None, [place.gaps(~finite, values)]
        wrong = (values != np.floor(values)) | (np.abs(values) >= 2.0**53)
        if np.any(wrong):
            words = f"a label of `{dim}` or its position, a whole number"
            return None, [place.error("E304", "has the wrong type", np.asarray(wrong), values, words)]
    positions = values.astype(np.int64) - element.first
    outside = (positions < 0) | (positions >= size)
    names = values.astype(np.int64).astype(np.str_)
    if np.isin(names, labels.get(dim, ())).any():
        # Where elements are called by numbers, numbers call them, unless they can be positions too.
        by_label, errors = _from_labels(declared, dim, names, labels, place)
        if outside.any() or (by_label is not None and np.array_equal(by_label, positions)):
            return by_label, errors
        return None, [_two_readings(declared, element, names, positions, labels[dim])]
    if not outside.any():
        return positions, []
    low, high = int(values.min()), int(values.max())
    if element.first == 0 and low >= 1 and high == size:
        mend = f"declare it as `{declared.name}{_over(declared)} : {dim} from 1`"
        return None, [
            Diagnostic(
                "E308",
                f"`{declared.name}` counts `{dim}` from 1",
                declared.span,
                f"positions count from 0 here, and its values run from {low} to {high} for {size} elements",
                (mend,),
            )
        ]
    last = size - 1 + element.first
    words = f"a position of `{dim}`, from {element.first} to {last}"
    distinct = np.unique(values.astype(np.int64)).tolist()
    listed = ", ".join(map(str, distinct))
    hint = f'if its numbers are names of elements, list them in the data: "{dim}": [{listed}]'
    hints = (hint,) if len(distinct) == size and low > last else ()
    return None, [place.error("E307", f"has positions that `{dim}` does not have", outside, values, words, hints)]


def _over(declared: Input) -> str:
    return "[" + ", ".join(declared.dims) + "]" if declared.dims else ""


def _two_readings(
    declared: Input, element: IndexOf, names: Array, positions: Array, own: tuple[str, ...]
) -> Diagnostic:
    """Numbers that are labels, or positions of other elements."""
    dim = element.dim
    pairs = list(dict.fromkeys(zip(names.ravel().tolist(), positions.ravel().tolist(), strict=True)))
    stray = next((name for name, _ in pairs if name not in own), None)
    name, position = next(((n, p) for n, p in pairs if n in own and own[p] != n), pairs[0])
    if own[position] != name and name in own:
        words = f"{name} is the label `{name}`, and the position of `{own[position]}` counted from {element.first}"
    else:
        name = next(n for n, _ in pairs if n in own)
        words = f"{name} is the label `{name}`, but {stray} is no label"
    hints = [f'if its numbers are labels, give them as text: "{name}"']
    if own == tuple(str(i + 1) for i in range(len(own))) and stray is None:
        hints.insert(0, f"if its positions count from 1, declare `{declared.name}{_over(declared)} : {dim} from 1`")
    hints.append(f'if they are positions, give the labels instead: "{own[pairs[0][1]]}" for {pairs[0][0]}')
    title = f"`{declared.name}` can be read as labels of `{dim}` and as positions"
    return Diagnostic("E316", title, declared.span, words, tuple(hints))


def _from_labels(
    declared: Input, dim: str, values: Array, labels: Mapping[str, tuple[str, ...]], place: _Places
) -> tuple[Array | None, list[Diagnostic]]:
    own = labels.get(dim)
    if own is None:
        return None, [
            Diagnostic(
                "E306",
                f"`{declared.name}` gives labels, but `{dim}` has none",
                declared.span,
                f"the first is `{values.ravel()[0]}`",
                (f'name its elements: an entry "{dim}" with a list of labels, in order',),
            )
        ]
    position = {label: i for i, label in enumerate(own)}
    flat = values.ravel().tolist()
    unknown = np.array([x not in position for x in flat]).reshape(values.shape)
    if unknown.any():
        hints: list[str] = []
        for stray in dict.fromkeys(values[unknown].tolist()):
            close = difflib.get_close_matches(stray, own, n=1)
            if close and len(hints) < _SHOWN:
                hints.append(f"`{stray}`: did you mean `{close[0]}`?")
        if not hints:
            hints.append(f"the labels of `{dim}` are {', '.join(own[:10])}{', ...' if len(own) > 10 else ''}")
        what = f"has labels that `{dim}` does not have"
        return None, [place.error("E306", what, unknown, values, f"a label of `{dim}`", tuple(hints))]
    return np.array([position[x] for x in flat], dtype=np.int64).reshape(values.shape), []


# --- bounds ------------------------------------------------------------------------------------------


def within_bounds(
    graph: ModelGraph,
    declared: Input,
    arrays: Mapping[str, Array],
    sizes: Mapping[str, int],
    labels: Mapping[str, tuple[str, ...]],
) -> list[Diagnostic]:
    """Elements outside the declared bounds."""
    values = arrays[declared.name].astype(np.float64)
    place = _Places(declared, "the data", labels, None)
    errors = []
    for bound, side in ((declared.lower, "lower"), (declared.upper, "upper")):
        limit = None if bound is None else _limit(bound, declared, arrays, sizes, labels)
        if bound is None or limit is None:
            continue
        if side == "lower":
            wrong = values <= limit if declared.strict else values < limit
            sign = ">" if declared.strict else ">="
        else:
            wrong = values >= limit if declared.strict else values > limit
            sign = "<" if declared.strict else "<="
        if np.any(wrong):
            text = graph.source.text[bound.meta.span.start : bound.meta.span.end]
            words = f"{sign} {text}" if text else f"{sign} {np.ravel(limit)[0]}"
            errors.append(place.error("E309", "is out of its bounds", np.asarray(wrong), values, words))
    return errors


def _limit(
    bound: Expr,
    declared: Input,
    arrays: Mapping[str, Array],
    sizes: Mapping[str, int],
    labels: Mapping[str, tuple[str, ...]],
) -> npt.NDArray[np.float64] | None:
    """A bound, broadcast against the input's own dims."""
    value = evaluate(bound, arrays, sizes, labels)
    if value is None:
        return None
    axes: tuple[Axis, ...] = bound.meta.axes
    shape = [1] * len(declared.dims)
    order = []
    for i, dim in enumerate(declared.dims):
        at = [k for k, axis in enumerate(axes) if axis.dim == dim]
        if at:
            order.append(at[0])
            shape[i] = value.shape[at[0]]
    if len(order) != value.ndim:
        return None
    return np.transpose(value, order).reshape(shape)


# --- words -------------------------------------------------------------------------------------------


class _Places:
    """Names elements of an input in messages: `y[3] (Choate)`."""

    def __init__(
        self,
        declared: Input,
        origin: str,
        labels: Mapping[str, tuple[str, ...]],
        missing: npt.NDArray[np.bool_] | None,
    ) -> None:
        self._declared = declared
        self._origin = origin
        self._labels = labels
        self._missing = missing

    def element(self, position: tuple[int, ...]) -> str:
        if not position:
            return f"`{self._declared.name}`"
        named = [
            self._labels[dim][i]
            for dim, i in zip(self._declared.dims, position, strict=True)
            if i < len(self._labels.get(dim, ()))
        ]
        text = f"`{self._declared.name}[{', '.join(map(str, position))}]`"
        return f"{text} ({', '.join(named)})" if named else text

    def error(
        self,
        code: str,
        what: str,
        wrong: npt.NDArray[np.bool_],
        values: Array,
        wanted: str,
        hints: tuple[str, ...] = (),
    ) -> Diagnostic:
        """One diagnostic for all wrong elements of the input; the first few are listed."""
        there = wrong if self._missing is None else wrong & ~self._missing
        at = [tuple(int(i) for i in p) for p in np.argwhere(there)]
        first = f"{self.element(at[0])} is {_shown(values[at[0]])}; it should be {wanted}"
        listed = [f"{self.element(p)} is {_shown(values[p])}" for p in at[1:_SHOWN]]
        if len(at) > 1:
            more = f", and {len(at) - _SHOWN} more" if len(at) > _SHOWN else ""
            hints = (f"also {', '.join(listed)}{more} ({len(at)} of {values.size})", *hints)
        return Diagnostic(code, f"`{self._declared.name}` {what}", self._declared.span, first, hints)

    def gaps(self, wrong: npt.NDArray[np.bool_], values: Array) -> Diagnostic:
        """Missing or infinite elements."""
        declared = self._declared
        hint = "leave those elements out, or fill them in"
        if missing_elements(values).any() and not declared.optional:
            hint += f", or declare them as quantities to infer: `data {declared.name}{_over(declared)}?`"
        return self.error(
            "E305",
            "has infinite values" if declared.optional else "has missing or infinite values",
            wrong,
            values,
            "a finite number" if not isinstance(declared.element, IndexOf) else "there",
            (hint,),
        )


def _shown(value: object) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    if value is None:
        return "missing"
    if isinstance(value, str):
        return f'the text "{value[:40]}"'
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)
