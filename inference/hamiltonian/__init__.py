"""Hamiltonian Monte Carlo: the leapfrog integrator, trajectories, metrics and their adaptation."""
