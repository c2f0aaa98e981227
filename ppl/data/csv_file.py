"""CSV: a header line, then one row for each element of a dim; every column is an entry over that dim."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ppl.data.files import broken, read_text
from ppl.dataset import RawArray

MISSING = frozenset({"", "NA", "N/A", "nan", "NaN", "NAN", "null", "None"})
# Stricter than Python's own reading, to which `1_000` is a number.
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?inf(?:inity)?", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?[0-9]+")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def read_csv(path: Path) -> dict[str, RawArray]:
    """Numbers where a column has only numbers, its text else; an empty field is a missing value.

    Blanks around a field are no part of it. The separator is a comma; tab in `.tsv`; semicolon if the header has no
    comma but semicolons.

    Raises:
        PplError: the file cannot be read, or is no table with named columns of one length (E313).
    """
    text = read_text(path)
    header = text.split("\n", 1)[0]
    separator = "\t" if path.suffix.lower() == ".tsv" else ";" if "," not in header and ";" in header else ","
    reader = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    try:
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise broken(path, f"not readable as CSV at line {reader.line_num}: {error}") from None
    if not rows:
        raise broken(path, "the file is empty", "the first line names the columns: y,sigma")
    names = [name.strip() for name in rows[0][1]]
    repeated = sorted({n for n in names if n and names.count(n) > 1})
    if repeated:
        raise broken(path, f"two columns are called `{repeated[0]}`")
    for line, row in rows[1:]:
        if len(row) != len(names):
            raise broken(path, f"line {line} has {len(row)} fields, but the header names {len(names)} columns")
    columns = list(zip(*(map(str.strip, row) for _, row in rows[1:]), strict=True)) or [()] * len(names)
    # A column without a name is the row index that data frames write.
    return {n: RawArray(_column(c), path.name, (None,)) for n, c in zip(names, columns, strict=True) if n}


def _column(fields: tuple[str, ...]) -> npt.NDArray[np.generic]:
    if all(_WHOLE.fullmatch(f) for f in fields):
        try:
            return np.array([int(f) for f in fields], dtype=np.int64)
        except (ValueError, OverflowError):  # too many digits
            pass
    if all(f in MISSING or NUMBER.fullmatch(f) for f in fields):
        return np.array([np.nan if f in MISSING else float(f) for f in fields], dtype=np.float64)
    missing = any(f in MISSING for f in fields)
    if all(f in _TRUTH or f in MISSING for f in fields):
        truths = [_TRUTH.get(f) for f in fields]
        return np.array(truths, dtype=object if missing else np.bool_)
    if missing:
        return np.array([None if f in MISSING else f for f in fields], dtype=object)
    return np.array(fields, dtype=np.str_)
