"""A netlist as a bitstream of an iCE40: Yosys, nextpnr and icepack on its SystemVerilog, and what they say of it."""
