"""Settings of engines: frozen dataclass fields that carry their own documentation and limits.

    @dataclass(frozen=True)
    class NUTS:
        warmup: int = setting(1000, "iterations of warmup for each chain", at_least=0)

`settings_of(NUTS)` lists them for a command line; `check_settings(self)` in `__post_init__` refuses bad values.
"""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass
from typing import Any


class SettingsError(ValueError):
    """A setting has a value it cannot take. `setting` names it; the message says what it takes instead."""

    def __init__(self, setting: str, message: str) -> None:
        self.setting = setting
        super().__init__(message)


@dataclass(frozen=True)
class Setting:
    """One setting: its name, Python type, default, one line of help, and the values it takes. form: of a text, which
    is free otherwise: a regular expression, and the form in words."""

    name: str
    type: type
    default: Any
    help: str
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    form: tuple[str, str] | None = None

    def takes(self) -> str:
        """The values it takes, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.form:
            return self.form[1]
        kind = "a whole number" if self.type is int else "a number"
        limits = [
            f"{word} {limit:g}"
            for word, limit in (
                ("at least", self.at_least),
                ("above", self.above),
                ("at most", self.at_most),
                ("below", self.below),
            )
            if limit is not None
        ]
        return ", ".join([kind, *([" and ".join(limits)] if limits else [])])

    def check(self, value: Any) -> Any:
        """The value in the setting's own type; raises SettingsError."""
        good = self._converted(value)
        if good is None:
            raise SettingsError(self.name, f"`{self.name}` is {value!r}, but it takes {self.takes()}")
        return good

    def _converted(self, value: Any) -> Any:
        if self.choices:
            return value if value in self.choices else None
        if self.form:
            return value if isinstance(value, str) and re.fullmatch(self.form[0], value) else None
        try:
            number = float(value)
        except (TypeError, ValueError):
            return None
        if isinstance(value, (bool, str)) or not math.isfinite(number) or (self.type is int and number != int(number)):
            return None
        inside = (
            (self.at_least is None or number >= self.at_least)
            and (self.above is None or number > self.above)
            and (self.at_most is None or number <= self.at_most)
            and (self.below is None or number < self.below)
        )
        return self.type(value) if inside else None


def setting(
    default: Any,
    help: str,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    choices: tuple[str, ...] = (),
    form: tuple[str, str] | None = None,
) -> Any:
    """A dataclass field that is a setting."""
    limits = {"at_least": at_least, "above": above, "at_most": at_most, "below": below}
    return dataclasses.field(default=default, metadata={"help": help, **limits, "choices": choices, "form": form})


def settings_of(engine: Any) -> tuple[Setting, ...]:
    """Every setting of an engine (a class or an instance of one), in the order they are declared."""
    return tuple(
        Setting(name=f.name, type=type(f.default), default=f.default, **f.metadata)
        for f in dataclasses.fields(engine)
        if "help" in f.metadata
    )


def check_settings(engine: Any) -> None:
    """Checks and converts every setting of an engine; for use in `__post_init__`."""
    for one in settings_of(engine):
        object.__setattr__(engine, one.name, one.check(getattr(engine, one.name)))
