"""Convergence statistics of many scalars at once.

Vehtari, Gelman, Simpson, Carpenter & Bürkner 2021, «Rank-normalization, folding, and localization: an improved R-hat»,
Bayesian Analysis 16(2): rank normalisation section 3.1, R-hat eq. 4.3 and 4.6, effective sample size section 4.3 with
the initial monotone sequence of Geyer 1992. Betancourt 2016, «Diagnosing suboptimal cotangent disintegrations», for
E-BFMI. Every function takes draws (chains, draws, scalars) and returns (scalars,); undefined values are NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

Float = npt.NDArray[np.float64]

FEWEST = 4  # draws a chain below which nothing but moments is defined
_BLOCK = 256  # scalars worked on at a time, to bound memory


def rhat(draws: Float) -> Float:
    """The larger of the rank-normalised split R-hat of the draws and of their distance from the median; NaN where no
    half of a chain varies, so that there is no variance within chains to compare with."""
    return _blocks(draws, _rhat_rank)


def ess_bulk(draws: Float) -> Float:
    """Effective number of draws for the location."""
    return _blocks(draws, lambda x: _ess(_rank_normal(_split(x))))


def ess_tail(draws: Float) -> Float:
    """The smaller of the effective numbers of draws for the 5 % and 95 % quantiles."""
    return _blocks(draws, _ess_tail)


def mcse_mean(draws: Float) -> Float:
    """Monte Carlo standard error of the mean."""

    def one(x: Float) -> Float:
        sd = x.reshape(-1, x.shape[-1]).std(axis=0, ddof=1)
        return np.asarray(sd / np.sqrt(_ess(_split(x))))

    return _blocks(draws, one)


def ebfmi(energy: Float) -> Float:
    """Energy (chains, draws) → (chains,): variance of its steps over its variance."""
    if energy.shape[1] < 3:
        return np.full(energy.shape[0], np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.square(np.diff(energy, axis=1)).mean(axis=1) / energy.var(axis=1, ddof=1))


def _blocks(draws: Float, function: Any) -> Float:
    draws = np.asarray(draws, dtype=np.float64)
    count = draws.shape[-1]
    out = np.full(count, np.nan)
    if draws.shape[1] < FEWEST:
        return out
    for start in range(0, count, _BLOCK):
        block = draws[..., start : start + _BLOCK]
        low, high = block.min(axis=(0, 1)), block.max(axis=(0, 1))
        usable = np.isfinite(low) & np.isfinite(high) & (high > low)
        if usable.any():
            with np.errstate(invalid="ignore", divide="ignore"):
                out[start : start + _BLOCK][usable] = function(block[..., usable])
    return out


def _split(draws: Float) -> Float:
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, -half:]], axis=0)


def _rank_normal(draws: Float) -> Float:
    """Ranks over all chains, as quantiles of a standard normal (Blom's offsets)."""
    flat = draws.reshape(-1, draws.shape[-1])
    return np.asarray(ndtri((_ranks(flat) - 0.375) / (flat.shape[0] + 0.25))).reshape(draws.shape)


def _ranks(values: Float) -> Float:
    """Of (draws, scalars), from 1, down each column; ties share their mean rank."""
    length = values.shape[0]
    order = values.argsort(axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    places = np.arange(length)[:, None]
    differs = ordered[1:] != ordered[:-1]
    edge = np.ones((1, values.shape[1]), dtype=np.bool_)
    first = np.maximum.accumulate(np.where(np.concatenate([edge, differs]), places, 0), axis=0)
    ends = np.where(np.concatenate([differs, edge]), places, length - 1)
    last = np.minimum.accumulate(ends[::-1], axis=0)[::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2.0 + 1.0, axis=0)
    return ranks


def _rhat_rank(draws: Float) -> Float:
    split = _split(draws)
    folded = np.abs(split - np.median(split, axis=(0, 1)))
    larger = np.fmax(_rhat_plain(_rank_normal(split)), _rhat_plain(_rank_normal(folded)))
    # The variance of equal numbers is 0 only up to rounding, and what is divided by it is anything.
    return np.where(np.ptp(split, axis=1).any(axis=0), larger, np.nan)


def _rhat_plain(draws: Float) -> Float:
    length = draws.shape[1]
    between = length * draws.mean(axis=1).var(axis=0, ddof=1)
    within = draws.var(axis=1, ddof=1).mean(axis=0)
    return np.asarray(np.sqrt((between / within + length - 1) / length))


def _ess_tail(draws: Float) -> Float:
    low, high = np.quantile(draws, [0.05, 0.95], axis=(0, 1))
    return np.fmin(_ess(_split((draws <= low).astype(np.float64))), _ess(_split((draws <= high).astype(np.float64))))


def _autocovariance(draws: Float) -> Float:
    """Along draws, for each chain, biased (divided by the number of draws)."""
    length = draws.shape[1]
    padded = 1 << (2 * length - 1).bit_length()
    spectrum = np.fft.rfft(draws - draws.mean(axis=1, keepdims=True), n=padded, axis=1)
    return np.asarray(np.fft.irfft(np.abs(spectrum) ** 2, n=padded, axis=1)[:, :length] / length)


def _ess(draws: Float) -> Float:
    chains, length = draws.shape[:2]
    covariance = _autocovariance(draws).mean(axis=0)
    within = covariance[0] * length / (length - 1.0)
    total = within * (length - 1.0) / length
    if chains > 1:
        total = total + draws.mean(axis=1).var(axis=0, ddof=1)
    rho = 1.0 - (within - covariance) / total
    rho[0] = 1.0
    # Sums of neighbouring pairs are positive and decreasing in theory: cut at the first negative one.
    pairs = max(1, (length - 1) // 2)
    sums = rho[0 : 2 * pairs : 2] + rho[1 : 2 * pairs : 2]
    negative = sums <= 0
    cut = np.where(negative.any(axis=0), negative.argmax(axis=0), pairs - 1)
    kept = np.arange(pairs)[:, None] < cut
    monotone = np.minimum.accumulate(sums, axis=0)
    last = np.take_along_axis(rho, 2 * cut[None, :], axis=0)[0]
    tau = -1.0 + 2.0 * np.where(kept, monotone, 0.0).sum(axis=0) + np.maximum(last, 0.0)
    size = chains * length
    return np.asarray(size / np.maximum(tau, 1.0 / np.log10(size)))
