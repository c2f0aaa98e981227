"""Reading data: files, Python mappings, pandas and xarray objects → named raw arrays."""

from ppl.data.load import load

__all__ = ["load"]
