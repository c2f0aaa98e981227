"""What is said of replicas: whether states travel between the reference and the target, and the evidence on the way."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.inference.annealing.evidence import digits, named_integral
from ppl.inference.annealing.exchange import expected_rate
from ppl.inference.annealing.replicas import Replicas
from ppl.inference.contract import Density, DiscreteDensity, Findings, Remark, Remedy
from ppl.inference.discrete.sites import discrete
from ppl.inference.discrete.sweep import flat_tables

Array = NDArray[Any]

# Neighbours that exchange less often are strangers.
FEWEST_EXCHANGES = 0.1
# Round trips below this share of what exchanges allow: states remember where they were.
SLOW = 0.25


def exchange_findings(density: Density, betas: Array, states: Replicas, exploration: int) -> Findings:
    """betas: (R,), in sampling; states: with the chains along the first axis of each leaf."""
    tally, trips = states.tally, states.trips
    count = int(tally.count[0])
    if not count:
        return Findings()
    refused = tally.refused / count
    values = {
        "inverse_temperature": (("replica",), betas),
        "swap_acceptance": (("chain", "pair"), 1 - refused),
        "barrier": (("chain",), refused.sum(axis=1)),
        "round_trips": (("chain",), trips.round),
        "arrivals": (("chain",), trips.arrivals),
        "mean_log_ratio": (("chain", "replica"), tally.gain / count),
    }
    if density.size:
        values["move_acceptance"] = (("chain", "pair"), tally.acceptance / count)
    remarks = _travels(refused.mean(axis=0), trips.round, count, exploration)
    if density.size or not _constrained(discrete(density)):
        evidence = np.sum(tally.up - tally.down, axis=1)
        values["log_evidence"] = (("chain",), evidence)
        remarks.append(_evidence(density, evidence))
    return Findings(values, tuple(remarks))


def _travels(refused: Array, trips: Array, count: int, exploration: int) -> list[Remark]:
    """refused: (R - 1,), of all chains; trips: (chains,), in so many iterations."""
    barrier, replicas = float(refused.sum()), len(refused) + 1
    rate, possible = float(trips.mean()) / count, expected_rate(refused)
    # Where exchanges are rare, rejections tell too little of the barrier.
    enough = max(math.ceil(2 * barrier) + 1, 2 * replicas if 1 - refused.max() < FEWEST_EXCHANGES else 0)
    numbers = {"barrier": barrier, "replicas": float(enough), "rate": rate, "possible": possible}
    more = Remedy("take more replicas: {}", {"replicas": max(enough, 2 * replicas)})
    explore = Remedy("move more between exchanges: {}", {"exploration": 4 * exploration})
    remarks = []
    if 1 - refused.max() < FEWEST_EXCHANGES:
        pair = int(np.argmax(refused))
        title = f"Replicas {pair} and {pair + 1} exchange with probability {1 - refused[pair]:.2g} only."
        detail = f"the barrier between reference and target is at least {barrier:.1f}, too high for {replicas} replicas"
        remarks.append(Remark("swaps", "bad", title, (detail,), (more, explore), numbers))
    allowed = f"{rate:.2g} round trips an iteration, where exchanges allow {possible:.2g}"
    if not trips.all():
        title = (
            f"{int(np.sum(trips == 0))} of {len(trips)} chains made no round trip between reference and target "
            f"in {count} iterations."
        )
        detail = f"in the chains {', '.join(map(str, trips))}; {allowed}; barrier {barrier:.1f}, {replicas} replicas"
        remedies = (
            (more, explore) if replicas < enough else (explore, Remedy("let it run longer: {}", {"draws": 10 * count}))
        )
        remarks.append(Remark("round trips", "bad", title, (detail,), remedies, numbers))
    elif rate < SLOW * possible:
        title = f"States travel slowly: {allowed}."
        detail = "a state is still where it was when its turn to exchange comes again"
        remarks.append(Remark("round trips", "note", title, (detail,), (explore,), numbers))
    else:
        title = (
            f"States travel between reference and target: {allowed}, at least {int(trips.min())} in each chain; "
            f"barrier {barrier:.1f}, for which {enough} replicas are best."
        )
        remarks.append(Remark("round trips", "good", title, values=numbers))
    return remarks


def _evidence(density: Density, log_z: Array) -> Remark:
    """log_z: (chains,), log Z of each."""
    mean, chains = float(np.mean(log_z)), len(log_z)
    called = named_integral(density)
    if chains < 2:
        title = f"The {called} is {mean:.6g}; one chain alone has no error."
        return Remark("log_evidence", "note", title, values={"log_evidence": mean})
    error = float(np.std(log_z, ddof=1) / math.sqrt(chains))
    title = f"The {called} is {mean:.{digits(error)}f}, with standard error {error:.1g} (from neighbouring replicas)."
    return Remark("log_evidence", "note", title, values={"log_evidence": mean, "standard_error": error})


def _constrained(density: DiscreteDensity) -> bool:
    """Whether some states are impossible, so that those at β = 0 are not uniform over all."""
    with jax.enable_x64(True):
        return not bool(_all_possible(density))


@jax.jit
def _all_possible(density: DiscreteDensity) -> jax.Array:
    return jnp.all(jnp.isfinite(flat_tables(density, jnp.zeros(0))))
