"""Whether chains of Langevin dynamics drew from what they should have, as far as they can tell themselves.

No step is accepted or refused, so nothing corrects what is wrong with the steps or with the noise; but some means are
known. For every coordinate of every density

    E[(z - E z) ∂U/∂z] = 1,

by parts; for a Gaussian this is the ratio of the variance drawn to the true one (as of a virial). Its estimate here
uses gradients of minibatches that the positions do not depend on, so their noise does not bias it. And momenta have
variance 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.inference.contract import Findings, Remark, Remedy
from ppl.inference.minibatch import Minibatch
from ppl.inference.stochastic.chain import ChainState, Tally

Array = NDArray[Any]
# Variances that are wrong by more are told, if no accident explains it: 0.3 is 15 % of a standard deviation.
_VARIANCE_OFF = 0.3
_TEMPERATURE_OFF = 0.1
_ERRORS = 5.0
_STEEP = 0.01
_CURVATURES = 10.0
_SHARE = 0.4
_UNKNOWN = 1.0
_FEWEST_RELAXATIONS = 20.0


def find(momenta: bool, states: ChainState, options: Mapping[str, float], batch: Minibatch | None) -> Findings:
    """states: of all chains; momenta: whether there are any."""
    tally = states.tally
    counts = tally.count.sum(axis=1)
    if not counts.min():
        return Findings()
    draws = counts[:, None]
    ratio, ratio_error = virial(tally)
    heat = tally.temperature.sum(axis=1) / counts
    share = (tally.share / draws).max(axis=1)
    steep = tally.steep / counts
    values: dict[str, tuple[tuple[str, ...], Array]] = {
        "variance_ratio": (("unconstrained",), ratio),
        "noise_share": (("chain",), share),
        "relaxations": (("chain",), tally.relaxations),
        "broken_steps": (("chain",), tally.broken),
    }
    if momenta:
        values["kinetic_temperature"] = (("chain",), heat)
    shorter = Remedy("shorter steps: {}", {"step_size": round(options["step_size"] / 2, 4)})
    exact = Remedy("an engine that corrects its steps: {}", {"engine": "nuts"})
    less_noise = (
        () if batch is None else (Remedy("larger minibatches: {}", {"minibatch": f"{batch.dim}={4 * batch.count}"}),)
    )
    remarks = []
    if tally.broken.any():
        title = f"{int(tally.broken.sum())} steps led too far, or where the log density or its gradient is not finite"
        detail = "the chain stayed where it was, which is no step of the dynamics"
        remarks.append(Remark("unstable", "bad", title, (detail,), (shorter, exact)))
    if (steep > _STEEP).any():
        title = f"the steps were too large in {steep.max():.0%} of the places that a chain saw"
        detail = "where the density is so curved, they are unstable, and the draws keep away from it or are too wide"
        remarks.append(Remark("steep", "bad", title, (detail,), (shorter, exact), {"places": float(steep.max())}))
    curvature = states.learnt.curvature
    if curvature.max() > _CURVATURES * curvature.min():
        title = f"the largest curvature differs {curvature.max() / curvature.min():.0f}-fold between chains"
        detail = "the density is far narrower in some places than in others, and no step size fits all, as in a funnel"
        remarks.append(Remark("curvature", "bad", title, (detail,), (exact,)))
    off = np.flatnonzero((np.abs(ratio - 1) > _VARIANCE_OFF) & (np.abs(ratio - 1) > _ERRORS * ratio_error))
    if off.size:
        worst = int(off[np.argmax(np.abs(np.log(np.maximum(ratio[off], 1e-3))))])
        title = f"{off.size} of {ratio.size} coordinates have a variance that is not the density's"
        detail = f"drawn over true, for a Gaussian: {ratio[worst]:.2f} ± {ratio_error[worst]:.2f} at the worst"
        values_ = {"ratio": float(ratio[worst]), "coordinates": float(off.size)}
        remarks.append(Remark("spread", "bad", title, (detail,), (shorter, *less_noise, exact), values_))
    elif (ratio_error > _UNKNOWN).any():
        title = f"the variances of {int((ratio_error > _UNKNOWN).sum())} of {ratio.size} coordinates cannot be checked"
        detail = "the chains have not come to rest, or gradients are too noisy to tell"
        longer = Remedy("a longer warmup: {}", {"warmup": int(2 * options["warmup"])})
        remarks.append(Remark("unchecked", "bad", title, (detail,), (longer, *less_noise)))
    if momenta:
        error = _error(tally.temperature / np.maximum(tally.count, 1))
        worst = int(np.argmax(np.abs(heat - 1)))
        if abs(heat[worst] - 1) > max(_TEMPERATURE_OFF, _ERRORS * error):
            title = f"the kinetic temperature of chain {worst} is {heat[worst]:.2f}, and should be 1"
            detail = "friction and noise are not in balance, or the steps are too large in some places"
            values_ = {"temperature": float(heat[worst])}
            remarks.append(Remark("temperature", "bad", title, (detail,), (shorter, *less_noise), values_))
    if (share > _SHARE).any():
        title = f"gradient noise makes {share.max():.0%} of the diffusion of a coordinate"
        detail = "it is made up for on average and coordinate by coordinate, which is no longer enough"
        remarks.append(Remark("noise", "bad", title, (detail,), (*less_noise, shorter), {"share": float(share.max())}))
    if tally.relaxations.min() < _FEWEST_RELAXATIONS:
        title = f"the draws of a chain cover {tally.relaxations.min():.1f} relaxation times of the dynamics"
        details = ("gradients are so noisy that the steps had to be small",) if batch and share.max() > 0.05 else ()
        more = Remedy("more steps for each draw: {}", {"steps": int(4 * options["steps"])})
        remarks.append(Remark("slow", "bad", title, details, (*less_noise, more)))
    if not remarks:
        temperature = f"kinetic temperature {heat.mean():.3f}, " if momenta else ""
        title = (
            f"variances {ratio.min():.2f} to {ratio.max():.2f} of the density's by the gradients, {temperature}"
            f"{share.max():.0%} of the diffusion from gradient noise"
        )
        remarks.append(Remark("balance", "good", title))
    return Findings(values, tuple(remarks))


def virial(tally: Tally) -> tuple[Array, Array]:
    """E[(z - E z) ∂U/∂z] of each coordinate, (n,), and its standard error, from stretches of all chains."""
    total = tally.count.sum()
    centre = tally.place.sum(axis=(0, 1)) / total
    count = np.maximum(tally.count, 1)[..., None]
    each = (tally.virial - centre * tally.force) / count
    weights = (tally.count / total)[..., None]
    ratio = (weights * each).sum(axis=(0, 1))
    kept = each.reshape(-1, each.shape[-1])[tally.count.ravel() > 0]
    error = kept.std(axis=0, ddof=1) / np.sqrt(len(kept)) if len(kept) > 1 else np.full(ratio.shape, np.inf)
    return ratio, error


def _error(values: Array) -> float:
    """The standard error of the mean of a row, by the median deviation: bursts do not hide themselves."""
    deviation = np.median(np.abs(values - np.median(values)))
    return float(1.4826 * deviation / np.sqrt(values.shape[1]))
