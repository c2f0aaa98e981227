"""What is wrong with a netlist."""

from __future__ import annotations


class Wrong(ValueError):
    """In words, with its place."""
