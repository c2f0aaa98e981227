"""Every engine by name. Importing this does not import JAX."""

from __future__ import annotations

from typing import Any

from ppl.inference.engines import HMC, NUTS

ENGINES: dict[str, type[Any]] = {engine.name: engine for engine in (NUTS, HMC)}
