"""Reading data: files, Python mappings, pandas and xarray objects → named raw arrays (`load`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ppl.data.sources import load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    """`load` is looked up when it is first used: it needs NumPy, and the files that read text do not."""
    if name != "load":
        raise AttributeError(f"module 'ppl.data' has no attribute '{name}'")
    from ppl.data import sources

    return sources.load
