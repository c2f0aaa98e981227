"""The way from a model of continuous quantities to a netlist of modes: its energy, how they move, a regulator."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np

from ppl.circuits.continuous import modes
from ppl.dataset import Dataset
from ppl.errors import Diagnostic, Exit, PplError
from ppl.graph import ModelGraph
from ppl.hardware.analogue.dynamics import DRIVEN, Driven, Dynamics, Overdamped, Regulator, Underdamped
from ppl.hardware.analogue.modes import Modes

Motion = Literal["overdamped", "underdamped"]
MOTIONS: tuple[Motion, ...] = ("overdamped", "underdamped")


@dataclass(frozen=True)
class ModesOptions:
    """dynamics: how modes move; friction: γ of underdamped ones; period, latency: of a regulator, in model time (None:
    there is none); driven: what it does in place of the array (see `Regulator`)."""

    dynamics: Motion = "overdamped"
    friction: float = 1.0
    period: float | None = None
    latency: float = 0.0
    driven: Driven = "force"

    def __post_init__(self) -> None:
        known: dict[str, tuple[str, ...]] = {"dynamics": MOTIONS, "driven": DRIVEN}
        for name, choices in known.items():
            if getattr(self, name) not in choices:
                raise invalid(f"`{name}` is {getattr(self, name)!r}, but it takes {', '.join(choices)}")
        above: dict[str, Callable[[float], bool]] = {"friction": lambda x: x > 0, "latency": lambda x: x >= 0}
        above["period"] = lambda x: x > 0
        for name, good in above.items():
            given = getattr(self, name)
            if given is not None and not (isinstance(given, int | float) and math.isfinite(given) and good(given)):
                least = "a number, at least 0" if name == "latency" else "a number above 0"
                raise invalid(f"`{name}` is {given!r}, but it takes {least}")
        if self.period is None and (self.latency or self.driven != "force"):
            raise invalid(f"`{'latency' if self.latency else 'driven'}` is of a regulator, which `period` makes one")


OF_MODES = tuple(one.name for one in fields(ModesOptions))


def invalid(title: str) -> PplError:
    return PplError([Diagnostic("E608", title)], exit_code=Exit.USAGE)


def compile_modes(graph: ModelGraph, dataset: Dataset, name: str, options: ModesOptions) -> Modes:
    """name: of the netlist.

    Raises:
        PplError: no circuit has the model's force (E730), or it is nowhere large enough (E501, E402).
    """
    return with_options(modes(graph, dataset, name), options)


def with_options(made: Modes, options: ModesOptions) -> Modes:
    ones = np.ones(made.size)
    dynamics: Dynamics = Overdamped(ones)
    if options.dynamics == "underdamped":
        dynamics = Underdamped(ones, float(options.friction))
    regulator = None
    if options.period is not None:
        regulator = Regulator(float(options.period), float(options.latency), options.driven)
    return replace(made, dynamics=dynamics, regulator=regulator)


def options_of_modes(given: Mapping[str, Any]) -> ModesOptions:
    """Raises PplError: an option that modes do not have, or another kind of value (E608)."""
    unknown = sorted(set(given) - set(OF_MODES))
    if unknown:
        raise invalid(f"`{unknown[0]}` is no option of a netlist of modes; there are {', '.join(OF_MODES)}")
    return ModesOptions(**given)
