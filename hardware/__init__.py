"""Lowering of model graphs to netlists of coupled stochastic units; linear algebra by their noise.

Names are looked up when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ppl.hardware.analogue.linear_algebra import invert, log_determinant, solve

__all__ = ["invert", "log_determinant", "solve"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'ppl.hardware' has no attribute '{name}'")
    return getattr(import_module("ppl.hardware.analogue.linear_algebra"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
