"""A netlist as digital hardware: its words, their twin in NumPy, and SystemVerilog."""
