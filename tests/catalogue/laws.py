"""Truncated distributions of the catalogue, by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.compiler.distributions import combinators, filled
from ppl.compiler.distributions.law import Law


def truncated(name: str, parameters: Mapping[str, Any], lower: Any = None, upper: Any = None) -> Law:
    return combinators.truncated(filled(name, parameters), lower, upper, DISTRIBUTIONS[name].discrete)


def log_prob_truncated(
    name: str, value: Any, parameters: Mapping[str, Any], lower: Any = None, upper: Any = None
) -> Array:
    return truncated(name, parameters, lower, upper).log_prob(jnp.asarray(value).astype(float))


def log_prob_ordered(name: str, value: Array, parameters: Mapping[str, Any]) -> Array:
    return combinators.ordered(filled(name, parameters)).log_prob(value)
