"""A density with sites, seen from the host."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from ppl.inference.contract import Density, DiscreteDensity
from ppl.inference.discrete.schedule import Schedule, make_schedule


def discrete(density: Density) -> DiscreteDensity:
    """The density as one with sites.

    Raises:
        TypeError: it has none.
    """
    if not isinstance(density, DiscreteDensity):
        raise TypeError("this engine walks through discrete sites, and the density has none")
    return density


def schedule_of(density: DiscreteDensity, precision: str) -> Schedule:
    """How the sites of a density are swept."""
    with jax.enable_x64(precision == "float64"):
        shapes = jax.eval_shape(density.tables, np.zeros(density.size, precision))
    return make_schedule(density.cardinality, density.scopes, [table.shape for table in shapes])


def compact(states: Any, density: DiscreteDensity) -> Any:
    """States in the smallest integers that hold them."""
    return np.asarray(states).astype(np.min_scalar_type(int(density.cardinality.max(initial=1)) - 1))
