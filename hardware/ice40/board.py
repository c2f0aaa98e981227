"""Where a design is to go, and the commands that make a bitstream for there of it."""

from __future__ import annotations

from dataclasses import dataclass

from ppl.hardware.ice40.devices import BY_AREA, Device

SCRIPT, BUILD, PINS = "ppl_ice40.ys", "build.sh", "pins.pcf"
CELLS, PLACED, BITSTREAM, TOLD = "ppl_ice40.json", "ppl_ice40.asc", "ppl_ice40.bin", "nextpnr.json"


@dataclass(frozen=True)
class Board:
    """device: None is the smallest that holds the design; pins: of a device, which wires come to them, as nextpnr reads
    it (.pcf); None: to any."""

    device: Device | None = None
    pins: bytes | None = None

    @property
    def largest(self) -> Device:
        """Of the devices that may be taken."""
        return self.device or BY_AREA[-1]

    @property
    def files(self) -> dict[str, bytes]:
        """What is written of it beside a design."""
        pins = {} if self.pins is None else {PINS: self.pins}
        return {} if self.device is None else {BUILD: build_script(self), **pins}


def synthesis() -> tuple[str, ...]:
    """The command that makes cells of the sources."""
    return ("yosys", "-q", SCRIPT)


def placement(device: Device, pins: bool) -> tuple[str, ...]:
    """The command that places and routes the cells; with `--pack-only` it tells how many they are. pins: whether there
    is a file of them."""
    where = (f"--{device.name}", "--package", device.package)
    bound = ("--pcf", PINS) if pins else ()
    how = ("--seed", "1", "--freq", f"{device.aim:g}", "--timing-allow-fail")
    return ("nextpnr-ice40", "-q", *where, *bound, *how, "--json", CELLS, "--asc", PLACED, "--report", TOLD)


def packing() -> tuple[str, ...]:
    return ("icepack", PLACED, BITSTREAM)


def timing(device: Device) -> tuple[str, ...]:
    return ("icetime", "-m", "-d", device.name, PLACED)


def build_script(board: Board) -> bytes:
    device, pins = board.largest, board.pins is not None
    steps = [" ".join(step) for step in (synthesis(), placement(device, pins), packing(), timing(device))]
    wires = f"Wires come to the pins that {PINS} says."
    if not pins:
        steps[1] += ' ${1:+--pcf "$1"}'
        wires = "An argument is a file of pins, with lines such as `set_io clk J3`; without, wires come to any."
    text = f"""\
#!/bin/sh
# Sources to the bitstream {BITSTREAM} of an iCE40-{device.name.upper()}, and the clock that it bears.
# {wires}
set -e
{chr(10).join(steps)}
"""
    return text.encode("utf-8")
