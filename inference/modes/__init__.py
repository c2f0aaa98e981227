"""Modes of a density, and Gaussians fitted on the way to them."""
