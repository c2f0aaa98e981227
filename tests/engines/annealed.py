"""Densities and judgements for engines that go from a prior to a posterior."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ppl.inference.contract import Findings
from tests.inference.densities import Broad, Conjugate, Funnel
from tests.inference.runs import Run


@partial(jax.tree_util.register_dataclass, data_fields=["apart", "sd", "share", "wide"], meta_fields=["size"])
@dataclass(frozen=True)
class Peaks:
    """Two normals of standard deviation sd, at `apart` in every coordinate and at the opposite place, the first with
    its share; an integral of 1. The prior is N(0, wide²)."""

    apart: float
    sd: float
    share: float
    wide: float
    size: int

    def log_density(self, u: jax.Array) -> jax.Array:
        volume = self.size * jnp.log(self.sd * jnp.sqrt(2 * jnp.pi))

        def peak(centre: Any) -> jax.Array:
            return -0.5 * jnp.sum(((u - centre) / self.sd) ** 2) - volume

        return jnp.logaddexp(jnp.log(self.share) + peak(self.apart), jnp.log1p(-self.share) + peak(-self.apart))

    def prior(self) -> Broad:
        return Broad(jnp.full(self.size, self.wide))


@partial(jax.tree_util.register_dataclass, data_fields=["wide"], meta_fields=["size"])
@dataclass(frozen=True)
class FunnelOfPrior:
    """The funnel, found from a wide prior; its integral is 1."""

    wide: float
    size: int

    def log_density(self, u: jax.Array) -> jax.Array:
        return Funnel(self.size).log_density(u) - jnp.log(3.0) - 0.5 * self.size * jnp.log(2 * jnp.pi)

    def prior(self) -> Broad:
        return Broad(jnp.full(self.size, self.wide))


def moment_errors(made: Run, density: Conjugate) -> Any:
    """(2 n,): means and variances of all chains less the exact ones, in standard errors from the chains' spread."""
    mean, covariance, _ = density.moments()
    both = np.concatenate([made.positions, (made.positions - mean) ** 2], axis=2).mean(axis=1)
    exact = np.concatenate([mean, np.diagonal(covariance)])
    return (both.mean(axis=0) - exact) / (both.std(axis=0, ddof=1) / np.sqrt(len(both)))


def evidence_error(findings: Findings, exact: float) -> float:
    """The log evidence of all chains less the exact one, in the standard errors that the engine gives."""
    values = next(remark for remark in findings.remarks if remark.name == "log_evidence").values
    return (values["log_evidence"] - exact) / values["standard_error"]


def verdicts(findings: Findings) -> dict[str, str]:
    return {remark.name: remark.verdict for remark in findings.remarks}


def shares(made: Run) -> Any:
    """(chains,): of draws at the first of two peaks."""
    return (made.positions[..., 0] > 0).mean(axis=1)
