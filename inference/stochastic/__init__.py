"""Langevin dynamics whose gradients may come from minibatches."""
