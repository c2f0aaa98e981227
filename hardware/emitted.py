"""What a target comes out as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, eq=False)
class Emitted:
    """files: by their names below the output; of a target that is one file, its only one. rows: what is reported
    besides; data: the same for programs."""

    files: Mapping[str, bytes]
    rows: tuple[tuple[str, str], ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
