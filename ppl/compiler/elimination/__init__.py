"""Exact elimination of discrete variables from ground factor graphs, in JAX.

A caller states variables and scopes (`ground.py`); `make_plan` decides on the host how to sum everything out
(`filling`, then `chains` and `rounds` in turn); the functions of `evaluate` carry the plan out on tables of
log-potentials. Independent sites are one operation, chains one scan for each batch of alike ones, all else is
eliminated in rounds, under a budget.
"""

from ppl.compiler.elimination.evaluate import log_normaliser, log_normalisers, marginals, mode, sample
from ppl.compiler.elimination.ground import Budget, Scope, TooWide, Variable, ground, numbered
from ppl.compiler.elimination.plan import make_plan
from ppl.compiler.elimination.structure import Plan, Structure

__all__ = [
    "Budget",
    "Plan",
    "Scope",
    "Structure",
    "TooWide",
    "Variable",
    "ground",
    "log_normaliser",
    "log_normalisers",
    "make_plan",
    "marginals",
    "mode",
    "numbered",
    "sample",
]
