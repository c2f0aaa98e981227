"""Functions as scalar operations, which files can hold, simulators run and circuits do."""
