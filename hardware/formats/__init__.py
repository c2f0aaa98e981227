"""Files of other programs for Ising and binary quadratic models, and max-cut, read and written."""
