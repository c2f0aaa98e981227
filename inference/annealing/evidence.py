"""The log evidence that chains found, each on its own: put together, with its error, and whether they agree.

If Z_c are unbiased, so is their mean, and log Z is the log of it; its standard error is that of the mean of the log
Z_c, to first order in their spread (the delta method).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc, logsumexp

from ppl.inference.annealing.normal import prior_of
from ppl.inference.contract import Density, Remark, Remedy

Array = NDArray[Any]

# Chains whose differences are so improbable for their noise do not agree.
_IMPROBABLE = 1e-4
# The noise of a chain is known up to such a factor.
_KNOWN = 1.5
# Differences in nats that are of no account.
_ROUNDING = 1e-3


def combined(log_z: Array) -> float:
    """(chains,) -> the log of the mean of what they are the logs of."""
    return float(logsumexp(log_z) - math.log(len(log_z)))


def standard_error(log_z: Array, variance: Array) -> float:
    """Of `combined`: from the spread of the chains, or from their own noise where that is more. Both (chains,)."""
    chains = len(log_z)
    spread = float(np.var(log_z, ddof=1)) / chains if chains > 1 else 0.0
    return math.sqrt(max(spread, float(np.mean(variance)) / chains))


def evidence_remarks(
    density: Density, log_z: Array, variance: Array, method: str, remedies: tuple[Remedy, ...]
) -> list[Remark]:
    """What is found, and whether the chains agree on it. method: what gave it, in words."""
    value, error = combined(log_z), standard_error(log_z, variance)
    called = named_integral(density)
    title = f"The {called} is {value:.{digits(error)}f}, with standard error {error:.1g} ({method})."
    remarks = [Remark("log_evidence", "note", title, values=finite(log_evidence=value, standard_error=error))]
    listed = ", ".join(f"{each:.{digits(error)}f}" for each in log_z)
    chains = len(log_z)
    noise = _KNOWN * math.sqrt(float(np.mean(variance))) + _ROUNDING
    excess = float(np.sum((log_z - log_z.mean()) ** 2)) / noise**2
    if chains > 1 and not gammaincc((chains - 1) / 2, excess / 2) > _IMPROBABLE:
        title = f"The chains' {called} differs by more than their noise, which is about {noise:.1g}."
        details = (f"of the chains: {listed}", "each population missed some of the distribution, or lost it on the way")
        remarks.append(Remark("evidence_disagrees", "bad", title, details, remedies, finite(noise=noise)))
    elif not error <= 1:
        title = f"The {called} has a standard error of {error:.1g}, more than a nat."
        details = (f"of the chains: {listed}", "so few count, by their weights, that the draws are as uncertain")
        remarks.append(Remark("evidence_vague", "bad", title, details, remedies, finite(standard_error=error)))
    return remarks


def named_integral(density: Density) -> str:
    """What the log of Z is called."""
    if not density.size:
        return "log of the sum over all states"
    return "log evidence" if prior_of(density) is not None else "log of the density's integral"


def digits(error: float) -> int:
    """Of a number with this error."""
    if not math.isfinite(error):
        return 0
    return int(np.clip(1 - math.floor(math.log10(max(error, 1e-6))), 0, 4))


def finite(**values: float) -> dict[str, float]:
    """Those that are numbers, which results can hold."""
    return {name: value for name, value in values.items() if math.isfinite(value)}
