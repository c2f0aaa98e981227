"""Paths between a distribution that is easily drawn from and the target: particles, annealing, replicas."""
