"""What is written for an iCE40 before any tool runs: the SystemVerilog of a netlist behind four wires, and how cells
are made of it."""

from __future__ import annotations

from importlib.resources import files

from ppl.hardware.emitted import Emitted
from ppl.hardware.ice40.board import BUILD, CELLS, SCRIPT, Board, build_script
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.rtl.emit import emit as emit_rtl

BRIDGE = "spi.sv"


def emit(netlist: Netlist) -> Emitted:
    """Raises PplError: it cannot be written as hardware (E712)."""
    made = emit_rtl(netlist)
    bridge = files("ppl.hardware.ice40").joinpath(BRIDGE).read_text("utf-8")
    written = {BRIDGE: bridge.encode("utf-8"), SCRIPT: _script(made).encode("utf-8"), BUILD: build_script(Board())}
    return Emitted({**made.files, **written}, made.rows, made.data)


def _script(made: Emitted) -> str:
    sources = " ".join((*made.data["sources"], BRIDGE))
    return f"""\
read_verilog -sv {sources}
chparam -set ADDRESS_BITS {made.data["address_bits"]} ppl_ice40
synth_ice40 -top ppl_ice40 -json {CELLS}
"""
