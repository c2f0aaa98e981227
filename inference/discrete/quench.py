"""The end of a search among states: sweeps at temperature zero until nothing changes, and what is said of where.

Iterated conditional modes (Besag 1986): every site takes the state that is most probable given all others. The log
density rises with each change, so that it ends, where no change of one site is for the better.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ppl.inference.chains import over_chains
from ppl.inference.contract import Carry, Chunk, Density, DiscreteDensity, Findings, Remark
from ppl.inference.discrete.schedule import Schedule
from ppl.inference.discrete.sites import compact, discrete
from ppl.inference.discrete.sweep import flat_tables, sweep

# Log densities that differ by no more, relatively, are equal.
_EQUAL = 1e-9


@dataclass(frozen=True)
class QuenchLife:
    """From states that were found to the one draw of each chain. The precision is float64."""

    def start(self, chains: int, schedule: Schedule) -> Carry:
        """The states are put in once they are there."""
        return {
            "schedule": schedule,
            "states": np.zeros((chains, schedule.size), np.int32),
            "log_density": np.zeros(chains),
            "drawn": np.int64(0),
        }

    def advance(self, density: Density, carry: Carry) -> tuple[Carry, Chunk]:
        sites, schedule = discrete(density), carry["schedule"]
        alone = partial(_quench, sites, schedule)
        states, lp = over_chains(alone, jax.vmap(alone), carry["states"], True)
        following = {**carry, "states": states, "log_density": lp, "drawn": np.int64(1)}
        return following, Chunk(
            warmup=False,
            positions=np.zeros((len(lp), 1, 0)),
            stats={"lp": lp[:, None]},
            discrete=compact(states[:, None, schedule.places], sites),
        )

    def done(self, carry: Carry) -> bool:
        return bool(carry["drawn"])

    def progress(self, carry: Carry) -> tuple[int, int]:
        return int(carry["drawn"]), 1

    def findings(self, density: Density, carry: Carry) -> Findings:
        if not self.done(carry):
            return Findings()
        lp = carry["log_density"]
        return Findings({"log_density": (("chain",), lp)}, (_agreement(lp, carry["states"]),))


@jax.jit
def _quench(density: DiscreteDensity, schedule: Schedule, states: jax.Array) -> tuple[jax.Array, jax.Array]:
    nowhere = jnp.zeros(0)
    flat = flat_tables(density, nowhere)
    unused = jnp.zeros(2, jnp.uint32)

    def once(carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        new = sweep("quench", schedule, flat, carry[0], unused)
        return new, jnp.any(new != carry[0])

    states, _ = jax.lax.while_loop(lambda carry: carry[1], once, (states, jnp.array(True)))
    return states, density.given(states[schedule.places]).log_density(nowhere)


def _agreement(lp: Any, states: Any) -> Remark:
    best = float(np.max(lp))
    found = lp >= best - _EQUAL * max(1.0, abs(best))
    count, chains = int(found.sum()), len(lp)
    different = len(np.unique(states[found], axis=0))
    values = {"found": float(count), "best": float(np.argmax(lp)), "states": float(different)}
    if count < chains:
        title = (
            f"{count} of {chains} searches found the highest log density, {best:.6g} (chain {int(np.argmax(lp))}'s)."
        )
        details = (
            f"log densities: {', '.join(f'{value:.6g}' for value in lp)}",
            "averages over the chains mean nothing",
        )
        return Remark("modes", "bad", title, details, values=values)
    if different > 1:
        title = f"{chains} searches found the same log density, {best:.6g}, in {different} different states."
        detail = "averages over the chains mean nothing"
        return Remark("modes", "note", title, (detail,), values=values)
    title = f"{chains} searches found one mode." if chains > 1 else "One search found a mode."
    return Remark("modes", "good", title, values=values)
