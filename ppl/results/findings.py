"""One thing noticed of a run; and what its engine noticed, read from the attributes of the results."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ppl.results.wording import Say


@dataclass(frozen=True)
class Finding:
    """One thing noticed. name: stable, for `--json`; trusted: whether the draws can be trusted in spite of it."""

    name: str
    title: str
    details: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    trusted: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)


def of_engine(remarks: object, say: Say) -> Iterator[Finding | str]:
    """An engine's remarks, as `remark_attrs` wrote them; words of praise as text. What is no remark, in a file of
    others, says nothing."""
    try:
        read = json.loads(remarks) if isinstance(remarks, str) else []
    except ValueError:
        return
    for one in read if isinstance(read, list) else []:
        if not isinstance(one, dict) or not {"name", "verdict", "title"} <= one.keys():
            continue
        if one["verdict"] == "good":
            yield str(one["title"])
            continue
        remedies = tuple(text.format(say(**settings)) for text, settings in one.get("remedies", ()))
        details = tuple(map(str, one.get("details", ())))
        trusted = one["verdict"] == "note"
        yield Finding(str(one["name"]), str(one["title"]), details, remedies, trusted, one.get("values", {}))
