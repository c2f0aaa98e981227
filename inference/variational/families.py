"""Families of Gaussians, and steps in them that do not depend on the coordinates' scales.

A member is u = m + A(z), z standard normal. A step is taken in the member's own coordinates, in which it is N(0, I): as
in Lin, Nielsen, Khan & Schmidt 2021, a new member is the old one after a small map of z, and gradients are
those of the map at the identity. With the path derivative of log q alone (Roeder, Wu & Duvenaud 2017) the
gradient of the ELBO with respect to the place u of a draw is

    ∇log p(u) - ∇log q(u),

whose noise vanishes where q is the target: the entropy's share comes through the place of the draw, and the score of
the parameters, of mean zero, is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.inference.modes.approximation import Approximation
from ppl.inference.modes.gaussian import Gaussian

Array = NDArray[Any]


class Member(NamedTuple):
    """mean, log_scale: (n,); factor: of a shape that the family has; couplings: of a flow's networks. Also a step, and
    an average, of members."""

    mean: Any
    log_scale: Any
    factor: Any
    couplings: Any = ()


class Draw(NamedTuple):
    """A position (n,); log q there; and minus its gradient, times the scales: (n,)."""

    position: Any
    log_density: Any
    pull: Any


class Family(Protocol):
    """A hashable value; what is not said to be on the host is traceable."""

    def normals(self, size: int) -> int:
        """How many a draw takes."""
        ...

    def coupled(self, size: int) -> int:
        """How many normals have a share in one coordinate of a draw: the more, the noisier are steps."""
        ...

    def begin(self, position: Array) -> Member:
        """position: (n,). A narrow member there. On the host."""
        ...

    def draw(self, member: Member, z: jax.Array) -> Draw: ...

    def gradient(self, member: Member, z: jax.Array, drawn: Draw, slope: jax.Array) -> Member:
        """Of the ELBO, for a step. slope: ∇log p at the draw, (n,)."""
        ...

    def moved(self, member: Member, step: Member) -> Member: ...

    def released(self, member: Member) -> Member | None:
        """A member near its place, with what was held on the way there let go; None: nothing is held. On the host."""
        ...

    def change(self, old: Member, new: Member) -> float:
        """KL(old|new) + KL(new|old), in nats. On the host."""
        ...

    def approximation(self, member: Member) -> Approximation:
        """On the host."""
        ...


# Standard deviations at the start: less than those of most posteriors, since narrow members see no far tails.
FIRST_SCALE = 0.1
# Steps in z beyond this are no small maps.
_FARTHEST = 0.5


class Unheld:
    """Of families that move as they are from the start."""

    def released(self, member: Member) -> Member | None:
        return None


@dataclass(frozen=True)
class MeanField(Unheld):
    """u = m + D z: no correlations. factor: (n, 0)."""

    def normals(self, size: int) -> int:
        return size

    def coupled(self, size: int) -> int:
        return 1

    def begin(self, position: Array) -> Member:
        return _begun(position, np.zeros((len(position), 0)))

    def draw(self, member: Member, z: jax.Array) -> Draw:
        u = member.mean + jnp.exp(member.log_scale) * z
        return Draw(u, standard_log_density(z) - jnp.sum(member.log_scale), z)

    def gradient(self, member: Member, z: jax.Array, drawn: Draw, slope: jax.Array) -> Member:
        h = jnp.exp(member.log_scale) * slope + drawn.pull
        return Member(h, h * z, jnp.zeros_like(member.factor))

    def moved(self, member: Member, step: Member) -> Member:
        mean = member.mean + jnp.exp(member.log_scale) * step.mean
        return Member(mean, member.log_scale + _bounded(step.log_scale), member.factor)

    def change(self, old: Member, new: Member) -> float:
        return 0.5 * (_excess(old, new) + _excess(new, old))

    def approximation(self, member: Member) -> Gaussian:
        return Gaussian(member.mean, np.exp(member.log_scale), member.factor, np.zeros((0, 0)), np.zeros((0, 0)))


@dataclass(frozen=True)
class FullRank(Unheld):
    """u = m + L z, L lower triangular: its diagonal D, and below it the factor (n, n).

    The step is L ← L T, T the triangular map of z; the gradient of log q at u, times L', is -z, so that no system of
    equations is solved.
    """

    def normals(self, size: int) -> int:
        return size

    def coupled(self, size: int) -> int:
        return size

    def begin(self, position: Array) -> Member:
        return _begun(position, np.zeros((len(position), len(position))))

    def draw(self, member: Member, z: jax.Array) -> Draw:
        u = member.mean + jnp.exp(member.log_scale) * z + jnp.sum(member.factor * z[None, :], axis=1)
        return Draw(u, standard_log_density(z) - jnp.sum(member.log_scale), z)

    def gradient(self, member: Member, z: jax.Array, drawn: Draw, slope: jax.Array) -> Member:
        h = jnp.exp(member.log_scale) * slope + jnp.sum(member.factor * slope[:, None], axis=0) + drawn.pull
        return Member(h, h * z, jnp.tril(h[:, None] * z[None, :], -1))

    def moved(self, member: Member, step: Member) -> Member:
        whole = member.factor + jnp.diag(jnp.exp(member.log_scale))
        larger = _bounded(step.log_scale)
        factor = whole @ (_shortened(step.factor) + jnp.diag(jnp.exp(larger)))
        return Member(member.mean + whole @ step.mean, member.log_scale + larger, jnp.tril(factor, -1))

    def change(self, old: Member, new: Member) -> float:
        roots = root_of(old), root_of(new)
        inverses = np.linalg.inv(roots[0]), np.linalg.inv(roots[1])
        aways = [inverse @ (new.mean - old.mean) for inverse in inverses]
        maps = inverses[0] @ roots[1], inverses[1] @ roots[0]
        squares = sum(np.sum(each**2) for each in (*aways, *maps))
        return float(0.5 * squares - len(old.mean))

    def approximation(self, member: Member) -> Gaussian:
        root, eye = root_of(member), np.eye(len(member.mean))
        return Gaussian(member.mean, np.ones(len(eye)), eye, root, np.tril(np.linalg.inv(root)))


@dataclass(frozen=True)
class LowRank(Unheld):
    """u = m + D (z + B e), z and e standard normal: covariance D (I + B B') D. factor: B, (n, r)."""

    rank: int

    def normals(self, size: int) -> int:
        return size + self.rank

    def coupled(self, size: int) -> int:
        return 1 + self.rank

    def begin(self, position: Array) -> Member:
        """B = 0 would be a saddle: it begins with small numbers of no pattern."""
        size = len(position)
        places = np.arange(1, size * self.rank + 1, dtype=np.float64).reshape(size, self.rank)
        return _begun(position, 0.1 * np.cos(places**2))

    def draw(self, member: Member, z: jax.Array) -> Draw:
        size = member.mean.shape[0]
        b = member.factor
        w = z[:size] + jnp.sum(b * z[None, size:], axis=1)
        # Woodbury: (I + B B')⁻¹ w = w - B (I + B'B)⁻¹ B'w.
        inner, log_det = _solved(jnp.eye(self.rank, dtype=b.dtype) + b.T @ b, jnp.sum(b * w[:, None], axis=0))
        pull = w - jnp.sum(b * inner[None, :], axis=1)
        log_volume = jnp.sum(member.log_scale) + 0.5 * log_det
        log_q = -0.5 * jnp.sum(w * pull) - 0.5 * size * math.log(2 * math.pi) - log_volume
        return Draw(member.mean + jnp.exp(member.log_scale) * w, log_q, pull)

    def gradient(self, member: Member, z: jax.Array, drawn: Draw, slope: jax.Array) -> Member:
        scale = jnp.exp(member.log_scale)
        h = scale * slope + drawn.pull
        return Member(h, h * (drawn.position - member.mean) / scale, h[:, None] * z[None, member.mean.shape[0] :])

    def moved(self, member: Member, step: Member) -> Member:
        mean = member.mean + jnp.exp(member.log_scale) * step.mean
        return Member(mean, member.log_scale + _bounded(step.log_scale), member.factor + _shortened(step.factor))

    def change(self, old: Member, new: Member) -> float:
        return 0.5 * (_excess(old, new) + _excess(new, old))

    def approximation(self, member: Member) -> Gaussian:
        q, r = np.linalg.qr(member.factor)
        core = np.linalg.cholesky(np.eye(r.shape[0]) + r @ r.T)
        return Gaussian(member.mean, np.exp(member.log_scale), q, core, np.tril(np.linalg.inv(core)))


def _begun(position: Array, factor: Array) -> Member:
    return Member(np.array(position, np.float64), np.full(len(position), math.log(FIRST_SCALE)), factor)


def standard_log_density(z: jax.Array) -> jax.Array:
    return -0.5 * jnp.sum(z * z) - 0.5 * z.shape[0] * math.log(2 * math.pi)


def _bounded(step: jax.Array) -> jax.Array:
    return jnp.clip(step, -_FARTHEST, _FARTHEST)


def _shortened(step: jax.Array) -> jax.Array:
    """The many entries of a factor are bounded together: as a map they add up."""
    shortened: jax.Array = step * jnp.minimum(1.0, _FARTHEST / jnp.sqrt(jnp.sum(step * step) + 1e-30))
    return shortened


def root_of(member: Member) -> Array:
    root: Array = member.factor + np.diag(np.exp(member.log_scale))
    return root


def _excess(one: Member, other: Member) -> float:
    """tr(Σ⁻¹ Σ') - n + (m' - m)' Σ⁻¹ (m' - m), Σ = D (I + B B') D of `one` and m', Σ' of `other`; by Woodbury."""
    scale, b = np.exp(one.log_scale), one.factor
    ratio = np.exp(other.log_scale - one.log_scale)[:, None]
    # Σ' and the distance, in units of D: the squares of these columns, and of the diagonal `ratio`.
    columns = np.concatenate([ratio * other.factor, ((other.mean - one.mean) / scale)[:, None]], axis=1)
    inner = np.linalg.inv(np.eye(b.shape[1]) + b.T @ b)
    spread, along = ratio * b, b.T @ columns
    less = np.sum((spread @ inner) * spread) + np.sum((inner @ along) * along)
    return float(np.sum(ratio**2) - len(scale) + np.sum(columns**2) - less)


def _solved(matrix: jax.Array, right: jax.Array) -> tuple[jax.Array, jax.Array]:
    """M⁻¹ y and log det M of a positive definite (r, r) matrix: Gauss and Jordan's elimination, which needs no pivots
    there, in a loop that stays one with what is around it."""

    def eliminate(
        k: jax.Array, carry: tuple[jax.Array, jax.Array, jax.Array]
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        matrix, right, log_det = carry
        pivot, row, value = matrix[k, k], matrix[k] / matrix[k, k], right[k] / matrix[k, k]
        others = jnp.where(jnp.arange(matrix.shape[0]) == k, 0.0, matrix[:, k])
        matrix = (matrix - others[:, None] * row[None, :]).at[k].set(row)
        return matrix, (right - others * value).at[k].set(value), log_det + jnp.log(pivot)

    none = jnp.zeros((), matrix.dtype)
    _, solution, log_det = jax.lax.fori_loop(0, matrix.shape[0], eliminate, (matrix, right, none))
    return solution, log_det
