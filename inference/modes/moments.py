"""Means and spreads of proposals, as they are and by their importance weights, summed up row by row.

That the weights could mend the draws, which k̂ says, does not mean that the draws need no mending: the weighted moments
are those of the target as far as k̂ lets one trust weights, and what they differ by is the bias of the draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.inference.contract import Remark, Remedy

Array = NDArray[Any]
Sums = Mapping[str, Array]

# Of the target's standard deviation, by how much a mean may be off; and between which ratios a deviation may lie.
_OFF = 0.2
_NARROW, _WIDE = 0.8, 1.25
# In standard errors, what is no noise among many coordinates.
_ERRORS = 4.0


def no_sums(chains: int, size: int) -> Sums:
    """plain, weighted: (chains, 2, n) sums of u and u²; weights: (chains, 2), of w and w², in units of exp(peak)."""
    return {
        "count": np.zeros(chains),
        "plain": np.zeros((chains, 2, size)),
        "weighted": np.zeros((chains, 2, size)),
        "weights": np.zeros((chains, 2)),
        "peak": np.full(chains, -np.inf),
    }


def with_rows(sums: Sums, positions: Array, log_ratios: Array) -> Sums:
    """positions: (chains, rows, n); log_ratios: (chains, rows). One row after the other, so that the sums do not depend
    on how rows came in."""
    count, plain, weighted, weights, peak = (sums[name].copy() for name in no_sums(0, 0))
    for u, ratio in zip(np.moveaxis(positions, 1, 0), log_ratios.T, strict=True):
        powers = np.stack([u, u**2], axis=1)
        higher = np.maximum(peak, ratio)
        known = np.where(np.isfinite(higher), higher, 0.0)
        shrunk, w = np.exp(peak - known), np.exp(ratio - known)
        weighted = shrunk[:, None, None] * weighted + w[:, None, None] * powers
        weights = np.stack([shrunk, shrunk**2], axis=1) * weights + np.stack([w, w**2], axis=1)
        plain, count, peak = plain + powers, count + 1, higher
    return {"count": count, "plain": plain, "weighted": weighted, "weights": weights, "peak": peak}


def bias_remark(sums: Sums, called: str) -> list[Remark]:
    """What the weights make of the draws of all chains together; nothing where the draws are as good as theirs."""
    scale = np.exp(sums["peak"] - np.max(sums["peak"]))
    total, squares = float(scale @ sums["weights"][:, 0]), float(scale**2 @ sums["weights"][:, 1])
    first, second = np.tensordot(scale, sums["weighted"], 1) / total
    mean, square = sums["plain"].sum(axis=0) / sums["count"].sum()
    sd, own = np.sqrt(np.maximum(second - first**2, 0)), np.sqrt(np.maximum(square - mean**2, 0))
    noise = _ERRORS * np.sqrt(squares) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        off, ratio = np.abs(mean - first) / sd, own / sd
    displaced = off > max(_OFF, noise)
    misfit = ((ratio < _NARROW) | (ratio > _WIDE)) & (np.abs(np.log(ratio)) > noise)
    wrong = displaced | misfit
    if not wrong.any():
        return []
    title = f"The weights of the draws move {int(wrong.sum())} of {len(off)} coordinates: {called} is off there."
    details = []
    if displaced.any():
        details.append(f"means by up to {np.nanmax(off[displaced]):.2f} standard deviations, unconstrained")
    if misfit.any():
        ratios = ratio[misfit]
        worst = float(ratios[np.argmax(np.abs(np.log(ratios)))])
        details.append(f"standard deviations: as far as {worst:.2f} of what they should be")
    remedy = Remedy("the weights can be trusted, so let them choose the draws: {}", {"resample": "yes"})
    values = {"mean": float(np.nanmax(off)), "coordinates": float(wrong.sum())}
    return [Remark("bias", "bad", title, tuple(details), (remedy,), values)]
