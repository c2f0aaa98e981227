"""Settings that the Hamiltonian engines share."""

from __future__ import annotations

from typing import Any

from ppl.inference.settings import setting

METRICS = ("auto", "diagonal", "low-rank", "dense")


def step_size() -> Any:
    return setting(1.0, "step size from which the search starts; the step size if warmup is 0", above=0)


def metric() -> Any:
    return setting("auto", "form of the metric; auto chooses by dimension and by what warmup sees", choices=METRICS)


def adaptation() -> Any:
    text = "how warmup finds the metric: pooled over chains from draws and gradients, or as Stan does"
    return setting("pooled", text, choices=("pooled", "stan"))


def divergence_threshold() -> Any:
    return setting(1000.0, "energy error at which a trajectory has diverged", above=0)
