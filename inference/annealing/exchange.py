"""Exchanges between replicas at neighbouring temperatures, and what they tell.

With V = log p - log q the replicas at β_i < β_j exchange their states with probability

    α = min(1, exp((β_j - β_i)(V_i - V_j)))

(Geyer 1991; Hukushima & Nemoto 1996). At even iterations the pairs (0, 1), (2, 3), … are tried, at odd ones (1, 2),
(3, 4), …: so a state that is accepted goes on in its direction, and crosses R replicas in O(R) iterations, not O(R²)
(Okabe, Kawata, Okamoto & Mikami 2001; Syed, Bouchard-Côté, Deligiannidis & Doucet 2022, section 3).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

# Where a state was last: at neither end, at the reference, at the target.
NOWHERE, REFERENCE, TARGET = 0, 1, 2


def acceptances(betas: jax.Array, gains: jax.Array) -> jax.Array:
    """(R,), (R,) -> (R - 1,): α of each pair of neighbours. Only the gain at β = 0 may be -inf."""
    alpha: jax.Array = jnp.exp(jnp.minimum((betas[1:] - betas[:-1]) * (gains[:-1] - gains[1:]), 0.0))
    return alpha


def exchanged(alpha: jax.Array, uniforms: jax.Array, iteration: jax.Array) -> jax.Array:
    """(R - 1,), (R - 1,), () integer -> (R,): from where each replica takes its state."""
    pairs = jnp.arange(alpha.shape[0], dtype=jnp.int32)
    accepted = ((pairs % 2 == iteration % 2) & (uniforms < alpha)).astype(jnp.int32)
    none = jnp.zeros(1, jnp.int32)
    order: jax.Array = (
        jnp.arange(alpha.shape[0] + 1, dtype=jnp.int32)
        + jnp.concatenate([accepted, none])
        - jnp.concatenate([none, accepted])
    )
    return order


class Trips(NamedTuple):
    """last: (R,), the end at which each state was last; round: (), how often a state went from the reference to the
    target and back; arrivals: (), how often one arrived at the target."""

    last: Any
    round: Any
    arrivals: Any


def travelled(trips: Trips) -> Trips:
    """What is counted of the states as they stand."""
    back = (trips.last[0] == TARGET).astype(jnp.int32)
    arrived = (trips.last[-1] == REFERENCE).astype(jnp.int32)
    # Whatever reached the target without having been at the reference has not come from there.
    at_target = jnp.where(trips.last[-1] == NOWHERE, NOWHERE, TARGET)
    last = trips.last.at[0].set(REFERENCE).at[-1].set(at_target)
    return Trips(last, trips.round + back, trips.arrivals + arrived)


def expected_rate(rejections: NDArray[np.floating[Any]]) -> float:
    """Round trips an iteration, if every replica forgot its state between exchanges: 1 / (2 + 2 Σ r / (1 - r))
    (Syed et al. 2022, corollary 2 and section 3.4). With ever more replicas that is 1 / (2 + 2 Λ)."""
    refused = np.minimum(rejections, 1 - 1e-12)
    return float(1 / (2 + 2 * np.sum(refused / (1 - refused))))
