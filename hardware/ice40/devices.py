"""The devices that a design may be placed on."""

from __future__ import annotations

from dataclasses import dataclass

from ppl.errors import Diagnostic, Exit, PplError


@dataclass(frozen=True)
class Device:
    """cells: LUTs of four inputs, each with a flip-flop and a carry; memories: block RAMs of 4,096 bits; aim: the clock
    in MHz that placing strives for; static: current in A of the core when nothing happens (static supply current,
    typical: Lattice, data sheets of the iCE40 LP/HX family and the iCE40 UltraPlus family)."""

    name: str
    package: str
    cells: int
    memories: int
    aim: float
    static: float


_DEVICES = (
    Device("hx1k", "tq144", 1280, 16, 100.0, 296e-6),
    Device("hx8k", "ct256", 7680, 32, 100.0, 1140e-6),
    Device("up5k", "sg48", 5280, 30, 40.0, 75e-6),
)
DEVICES = {device.name: device for device in _DEVICES}

# In this order where none is asked for, as full as this at most: fuller ones are slow, or cannot be placed.
BY_AREA = (DEVICES["hx1k"], DEVICES["hx8k"])
FULL = 0.8


def find_device(name: str) -> Device:
    """Raises PplError: there is no such device (E608)."""
    if name not in DEVICES:
        title = f"`device` is {name!r}, but it takes {', '.join(DEVICES)}"
        raise PplError([Diagnostic("E608", title)], exit_code=Exit.USAGE)
    return DEVICES[name]
