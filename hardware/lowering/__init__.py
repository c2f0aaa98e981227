"""From a factor graph to a netlist: small steps, each of which says what it claims."""
