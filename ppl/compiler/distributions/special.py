"""Special functions that keep their relative accuracy where the plain formulas cancel, underflow or have no derivative.

All are elementwise over floating arrays of one dtype and broadcastable shapes, and differentiable in every argument.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.custom_derivatives import SymbolicZero
from jax.scipy.special import log_ndtr as _jax_log_ndtr
from jax.scipy.special import ndtri as _jax_ndtri

Pair = tuple[Array, Array]
Tangent = Array | SymbolicZero

_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
_SHIFT = 8
_MAX_TERMS = 20_000


def log1mexp(x: Array) -> Array:
    """log(1 - exp(x)) for x <= 0; -inf at 0 and above. Mächler (2012), eq. 7."""
    inside = x < 0
    x = jnp.where(inside, x, -1.0)
    near = x > -0.6931471805599453
    close = jnp.log(-jnp.expm1(jnp.where(near, x, -0.5)))
    far = jnp.log1p(-jnp.exp(jnp.where(near, -1.0, x)))
    return jnp.where(inside, jnp.where(near, close, far), -jnp.inf)


def log_difference(larger: Array, smaller: Array) -> Array:
    """log(exp(larger) - exp(smaller)); -inf unless larger > smaller."""
    some = larger > smaller
    base = jnp.where(some, larger, 0.0)
    gap = jnp.where(some, jnp.where(jnp.isneginf(smaller), -jnp.inf, smaller) - base, -1.0)
    return jnp.where(some, base + log1mexp(gap), -jnp.inf)


@jax.custom_jvp
def softplus(x: Array) -> Array:
    """log(1 + exp(x)), accurate on both sides. Its derivative, the sigmoid, shares the exponential."""
    distance = jnp.abs(x)
    return 0.5 * (x + distance) + jnp.log1p(jnp.exp(-distance))


@softplus.defjvp
def _softplus_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,) = primals
    small = jnp.exp(-jnp.abs(x))
    return softplus(x), jnp.where(x >= 0, jnp.ones_like(small), small) / (1.0 + small) * tangents[0]


def _stirling(z: Array) -> Array:
    """lgamma(z) - ((z - 1/2) log z - z + log(2 pi) / 2) for z >= 8, to 1e-14."""
    r = 1.0 / z
    r2 = r * r
    total = jnp.full_like(r, _STIRLING[-1])
    for c in reversed(_STIRLING[:-1]):
        total = total * r2 + c
    return total * r


def log_gamma_ratio(a: Array, d: Array) -> Array:
    """lgamma(a + d) - lgamma(a) for a > 0, d >= 0, without the cancellation of a large a.

    Both arguments are shifted up by eight through the recurrence, where Stirling's series is exact to rounding.
    """
    a = jnp.minimum(a, 1e30)
    n, m = a, a + d
    shift = n / m
    for j in range(1, _SHIFT):
        shift = shift * ((n + j) / (m + j))
    n, m = n + _SHIFT, m + _SHIFT
    ratio = d / n
    main = (n - 0.5) * jnp.log1p(ratio) - d + d * jnp.log(m)
    return main + (_stirling(m) - _stirling(n)) + jnp.log(shift)


def log_beta(a: Array, b: Array) -> Array:
    """log B(a, b)."""
    small, large = jnp.minimum(a, b), jnp.maximum(a, b)
    return lax.lgamma(small) - log_gamma_ratio(large, small)


def log_choose(n: Array, k: Array) -> Array:
    """log of the binomial coefficient, for 0 <= k <= n."""
    return -jnp.log1p(n) - log_beta(n - k + 1.0, k + 1.0)


def log_ndtr(x: Array) -> Array:
    """log of the standard normal distribution function, with enough terms of its series for float64."""
    return _jax_log_ndtr(x, series_order=8)


def log_ndtri(log_p: Array) -> Array:
    """x such that log_ndtr(x) = log_p, for log_p <= log(1/2), however small the probability.

    Where exp(log_p) underflows, by iterating x^2 = -2 (log_p + log|x| + log(2 pi)/2 - log(1 - 1/x^2 + 3/x^4 - ...)),
    Abramowitz and Stegun (1964), 26.2.12; each round gains a factor x^2 > 150 in single, > 1400 in double precision.
    """
    least = 0.99 * float(np.log(np.finfo(log_p.dtype).tiny))
    near = log_p > least
    central = _jax_ndtri(jnp.exp(jnp.where(near, log_p, -1.0)))
    twice = -2.0 * jnp.where(near, least, log_p) - 1.8378770664093453
    square = twice
    for _ in range(5):
        r = 1.0 / square
        series = r * (-1.0 + r * (3.0 + r * (-15.0 + r * (105.0 - r * 945.0))))
        square = twice - jnp.log(square) + 2.0 * jnp.log1p(series)
    return jnp.where(near, central, -jnp.sqrt(square))


def log_hazard(log_below: Array, log_above: Array) -> Array:
    """log(-log_above), the log of the cumulative hazard, from whichever of the two tails is the smaller."""
    tiny = log_below < -37.0  # there -log(1 - p) is p to rounding, and p may underflow
    left = jnp.where(tiny, log_below, jnp.log(-log1mexp(jnp.where(tiny, -1.0, log_below))))
    return jnp.where(log_below < log_above, left, jnp.log(-jnp.where(log_below < log_above, -1.0, log_above)))


# --- incomplete gamma --------------------------------------------------------------------------------


def _log_gamma_tails(a: Array, x: Array) -> tuple[Array, Array]:
    """Series below a + 1, continued fraction (modified Lentz) above: Numerical Recipes, section 6.2."""
    a, x = jnp.broadcast_arrays(a, x)
    eps = np.finfo(x.dtype).eps
    inside = (x > 0) & (x < jnp.inf)
    x = jnp.where(inside, x, 1.0)
    low = x < a + 1.0

    xs = jnp.where(low, x, 0.0)

    def more_series(s: tuple[Array, Array, Array]) -> Array:
        n, term, total = s
        return (n < _MAX_TERMS) & jnp.any(term > 0.01 * eps * total)

    def series(s: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        n, term, total = s
        term = term * xs / (a + n)
        return n + 1.0, term, total + term

    one = jnp.ones_like(x)
    _, _, total = lax.while_loop(more_series, series, (jnp.ones((), x.dtype), one, one))
    log_p = a * jnp.log(x) - x - lax.lgamma(a + 1.0) + jnp.log(total)

    # elsewhere a harmless pair: at x near a large a the fraction takes about sqrt(a) rounds
    af, xf = jnp.where(low, 1.0, a), jnp.where(low, 20.0, x)
    tiny = 1e-290 if x.dtype == jnp.float64 else 1e-30
    b0 = xf + 1.0 - af

    def more_fraction(s: tuple[Array, Array, Array, Array, Array]) -> Array:
        n, _, _, _, delta = s
        return (n < _MAX_TERMS) & jnp.any(jnp.abs(delta - 1.0) > eps)

    def fraction(s: tuple[Array, Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array, Array]:
        n, c, d, f, _ = s
        an, b = -n * (n - af), b0 + 2.0 * n
        d = an * d + b
        d = 1.0 / jnp.where(jnp.abs(d) < tiny, tiny, d)
        c = b + an / c
        c = jnp.where(jnp.abs(c) < tiny, tiny, c)
        delta = c * d
        return n + 1.0, c, d, f * delta, delta

    start = (jnp.ones((), x.dtype), jnp.full_like(x, 1.0 / tiny), 1.0 / b0, 1.0 / b0, jnp.zeros_like(x))
    _, _, _, f, _ = lax.while_loop(more_fraction, fraction, start)
    log_q = af * jnp.log(xf) - xf - lax.lgamma(af) + jnp.log(f)

    small = jnp.where(low, log_p, log_q)
    other = log1mexp(small)
    below, above = jnp.where(low, small, other), jnp.where(low, other, small)
    return below, above


def _log_gamma_tails_closed(a: Array, x: Array) -> Pair:
    p, q = _log_gamma_tails(a, x)
    below, above = x <= 0, x == jnp.inf
    p = jnp.where(below, -jnp.inf, jnp.where(above, 0.0, p))
    return p, jnp.where(below, 0.0, jnp.where(above, -jnp.inf, q))


@jax.custom_jvp
def log_gamma_tails(a: Array, x: Array) -> Pair:
    """log P(a, x) and log Q(a, x), the regularised incomplete gamma functions, far into both tails; a > 0.

    The derivative in `a` is carried forward through the same iterations; the one in `x` is the density. Neither is
    computed unless it is asked for.
    """
    return _log_gamma_tails_closed(a, x)


def _log_gamma_tails_jvp(primals: tuple[Array, Array], tangents: tuple[Tangent, Tangent]) -> tuple[Pair, Pair]:
    (a, x), (a_dot, x_dot) = primals, tangents
    inside = (x > 0) & (x < jnp.inf)
    p, q = log_gamma_tails(a, x)
    p_dot, q_dot = jnp.zeros_like(p), jnp.zeros_like(q)
    if not isinstance(a_dot, SymbolicZero):
        a_full = jnp.broadcast_to(a, p.shape)
        (p, q), (p_a, q_a) = jax.jvp(lambda s: _log_gamma_tails_closed(s, x), (a_full,), (jnp.ones_like(a_full),))
        p_dot, q_dot = jnp.where(inside, p_a, 0.0) * a_dot, jnp.where(inside, q_a, 0.0) * a_dot
    if not isinstance(x_dot, SymbolicZero):
        safe = jnp.where(inside, x, 1.0)
        log_pdf = (a - 1.0) * jnp.log(safe) - safe - lax.lgamma(a)
        p_dot = p_dot + jnp.where(inside, jnp.exp(log_pdf - jnp.where(inside, p, 0.0)), 0.0) * x_dot
        q_dot = q_dot - jnp.where(inside, jnp.exp(log_pdf - jnp.where(inside, q, 0.0)), 0.0) * x_dot
    return (p, q), (p_dot, q_dot)


log_gamma_tails.defjvp(_log_gamma_tails_jvp, symbolic_zeros=True)


# --- incomplete beta ---------------------------------------------------------------------------------


def _log_beta_tails(a: Array, b: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Continued fraction (modified Lentz) on the side where it converges: Numerical Recipes, section 6.4."""
    a, b, x, y = jnp.broadcast_arrays(a, b, x, y)
    eps = np.finfo(x.dtype).eps
    tiny = 1e-290 if x.dtype == jnp.float64 else 1e-30
    inside = (x > 0) & (y > 0)
    x, y = jnp.where(inside, x, 0.5), jnp.where(inside, y, 0.5)
    low = x < (a + 1.0) / (a + b + 2.0)
    p, q = jnp.where(low, a, b), jnp.where(low, b, a)
    u, v = jnp.where(low, x, y), jnp.where(low, y, x)

    def nonzero(t: Array) -> Array:
        return jnp.where(jnp.abs(t) < tiny, tiny, t)

    def more(s: tuple[Array, Array, Array, Array, Array]) -> Array:
        m, _, _, _, delta = s
        return (m < _MAX_TERMS) & jnp.any(jnp.abs(delta - 1.0) > eps)

    def step(s: tuple[Array, Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array, Array]:
        m, c, d, h, _ = s
        even = m * (q - m) * u / ((p + 2.0 * m - 1.0) * (p + 2.0 * m))
        d = 1.0 / nonzero(1.0 + even * d)
        c = nonzero(1.0 + even / c)
        h = h * d * c
        odd = -(p + m) * (p + q + m) * u / ((p + 2.0 * m) * (p + 2.0 * m + 1.0))
        d = 1.0 / nonzero(1.0 + odd * d)
        c = nonzero(1.0 + odd / c)
        return m + 1.0, c, d, h * d * c, d * c

    d0 = 1.0 / nonzero(1.0 - (p + q) * u / (p + 1.0))
    start = (jnp.ones((), x.dtype), jnp.ones_like(x), d0, d0, jnp.zeros_like(x))
    _, _, _, h, _ = lax.while_loop(more, step, start)
    small = p * jnp.log(u) + q * jnp.log(v) - jnp.log(p) - log_beta(p, q) + jnp.log(h)
    other = log1mexp(small)
    return jnp.where(low, small, other), jnp.where(low, other, small)


def _log_beta_tails_closed(a: Array, b: Array, x: Array, y: Array) -> Pair:
    p, q = _log_beta_tails(a, b, x, y)
    below, above = x <= 0, y <= 0
    p = jnp.where(below, -jnp.inf, jnp.where(above, 0.0, p))
    return p, jnp.where(below, 0.0, jnp.where(above, -jnp.inf, q))


@jax.custom_jvp
def log_beta_tails(a: Array, b: Array, x: Array, y: Array) -> Pair:
    """log I_x(a, b) and log(1 - I_x(a, b)), far into both tails; y = 1 - x, given apart for accuracy near x = 1.

    Derivatives as in `log_gamma_tails`; the one in `x` is taken along y = 1 - x.
    """
    return _log_beta_tails_closed(a, b, x, y)


def _log_beta_tails_jvp(
    primals: tuple[Array, Array, Array, Array], tangents: tuple[Tangent, Tangent, Tangent, Tangent]
) -> tuple[Pair, Pair]:
    a, b, x, y = primals
    inside = (x > 0) & (y > 0)
    p, q = log_beta_tails(a, b, x, y)
    p_dot, q_dot = jnp.zeros_like(p), jnp.zeros_like(q)
    shapes = tuple(jnp.broadcast_to(t, p.shape) for t in (a, b))
    for i, dot in enumerate(tangents[:2]):
        if not isinstance(dot, SymbolicZero):
            direction = tuple(jnp.full_like(p, float(i == j)) for j in range(2))
            _, (p_i, q_i) = jax.jvp(lambda s, t: _log_beta_tails_closed(s, t, x, y), shapes, direction)
            p_dot = p_dot + jnp.where(inside, p_i, 0.0) * dot
            q_dot = q_dot + jnp.where(inside, q_i, 0.0) * dot
    if not isinstance(tangents[2], SymbolicZero):
        safe_x, safe_y = jnp.where(inside, x, 0.5), jnp.where(inside, y, 0.5)
        log_pdf = (a - 1.0) * jnp.log(safe_x) + (b - 1.0) * jnp.log(safe_y) - log_beta(a, b)
        p_dot = p_dot + jnp.where(inside, jnp.exp(log_pdf - jnp.where(inside, p, 0.0)), 0.0) * tangents[2]
        q_dot = q_dot - jnp.where(inside, jnp.exp(log_pdf - jnp.where(inside, q, 0.0)), 0.0) * tangents[2]
    return (p, q), (p_dot, q_dot)


log_beta_tails.defjvp(_log_beta_tails_jvp, symbolic_zeros=True)
