"""Every engine by name. Importing this imports JAX."""

from __future__ import annotations

from typing import Any

from ppl.inference.hmc import HMC
from ppl.inference.nuts import NUTS

ENGINES: dict[str, type[Any]] = {engine.name: engine for engine in (NUTS, HMC)}
