"""One way in: whatever the data are given as → named raw arrays."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ppl.data.files import SUFFIXES, missing_file
from ppl.data.nested import from_array, from_nested, tidy
from ppl.data.objects import data_array, frame_columns, frame_matrix, kind_of, series, xarray_dataset
from ppl.dataset import RawArray
from ppl.errors import Diagnostic, PplError
from ppl.grammar.build import normalised


def load(data: Any) -> dict[str, RawArray]:
    """Data from a path, a mapping of names to values, a pandas DataFrame, an xarray Dataset, or several of these.

    Values of a mapping are numbers, nested lists, label-keyed mappings, arrays, Series, DataFrames or DataArrays.

    Names are brought into the normal form (NFKC) that names of a model have.

    Raises:
        PplError: a file is missing or malformed, or an entry is given twice.
    """
    several = isinstance(data, Sequence) and not isinstance(data, str)
    return _merge([load(part) for part in data] if several else [_load(data)])


def _load(data: Any) -> dict[str, RawArray]:
    if data is None:
        return {}
    if isinstance(data, str | PathLike):
        return _read(Path(data))
    kind = kind_of(data)
    if kind == "DataFrame":
        columns = [str(column) for column in data.columns]
        repeated = [column for column, count in Counter(columns).items() if count > 1]
        if repeated:
            raise PplError([_given_twice(column, "the data frame") for column in repeated])
        return frame_columns(data, "the data frame")
    if kind == "Dataset":
        return xarray_dataset(data, "the data set")
    if isinstance(data, Mapping):
        return {str(name): value_of(value, "the data", str(name)) for name, value in data.items()}
    raise PplError(
        [
            Diagnostic(
                "E314",
                f"data cannot be given as `{type(data).__name__}`",
                hints=("give a mapping of names to values, a pandas DataFrame, an xarray Dataset, or a path",),
            )
        ]
    )


def value_of(value: Any, origin: str, name: str) -> RawArray:
    """One value of a mapping."""
    match kind_of(value):
        case "DataFrame":
            return frame_matrix(value, origin)
        case "Series":
            return series(value, origin)
        case "DataArray":
            return data_array(value, origin)
    if isinstance(value, RawArray):
        return value
    if isinstance(value, Mapping | list | tuple):
        return from_nested(value, origin, name)
    if isinstance(value, range):
        return from_nested(list(value), origin, name)
    if np.ma.isMaskedArray(value):
        return RawArray(tidy(value.ravel().tolist()).reshape(value.shape), origin, (None,) * value.ndim)
    if hasattr(value, "__array__"):
        return from_array(np.asarray(value), origin)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return RawArray(np.empty(0), origin, problem=f"it is a `{type(value).__name__}`; give a list or an array")
    return RawArray(tidy([value]).reshape(()), origin)


def _read(path: Path) -> dict[str, RawArray]:
    match path.suffix.lower():
        case ".json":
            from ppl.data.json_file import read_json

            return read_json(path)
        case ".csv" | ".tsv":
            from ppl.data.csv_file import read_csv

            return read_csv(path)
        case ".npz":
            from ppl.data.npz_file import read_npz

            return read_npz(path)
    if not os.path.exists(path):
        raise missing_file(path)
    raise PplError(
        [
            Diagnostic(
                "E314",
                f"{path}: data files end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}",
                hints=("rename or convert it",),
            )
        ]
    )


def _merge(parts: list[dict[str, RawArray]]) -> dict[str, RawArray]:
    merged: dict[str, RawArray] = {}
    twice: list[Diagnostic] = []
    for part in parts:
        for written, entry in part.items():
            name = normalised(written)
            if name in merged:
                twice.append(_given_twice(name, " and ".join(dict.fromkeys((merged[name].origin, entry.origin)))))
            merged[name] = entry
    if twice:
        raise PplError(twice)
    return merged


def _given_twice(name: str, where: str) -> Diagnostic:
    return Diagnostic("E302", f"`{name}` is given twice: in {where}", hints=("keep one of them",))
