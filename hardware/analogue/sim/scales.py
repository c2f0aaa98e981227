"""Where modes rest, how stiff they are there, and how fast they forget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy import linalg, optimize

from ppl.errors import Diagnostic, PplError
from ppl.hardware.analogue.dynamics import Dynamics, Overdamped
from ppl.hardware.analogue.modes import Floats, Modes
from ppl.hardware.laws.evaluation import function, numbers

Field = Callable[[jax.Array], jax.Array]
# Curvatures below this share of the largest are those of a flat direction, whose relaxation would be without end.
_FLAT = 1e-9
_MOST_CLIMBS = 200
# Of differences: the cube root of rounding, at which they are most precise.
_WAY = 6e-6


def gradient(modes: Modes) -> Field:
    """(..., n) -> (..., n): ∇E, for JAX in float64."""
    rest = None if modes.force is None else function(modes.force)

    def of(x: jax.Array) -> jax.Array:
        linear = x @ jnp.asarray(modes.precision) - spread(modes.bias, x)
        return linear if rest is None else linear - rest(x)

    return of


def energy(modes: Modes) -> Field:
    """(..., n) -> (...): E."""
    if modes.energy is not None:
        whole = function(modes.energy)
        return lambda x: whole(x)[..., 0]

    def of(x: jax.Array) -> jax.Array:
        quadratic = 0.5 * jnp.sum(x * (x @ jnp.asarray(modes.precision)), axis=-1)
        return modes.offset + quadratic - x @ jnp.asarray(modes.bias)

    return of


def spread(vector: Floats, x: jax.Array) -> jax.Array:
    """(n,) -> (..., n), as many as x."""
    return jnp.broadcast_to(jnp.asarray(vector), x.shape)


class Times(NamedTuple):
    """In model time. slowest: what a mode takes to forget; fastest: the shortest time of the motion."""

    slowest: float
    fastest: float


def times(dynamics: Dynamics, stiffness: Floats) -> Times:
    """Of the linear motion under a stiffness (n, n), symmetric."""
    if isinstance(dynamics, Overdamped):
        root = np.sqrt(dynamics.mobility)
        rates = np.linalg.eigvalsh(root[:, None] * stiffness * root)
        largest = np.abs(rates).max()
    else:
        eigenvalues = np.linalg.eigvals(drift(dynamics, stiffness))
        rates, largest = -eigenvalues.real, np.abs(eigenvalues).max()
    lasting = rates[rates > _FLAT * largest]
    return Times(1 / lasting.min() if len(lasting) else 1 / largest, 1 / largest)


def drift(dynamics: Dynamics, stiffness: Floats) -> Floats:
    """K of dz = K z dt, z = x where overdamped and (x, p) where not."""
    if isinstance(dynamics, Overdamped):
        return -dynamics.mobility[:, None] * stiffness
    size = len(dynamics.mass)
    inverse = np.diag(1 / dynamics.mass)
    return np.block([[np.zeros((size, size)), inverse], [-stiffness, -dynamics.friction * inverse]])


@dataclass(frozen=True, eq=False)
class Rest:
    """points: (k, n), minima of E; stiffness: (k, n, n), its Hessians there."""

    points: Floats
    stiffness: Floats

    def times(self, dynamics: Dynamics) -> Times:
        """The slowest and the fastest at any of them."""
        found = [times(dynamics, one) for one in self.stiffness]
        return Times(max(one.slowest for one in found), min(one.fastest for one in found))

    def scattered(self, seed: int) -> Floats:
        """(k, n): of the Gaussian at each point a draw."""
        normals = np.random.default_rng(seed).normal(size=self.points.shape)
        out = []
        for point, stiffness, normal in zip(self.points, self.stiffness, normals, strict=True):
            values, vectors = np.linalg.eigh(stiffness)
            out.append(point + vectors @ (normal / np.sqrt(np.maximum(np.abs(values), _FLAT * np.abs(values).max()))))
        return np.array(out)


def rest(modes: Modes, count: int, seed: int) -> Rest:
    """Minima downhill from points uniform on (-2, 2); of a Gaussian its only one, `count` times.

    Raises:
        PplError: a Gaussian whose precision is not positive definite (E731).
    """
    if modes.is_gaussian:
        check_proper(modes)
        point = linalg.solve(modes.precision, modes.bias, assume_a="pos")
        return Rest(np.tile(point, (count, 1)), np.broadcast_to(modes.precision, (count, modes.size, modes.size)))
    starts = np.random.default_rng([seed, 1]).uniform(-2, 2, size=(count, modes.size))
    landscape = _Landscape(modes)
    points = np.array([_downhill(landscape, start) for start in starts])
    return Rest(points, np.array([landscape.hessian(point) for point in points]))


class _Landscape:
    """E and its slope in NumPy: for some evaluations, which a compilation would not be worth."""

    def __init__(self, modes: Modes) -> None:
        assert modes.force is not None
        assert modes.energy is not None
        self._modes, self._force, self._energy = modes, numbers(modes.force), numbers(modes.energy)

    def slope(self, x: Floats) -> Floats:
        return np.asarray(x @ self._modes.precision - self._modes.bias - self._force(x))

    def both(self, x: Floats) -> tuple[float, Floats]:
        return float(self._energy(x)[0]), self.slope(x)

    def hessian(self, x: Floats) -> Floats:
        """(n, n), by central differences of the slope; of no finite one, the identity."""
        ways = np.diag(_WAY * np.maximum(np.abs(x), 1.0))
        turned = np.array([self.slope(x + way) - self.slope(x - way) for way in ways]) / (2 * np.diag(ways))[:, None]
        return np.asarray(0.5 * (turned + turned.T)) if np.isfinite(turned).all() else np.eye(len(x))


def check_proper(modes: Modes) -> None:
    """Raises PplError: the precision of a Gaussian is not positive definite (E731)."""
    least, *_, largest = np.linalg.eigvalsh(modes.precision) if modes.size > 1 else (modes.precision[0, 0],) * 2
    if least <= modes.size * np.finfo(float).eps * abs(largest):
        vector = np.abs(np.linalg.eigh(modes.precision)[1][:, 0])
        title = f"the quadratic energy of {modes.name} has no minimum, and so is that of no probability"
        held = ", ".join(f"`{modes.names[i]}`" for i in np.flatnonzero(vector > 0.1 * vector.max())[:5])
        hint = f"nothing holds {held} together: give them priors that do"
        raise PplError([Diagnostic("E731", title, hints=(hint,))])


def _downhill(landscape: _Landscape, start: Floats) -> Floats:
    with np.errstate(all="ignore"):  # steps that go too far, from which it comes back
        found = optimize.minimize(landscape.both, start, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_CLIMBS})
    ended = np.asarray(found.x, np.float64)
    return ended if np.isfinite(ended).all() else start
