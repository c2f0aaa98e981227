"""Where Markov chains start, if not at random: `--initial pathfinder`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from ppl.errors import Diagnostic, Exit, PplError
from ppl.inference.contract import Density, Remark
from ppl.inference.engines.shared import Settings
from ppl.inference.modes.pathfinder import pathfinder_positions


@dataclass(frozen=True)
class Starts:
    """positions: (chains, n), or None: the engine finds starts at random; random: (chains,), which of the positions
    are of no path."""

    positions: npt.NDArray[np.float64] | None
    random: npt.NDArray[Any]


def check_initial(engine: Settings, initial: str) -> None:
    """Whether an engine has chains that can start there.

    Raises:
        PplError: it has none (E608).
    """
    if initial == "random":
        return
    if engine.draws_are != "correlated":
        title = f"`initial={initial}` is for Markov chains, and the draws of `{engine.name}` are {engine.draws_are}"
        raise PplError([Diagnostic("E608", title, hints=("leave it out",))], exit_code=Exit.USAGE)
    if "discrete" in engine.needs:
        title = f"`initial={initial}` is for continuous latents alone, and `{engine.name}` walks through discrete ones"
        raise PplError([Diagnostic("E608", title, hints=("leave it out",))], exit_code=Exit.USAGE)


def at_random(chains: int) -> Starts:
    return Starts(None, np.zeros(chains, bool))


def along_paths(density: Density, keys: jax.Array) -> Starts:
    """keys: (chains,) typed keys of nothing else; density: in float64.

    Raises:
        InitialisationError: a chain has no place of finite density and gradient to begin its path at.
    """
    found = pathfinder_positions(density, keys)
    return Starts(found.positions, ~found.found)


def remarks(starts: Starts) -> tuple[Remark, ...]:
    """What there is to say of them."""
    if not starts.random.any():
        return ()
    listed = ", ".join(map(str, np.flatnonzero(starts.random)))
    count = int(starts.random.sum())
    title = f"Pathfinder found no start for {count} of {len(starts.random)} chains ({listed}): they started at random."
    return (Remark("initial", "note", title, values={"random": float(count)}),)
