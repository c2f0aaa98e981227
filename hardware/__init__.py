"""Lowering of model graphs to netlists of coupled stochastic units."""
