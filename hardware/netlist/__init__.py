"""The netlist: coupled stochastic units, read, written and weighed."""
