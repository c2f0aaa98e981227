"""JSON in Stan's layout: one object, an entry for each input, arrays as nested row-major lists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ppl.data.files import broken, read_text
from ppl.data.nested import from_nested
from ppl.dataset import RawArray


class _Twice(ValueError):
    """An entry given twice."""


def read_json(path: Path) -> dict[str, RawArray]:
    """An entry for each member of the object. `NaN`, `Infinity` and `null` are read (and refused later, by name and
    position).

    Raises:
        PplError: the file cannot be read, or is no object of JSON (E313).
    """
    text = read_text(path)
    try:
        content = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        line = text.split("\n")[error.lineno - 1]
        at = f"line {error.lineno}, column {error.colno}"
        raise broken(path, f"not valid JSON at {at}: {error.msg.lower()}", _excerpt(line, error.colno)) from None
    except _Twice as error:
        raise broken(path, str(error), "keep one of them") from None
    except (RecursionError, ValueError) as error:
        why = "its lists are nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise broken(path, f"not readable as JSON: {why}") from None
    if not isinstance(content, dict):
        raise broken(
            path,
            "the file holds no object with named entries",
            'write it as {"y": [1.5, 2.0], "sigma": [0.3, 0.4]}, an entry for each input of the model',
        )
    return {name: from_nested(value, path.name, name) for name, value in content.items()}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Twice(f"the entry `{twice}` is given twice")
    return content


def _excerpt(line: str, column: int) -> str:
    start = max(0, column - 40)
    shown = line[start : start + 80].replace("\t", " ")
    return f"{shown}\n{' ' * (column - 1 - start)}^" if shown.strip() else ""
