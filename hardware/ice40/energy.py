"""What a design takes, estimated.

The core of an iCE40 UltraPlus 5K at 1.22 V and 12 MHz was measured by tinyVision.ai (iCE40 Power Testing, 2020). A
counter of 28 bits takes 528 µA more than no design, nearly all of it for the clock network; a multiplier that gets new
numbers at each clock takes 351 µA in 180 more cells. That is 53 pJ for the network and 0.2 pJ for each cell at each
clock, and is assumed of all devices, which are of one process. A block RAM counts as the 16 cells that its word is
wide; nobody measured that.
"""

from __future__ import annotations

from dataclasses import dataclass

from ppl.hardware.ice40.devices import Device

VOLTS = 1.2
NETWORK, CELL = 53e-12, 0.2e-12  # J at each clock
MEMORY = 16


@dataclass(frozen=True)
class Power:
    """In W, of the core alone."""

    static: float
    dynamic: float

    @property
    def total(self) -> float:
        return self.static + self.dynamic


def power(device: Device, cells: int, memories: int, clock: float) -> Power:
    """clock: in Hz."""
    return Power(VOLTS * device.static, clock * (NETWORK + CELL * (cells + MEMORY * memories)))


ASSUMED = (
    "the core alone, to a factor of 3 or so",
    f"static: typical of the data sheet, at {VOLTS} V",
    f"at each clock: {NETWORK * 1e12:g} pJ for the clock network and {CELL * 1e12:g} pJ for each cell, as on a UP5K",
    f"a block RAM: as {MEMORY} cells",
)
