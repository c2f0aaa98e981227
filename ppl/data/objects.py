"""pandas and xarray objects → raw arrays. Neither library is imported here: the objects bring their own."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import numpy.typing as npt

from ppl.data.nested import tidy
from ppl.dataset import RawArray


def kind_of(value: Any) -> str | None:
    """`DataFrame`, `Series`, `Dataset` or `DataArray`, for objects of pandas and xarray; None for others."""
    for cls in type(value).__mro__:
        root = cls.__module__.partition(".")[0]
        if (root, cls.__name__) in {
            ("pandas", "DataFrame"),
            ("pandas", "Series"),
            ("xarray", "Dataset"),
            ("xarray", "DataArray"),
        }:
            return cls.__name__
    return None


def frame_columns(frame: Any, origin: str) -> dict[str, RawArray]:
    """A data frame as a table: every column, and every level of the index that has a name, is an entry over the dim of
    its rows."""
    index = frame.index
    # Columns of one table belong together, so that an index with repeats may be ignored if nothing is lost with it:
    # bare numbers (after pandas.concat), or levels that are entries.
    bare = index.nlevels == 1 and index.dtype.kind in "iu"
    kept = bare or all(name is not None for name in index.names)
    labels = None if kept and not index.is_unique else _index_labels(index)
    entries = {str(name): _column(frame[name], origin, labels) for name in frame.columns}
    for level, name in enumerate(index.names):
        if name is not None and str(name) not in entries:
            entries[str(name)] = _column(index.get_level_values(level).to_series(), origin, labels)
    return entries


def frame_matrix(frame: Any, origin: str) -> RawArray:
    """A data frame as the value of one input: rows are its first dim, columns its second."""
    columns = tuple(str(c) for c in frame.columns)
    values = frame.to_numpy()
    return RawArray(_plain(values), origin, (_index_labels(frame.index), columns))


def series(value: Any, origin: str) -> RawArray:
    """A pandas Series; its index labels the axis."""
    return _column(value, origin, _index_labels(value.index))


def data_array(value: Any, origin: str) -> RawArray:
    """Axes keep their names; coordinates become labels."""
    labels = tuple(_coordinate(value, d) for d in value.dims)
    return RawArray(_plain(np.asarray(value.values)), origin, labels, tuple(str(d) for d in value.dims))


def xarray_dataset(value: Any, origin: str) -> dict[str, RawArray]:
    """Every variable is an entry, and so is a coordinate along a dim of another name."""
    entries = {str(name): data_array(variable, origin) for name, variable in value.data_vars.items()}
    for name in value.coords:
        # A coordinate that is no index of its own (county names along obs) can serve as an input.
        if str(name) not in entries and name not in value.dims:
            entries[str(name)] = data_array(value.coords[name], origin)
    return entries


def _coordinate(value: Any, dim: Hashable) -> tuple[str, ...] | None:
    if dim not in value.coords:
        return None
    return tuple(str(x) for x in value.coords[dim].values.tolist())


def _index_labels(index: Any) -> tuple[str, ...]:
    """Labels of a pandas index. Those of a default one (0, 1, ...) matter only beside another order of them."""
    if index.nlevels > 1:
        return tuple(" ".join(map(str, key)) for key in index)
    return tuple(str(x) for x in index)


def _column(column: Any, origin: str, labels: tuple[str, ...] | None) -> RawArray:
    """A pandas column with the labels of its rows. Categories of text keep their order, if they say that they have one;
    of an unordered Categorical it is only the alphabet's."""
    order: tuple[str, ...] | None = None
    if str(column.dtype) == "category" and column.cat.ordered:
        categories = column.cat.categories.tolist()
        order = tuple(categories) if all(isinstance(c, str) for c in categories) else None
    return RawArray(_values(column), origin, (labels,), categories=order)


def _values(column: Any) -> npt.NDArray[np.generic]:
    """A pandas column; categories become their labels, pandas' own missing values NaN or None."""
    if str(column.dtype) == "category":
        return _plain(np.asarray(column.astype(object)))
    return _plain(np.asarray(column.to_numpy()))


def _plain(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    if values.dtype.kind in "fiubU":
        return values
    if values.dtype.kind in "Mm":
        return values.astype(np.str_)
    leaves = [_leaf(x) for x in values.ravel().tolist()]
    return tidy(leaves).reshape(values.shape)


def _leaf(value: Any) -> Any:
    """NaN among text is a missing value, as pandas.NA is everywhere."""
    return None if isinstance(value, float) and value != value else value
