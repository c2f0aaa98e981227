"""Settings in the words of where they are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Say = Callable[..., str]


def in_python(**settings: Any) -> str:
    """Settings as arguments of `model.sample`."""
    return ", ".join(f"{name}={value!r}" for name, value in settings.items())


def on_command_line(**settings: Any) -> str:
    """Settings as options of `ppl sample`."""
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in settings.items())
