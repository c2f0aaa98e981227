"""What warmup learns between steps: the diagonal preconditioner, and where the anchor lies.

At marks in windows that grow, the squared scale of a coordinate becomes the geometric mean of the variance of its
draws and of one over that of its gradients. For a Gaussian that lies between marginal and conditional variance, and on
the way to the bulk, where gradients change as the places do, it is the local scale already. Noise has no part in it:
the variance of gradients comes from products of two independent estimates. No variance is less than one over that of
its gradient, so what moved less is stuck, not narrow. Where noise hides gradients, the draws alone tell.

The anchor of a chain is the mean of the later half of its window; the last mark is before the end of warmup, so that
the variance of gradients is then learnt with the anchor and the scale that the draws have. While warmup looks for the
bulk there is no control variate: an anchor far from it would add noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.inference.stepping import Tree
from ppl.inference.stochastic.chain import SEARCH, ChainState

Array = NDArray[Any]
_FIRST_MARK = 20.0
_GROWTH = 1.6  # where the data are many, each anchor takes the chain nearer to the bulk


@dataclass(frozen=True)
class ScaleTuner:
    """tuning: the scale, (chains, n), the same for all chains."""

    anchored: bool
    warmup: int

    def initial(self, chains: int, size: int, dtype: Any) -> Tree:
        return np.ones((chains, size), dtype)

    def marks(self, warmup: int) -> tuple[int, ...]:
        last = warmup - warmup // 8
        ends, end = [], _FIRST_MARK
        while end < 0.7 * last:
            ends.append(int(end))
            end *= _GROWTH
        return (*ends, last) if ends else ()

    def tune(self, tuning: Array, states: ChainState, positions: Array, done: int) -> tuple[Array, ChainState]:
        chains, draws, _ = positions.shape
        searching = done < self.warmup * SEARCH
        x = positions.astype(np.float64)
        # Within chains, which need not have found each other yet.
        spread = x.var(axis=1).mean(axis=0)
        count = np.maximum(states.window.count[:, None], 1)
        mean = states.window.gradient / count
        steep = (states.window.square / count - mean**2).mean(axis=0)
        error = states.learnt.noise.mean(axis=0) / np.sqrt(chains * draws)
        with np.errstate(all="ignore"):
            squared = np.where(steep > 4 * error, np.maximum(np.sqrt(spread / steep), 1 / steep), spread)
            change = np.log(squared) / 2 - np.log(tuning[0])
        if searching and states.learnt.noise.any():
            # A coordinate that has not moved yet, among noise, may be far away: a small scale would keep it there.
            change = np.full_like(change, np.median(change))
        weight = chains * draws / (chains * draws + 10.0)
        change = np.where(np.isfinite(change), weight * np.clip(change, -20, 20), 0.0)
        scale = np.tile((tuning[0] * np.exp(change)).astype(tuning.dtype), (chains, 1))
        again = np.ones(chains, bool)
        anchor = states.anchor._replace(
            position=x[:, draws // 2 :].mean(axis=1).astype(tuning.dtype),
            weight=np.full(chains, not searching, tuning.dtype),
            stale=again & self.anchored,
        )
        window = type(states.window)(*(np.zeros_like(part) for part in states.window))
        # The noise changes with the anchor; without one, only on the way to the bulk.
        forgets = self.anchored or searching
        samples = states.learnt.samples * (0 if forgets else 1)
        learnt = states.learnt._replace(anew=again, samples=samples)
        return scale, states._replace(anchor=anchor, learnt=learnt, window=window)
