"""Gaussians fitted by optimisation: variational inference."""
