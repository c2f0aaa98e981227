"""What contractions need of a lowering."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from ppl.compiler.density.program import Program
from ppl.compiler.lowering.named import Named
from ppl.graph import Axis, Expr


class Context(Protocol):
    """A lowering in NumPy (`records` is False) or in JAX; see `ppl.compiler.lowering.lower.Lowering`."""

    @property
    def program(self) -> Program: ...

    @property
    def xp(self) -> ModuleType: ...

    @property
    def records(self) -> bool: ...

    def value(self, expr: Expr, dtype: np.dtype[np.generic] | None = None) -> Named: ...

    def size(self, axis: Axis) -> int: ...

    def seen(self, axis: Axis) -> Axis: ...

    def spread(self, value: Named, axes: tuple[Axis, ...]) -> Named: ...

    def static(self, axes: tuple[Axis, ...]) -> Any: ...

    def recorded(self, key: Hashable, static: Any, compute: Callable[[Any], Named]) -> Named: ...

    def selected(self, named: Named) -> Named: ...
