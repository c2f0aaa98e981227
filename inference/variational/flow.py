"""Normalising flows: Gaussians that small networks bend.

A member is u = m + L w, w = F(z) with z standard normal; L is the triangular factor of `FullRank`. F is a succession of
affine couplings (Dinh, Sohl-Dickstein & Bengio 2017, section 3): each leaves one half of the coordinates, w_A, as it
is, and stretches and shifts the other by what it reads there,

    w_B ← exp(s(w_A)) w_B + t(w_A),   s, t = (c tanh(S h / c), T h),   h = tanh(V w_A + b),

so that its inverse costs as much and log |det| is the sum of s. At the start S = T = 0 and F is the identity: a member
begins as a Gaussian, and its networks are held until that has found its place. Coordinate i is in the half B of
couplings 2j and 2j + 1 if bit j of i is 1, and if it is 0: with as many couplings as a layer has, every coordinate acts
on every other.

The gradient is along the path of u alone, as for Gaussians (Roeder, Wu & Duvenaud 2017; for flows Vaitl, Nicoli,
Nakajima & Kessel 2022): ∇log q at u comes from the inverse of F with its parameters held, and

    h = L' (∇log p(u) - ∇log q(u))

is what is handed down, to m and L in the member's own coordinates w and through F to the networks: to these cut where
it is huge, for it has heavy tails where F is yet to be found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ppl.inference.variational.families import Draw, FullRank, Member, root_of, standard_log_density

Array = NDArray[Any]

# No coupling stretches by more than a factor of e to this.
_MOST_STRETCH = 3.0
# Draws by which two members are compared.
_COMPARED = 256
# Of the rate of the ascent: steps of the networks; and of m and L once these are free, for then w is no longer normal,
# and L moves all that they learnt.
_NETWORK_RATE = 0.05
_AFFINE_RATE = 0.03
# Of h, its root mean square: so large that the noise of minibatches, which is skewed, is hardly ever cut.
_MOST_PULL = 10.0
# Gradients of networks are handed on so much larger, for which Adam makes up unless they are tiny.
_LOUD = 100.0
_AFFINE = FullRank()


class Couplings(NamedTuple):
    """Their networks, one after the other along the first axis: V (k, h, n), b (k, h), S and T (k, n, h); free: (k,), 0
    while they are held and 1 then."""

    inward: Any
    offset: Any
    stretch: Any
    shift: Any
    free: Any


class Flow(NamedTuple):
    """A member to draw from. root: L; inverse: L⁻¹."""

    mean: Any
    root: Any
    inverse: Any
    couplings: Couplings

    def sample(self, z: jax.Array) -> jax.Array:
        u: jax.Array = self.mean + self.root @ bent(self.couplings, z)[0]
        return u

    def log_density(self, u: jax.Array) -> jax.Array:
        w = self.inverse @ (u - self.mean)
        return _log_density(self.couplings, w) + jnp.sum(jnp.log(jnp.diagonal(self.inverse)))


@dataclass(frozen=True)
class Bent:
    """layers: how often every coordinate acts on every other; hidden: the width h of each network."""

    layers: int
    hidden: int

    def normals(self, size: int) -> int:
        return size

    def coupled(self, size: int) -> int:
        return size + self.hidden

    def begin(self, position: Array) -> Member:
        """The networks begin with numbers of no pattern, and bend nothing yet."""
        size, count = len(position), self.layers * _in_layer(len(position))
        rng = np.random.default_rng(0)
        none = np.zeros((count, size, self.hidden))
        couplings = Couplings(
            rng.normal(size=(count, self.hidden, size)) / math.sqrt(max(size / 2, 1)),
            rng.normal(size=(count, self.hidden)),
            none,
            none.copy(),
            np.zeros(count),
        )
        return _AFFINE.begin(position)._replace(couplings=couplings)

    def draw(self, member: Member, z: jax.Array) -> Draw:
        w, log_volume = bent(member.couplings, z)
        drawn = _AFFINE.draw(member, w)
        log_q = standard_log_density(z) - log_volume - jnp.sum(member.log_scale)
        return Draw(drawn.position, log_q, -jax.grad(partial(_log_density, member.couplings))(w))

    def gradient(self, member: Member, z: jax.Array, drawn: Draw, slope: jax.Array) -> Member:
        w, backwards = jax.vjp(lambda couplings: bent(couplings, z)[0], member.couplings)
        affine = _AFFINE.gradient(member, w, drawn, slope)
        h = affine.mean
        shorter = jnp.minimum(1.0, _MOST_PULL / jnp.sqrt(jnp.mean(h * h) + 1e-30))
        return affine._replace(couplings=backwards(_LOUD * shorter * h)[0])

    def moved(self, member: Member, step: Member) -> Member:
        free = member.couplings.free[0]
        couplings = jax.tree.map(lambda own, more: own + free * _NETWORK_RATE * more, member.couplings, step.couplings)
        slower = 1 - free * (1 - _AFFINE_RATE)
        affine = Member(slower * step.mean, slower * step.log_scale, slower * step.factor)
        return _AFFINE.moved(member, affine)._replace(couplings=couplings)

    def released(self, member: Member) -> Member | None:
        if member.couplings.free[0] == 1:
            return None
        return member._replace(couplings=member.couplings._replace(free=np.ones_like(member.couplings.free)))

    def change(self, old: Member, new: Member) -> float:
        """An estimate, by the same draws each time, since there is no closed form; what noise makes negative is 0."""
        z = np.random.default_rng(0).normal(size=(_COMPARED, len(old.mean)))
        return max(float(_divergence(self.approximation(old), self.approximation(new), z)), 0.0)

    def approximation(self, member: Member) -> Flow:
        root = root_of(member)
        return Flow(member.mean, root, np.tril(np.linalg.inv(root)), member.couplings)


def bent(couplings: Couplings, z: jax.Array) -> tuple[jax.Array, jax.Array]:
    """F(z), and log |det| of its derivative: (n,) -> (n,), ()."""

    def couple(carry: tuple[jax.Array, jax.Array], layer: tuple[Couplings, jax.Array]) -> Any:
        w, log_volume = carry
        stretch, shift = _read(*layer, w)
        return (w * jnp.exp(stretch) + shift, log_volume + jnp.sum(stretch)), None

    first = (z, jnp.zeros((), z.dtype))
    result: tuple[jax.Array, jax.Array] = jax.lax.scan(couple, first, (couplings, jnp.asarray(_halves(couplings))))[0]
    return result


def _log_density(couplings: Couplings, w: jax.Array) -> jax.Array:
    """Of F(z) at w: (n,) -> ()."""

    def uncouple(carry: tuple[jax.Array, jax.Array], layer: tuple[Couplings, jax.Array]) -> Any:
        w, log_volume = carry
        stretch, shift = _read(*layer, w)
        return ((w - shift) * jnp.exp(-stretch), log_volume + jnp.sum(stretch)), None

    first = (w, jnp.zeros((), w.dtype))
    z, log_volume = jax.lax.scan(uncouple, first, (couplings, jnp.asarray(_halves(couplings))), reverse=True)[0]
    return standard_log_density(z) - log_volume


def _read(one: Couplings, moved: jax.Array, w: jax.Array) -> tuple[jax.Array, jax.Array]:
    """s and t of one coupling, 0 where coordinates stay. Products are sums, which a compiler keeps in loops."""
    features = jnp.tanh(jnp.sum(one.inward * ((1 - moved) * w)[None, :], axis=1) + one.offset)
    stretch = jnp.sum(one.stretch * features[None, :], axis=1)
    shift = jnp.sum(one.shift * features[None, :], axis=1)
    return moved * _MOST_STRETCH * jnp.tanh(stretch / _MOST_STRETCH), moved * shift


def _in_layer(size: int) -> int:
    """Couplings in which every coordinate acts on every other."""
    return 2 * max((size - 1).bit_length(), 1)


def _halves(couplings: Couplings) -> Array:
    """(k, n): 1 for coordinates that a coupling moves."""
    count, _, size = couplings.inward.shape
    couplings_each = np.arange(count) % _in_layer(size)
    bits = (np.arange(size)[None, :] >> (couplings_each[:, None] // 2)) & 1
    return np.asarray(bits ^ (couplings_each[:, None] % 2), np.float64)


@jax.jit
def _divergence(old: Flow, new: Flow, z: jax.Array) -> jax.Array:
    """KL(old|new) + KL(new|old), estimated at (k, n) normals."""

    def excess(one: Flow, other: Flow) -> jax.Array:
        def gap(z: jax.Array) -> jax.Array:
            u = one.sample(z)
            return one.log_density(u) - other.log_density(u)

        return jnp.mean(jax.vmap(gap)(z))

    return excess(old, new) + excess(new, old)
