"""Expressions of the graph as whole arrays over named axes, in NumPy (of data alone) or in JAX."""
