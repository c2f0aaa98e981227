"""What is written for an iCE40 before any tool runs: the SystemVerilog of a netlist behind four wires, and the commands
that make a bitstream of it."""

from __future__ import annotations

from importlib.resources import files

from ppl.hardware.emitted import Emitted
from ppl.hardware.ice40.devices import DEVICES, PINS, Device
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.rtl.emit import emit as emit_rtl

SCRIPT, BRIDGE, BUILD = "ppl_ice40.ys", "spi.sv", "build.sh"
CELLS, PLACED, BITSTREAM, TOLD = "ppl_ice40.json", "ppl_ice40.asc", "ppl_ice40.bin", "nextpnr.json"


def emit(netlist: Netlist) -> Emitted:
    """Raises PplError: it cannot be written as hardware (E712)."""
    made = emit_rtl(netlist)
    bridge = files("ppl.hardware.ice40").joinpath(BRIDGE).read_text("utf-8")
    written = {BRIDGE: bridge, SCRIPT: _script(made), BUILD: _build()}
    images = {name: text.encode("utf-8") for name, text in written.items()}
    return Emitted({**made.files, **images}, made.rows, made.data)


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


def _script(made: Emitted) -> str:
    sources = " ".join((*made.data["sources"], BRIDGE))
    return f"""\
read_verilog -sv {sources}
chparam -set ADDRESS_BITS {made.data["address_bits"]} ppl_ice40
synth_ice40 -top ppl_ice40 -json {CELLS}
"""


def _build() -> str:
    device = DEVICES["hx8k"]
    synthesise, place, *rest = (
        " ".join(step) for step in (synthesis(), placement(device, pins=False), packing(), timing(device))
    )
    steps = (synthesise, f'{place} ${{1:+--pcf "$1"}}', *rest)
    return f"""\
#!/bin/sh
# Sources to the bitstream {BITSTREAM} of an iCE40-{device.name.upper()}, and the clock that it bears. The first
# argument is a file of pins, with lines such as `set_io clk J3`; without, wires come to any.
set -e
{chr(10).join(steps)}
"""
