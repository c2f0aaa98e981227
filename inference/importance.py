"""Importance ratios: how far an approximation is from its target, and draws that make up for it.

Draws of q with log ratios log p - log q. If the ratios' law has a heavy tail, no average of them is to be trusted.
Pareto smoothing (Vehtari, Simpson, Gelman, Yao & Gabry 2024) fits a generalised Pareto law

    P(r > c + x) ~ (1 + k x / σ)^(-1/k)

to the largest ratios, puts its quantiles in their place, and has in k̂ a measure: ratios have about 1/k finite moments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.inference.contract import Remark, Remedy

Floats = NDArray[np.float64]

# Fewer in the tail tell nothing of its shape.
FEWEST = 5
# k from which ratios have no mean.
NO_MEAN = 1.0
# Log ratios that differ by no more than rounding.
_EQUAL = 1e-8


@dataclass(frozen=True)
class Smoothed:
    """log_weights: (s,), their exponentials sum to 1; k: the tail's shape, inf where it cannot be told; log_mean: of
    the smoothed ratios, which is the log evidence if p is not normalised and q is; effective: as many draws of p."""

    log_weights: Floats
    k: float
    log_mean: float

    @property
    def effective(self) -> float:
        return float(1 / np.sum(np.exp(2 * self.log_weights)))


def pareto_smoothed(log_ratios: Floats) -> Smoothed:
    """Vehtari et al. 2024, algorithm 1. log_ratios: (s,), not NaN; -inf where the target has no density."""
    largest = np.max(log_ratios)
    if not np.isfinite(largest):
        return Smoothed(np.full_like(log_ratios, -np.log(len(log_ratios))), np.inf, float(largest))
    raw = log_ratios - largest
    smoothed, k = raw.copy(), np.inf
    count = int(np.ceil(min(0.2 * len(raw), 3 * np.sqrt(len(raw)))))
    if np.min(raw) > -_EQUAL:
        k = 0.0  # the target itself: no tail at all
    elif count >= FEWEST:
        order = np.argsort(raw, kind="stable")
        tail, cutoff = order[-count:], raw[order[-count - 1]]
        beyond = np.exp(raw[tail]) - np.exp(cutoff)
        if beyond[0] > 0:
            k, sigma = fit_generalised_pareto(beyond)
            p = (np.arange(count) + 0.5) / count
            quantiles = sigma * (np.expm1(-k * np.log1p(-p)) / k if k else -np.log1p(-p))
            smoothed[tail] = np.minimum(np.log(np.exp(cutoff) + quantiles), 0.0)
    log_sum = np.log(np.sum(np.exp(smoothed)))
    return Smoothed(smoothed - log_sum, float(k), float(largest + log_sum - np.log(len(raw))))


def fit_generalised_pareto(x: Floats) -> tuple[float, float]:
    """k and σ from (n,) positive numbers in increasing order.

    Zhang & Stephens 2009: the posterior mean of θ = -k/σ on a grid, under their data-dependent prior; k is drawn
    towards 1/2 as by ten observations (Vehtari et al. 2024, appendix C).
    """
    n = len(x)
    grid = 30 + int(np.sqrt(n))
    quartile = x[int(n / 4 + 0.5) - 1]
    theta = 1 / x[-1] + (1 - np.sqrt(grid / (np.arange(grid) + 0.5))) / (3 * quartile)
    shapes = np.mean(np.log1p(-theta[:, None] * x[None, :]), axis=1)
    profile = n * (np.log(-theta / shapes) - shapes - 1)
    weights = np.exp(profile - np.max(profile))
    mean = float(np.sum(theta * weights) / np.sum(weights))
    k = float(np.mean(np.log1p(-mean * x)))
    return (n * k + 5) / (n + 10), -k / mean


def resampled(log_weights: Floats, count: int, uniforms: Floats) -> NDArray[np.int64]:
    """(count,) indices, each draw as often as its weight says to within one (systematic resampling, Kitagawa 1996).

    uniforms: (1 + s + count,) numbers in (0, 1): where the comb of `count` teeth begins; in which order the draws lie
    below it, since a pattern in their order would beat with its teeth; in which order they come out.
    """
    below = np.argsort(uniforms[1 : 1 + len(log_weights)], kind="stable")
    steps = np.cumsum(np.exp(log_weights[below]))
    places = (np.arange(count) + uniforms[0]) / count * steps[-1]
    chosen = below[np.minimum(np.searchsorted(steps, places), len(steps) - 1)]
    return np.asarray(chosen[np.argsort(uniforms[1 + len(log_weights) :], kind="stable")], np.int64)


def threshold(draws: int) -> float:
    """The largest k̂ with which so many draws are enough (Vehtari et al. 2024, equation 13)."""
    return min(1 - 1 / np.log10(draws), 0.7) if draws > 10 else 0.0


def tail_remark(shapes: Floats, draws: int, approximation: str, remedies: tuple[Remedy, ...]) -> Remark:
    """What the chains' k̂ say. approximation: what is judged, in words.

    The median judges, unless a chain's ratios have no mean (k̂ of 1 and more). The largest of several would not do: from
    1000 draws k̂ has an error of 0.14 where k is 0.5, so that one fit passes 0.67 with probability 0.11, but the worst
    of 4 such fits with 0.36 and of 16 with 0.83.
    """
    limit, worst, median = threshold(draws), float(np.max(shapes)), float(np.median(shapes))
    values = {"limit": limit} | {name: k for name, k in (("k", worst), ("median", median)) if np.isfinite(k)}
    listed = f"k̂ of the chains: {', '.join(f'{k:.2f}' for k in shapes)}"
    if worst < limit:
        title = f"Pareto k̂ of the importance ratios is at most {worst:.2f}: {approximation} is close to the target."
        return Remark("pareto_k", "good", title, values=values)
    if not np.isfinite(worst) and draws < 5 * FEWEST:
        title = f"{draws} draws are too few to judge {approximation}."
        return Remark("pareto_k", "bad", title, remedies=(Remedy("draw more: {}", {"draws": 1000}),), values=values)
    at = int(np.argmax(shapes))
    if median < limit and worst < NO_MEAN:
        title = (
            f"Pareto k̂ of the importance ratios is {median:.2f} in the median of the chains: {approximation} is close "
            f"to the target, but chain {at}'s is {worst:.2f}, above {limit:.2f}."
        )
        more = Remedy("more draws tell k̂ better: {}", {"draws": 4 * draws})
        return Remark("pareto_k", "note", title, (listed,), (more,), values)
    which = f"is {median:.2f} in the median of the chains" if median >= limit else f"of chain {at} is {worst:.2f}"
    if len(shapes) == 1:
        which = f"is {worst:.2f}"
    return Remark(
        "pareto_k",
        "bad",
        f"Pareto k̂ of the importance ratios {which}, above {limit:.2f}: {approximation} is not the target.",
        (listed, "its draws have the wrong spread, and weights do not mend it"),
        remedies,
        values,
    )


def log_ratio_values(log_ratios: Any, smoothed: list[Smoothed]) -> dict[str, tuple[tuple[str, ...], NDArray[Any]]]:
    """For the group `engine`: of each chain's fit. log_ratios: (chains, s)."""
    return {
        "pareto_k": (("chain",), np.array([one.k for one in smoothed])),
        "log_evidence": (("chain",), np.array([one.log_mean for one in smoothed])),
        "effective_draws": (("chain",), np.array([one.effective for one in smoothed])),
        "log_ratio": (("chain", "proposal"), np.asarray(log_ratios)),
    }
