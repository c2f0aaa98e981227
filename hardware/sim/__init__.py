"""Simulators of netlists, in JAX: they see units, and nothing of models."""
