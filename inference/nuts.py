"""The no-U-turn sampler, multinomial, with the generalised criterion; iterative, one chain.

References: Hoffman & Gelman 2014 (the sampler); Betancourt 2017, «A conceptual introduction to Hamiltonian Monte
Carlo», appendix A.3-A.4 (multinomial weights, biased progressive sampling, generalised criterion); the checks across
the seams of merged subtrees are those that Stan added in 2.21. Not recursive: a trajectory is a binary counter.

Number the points of a trajectory in the order in which they are visited, the start being 0. A complete subtree of
2^k points is a *node*: its sum of momenta ρ, and momentum and velocity at its first and its last point. Point c
begins as a node of one point and merges with the nodes stored at levels 0, 1, ..., m-1, where m is the number of
trailing ones of c in binary; the result is stored at level m. When c + 1 = 2^(k+1), the last of these merges is the one
with the whole trajectory so far, which is thus just the node at level k, and the trajectory has doubled. If the next
doubling goes the other way, that node is turned round: first and last change places.

Merging L (earlier) with R (later) finds a U-turn if any of these is not positive, where ρ = ρ_L + ρ_R:

    v_first(L)·ρ                        v_last(R)·ρ
    v_first(L)·(ρ_L + p_first(R))       v_first(R)·(ρ_L + p_first(R))
    v_last(L)·(ρ_R + p_last(L))         v_last(R)·(ρ_R + p_last(L))

A step costs one gradient, one product with M⁻¹, and at most about twenty passes over vectors of length n.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ppl.inference import leapfrog as integrator
from ppl.inference import randomness
from ppl.inference.contract import Density
from ppl.inference.engines import NUTS
from ppl.inference.kernel import Options, Transition
from ppl.inference.leapfrog import PhasePoint, Point
from ppl.inference.metric import Metric

__all__ = ["NUTS", "NUTSKernel"]

FIRST_MOMENTUM, FIRST_VELOCITY, LAST_MOMENTUM, LAST_VELOCITY, RHO = range(5)


class _Subtree(NamedTuple):
    """The subtree being built, and what it shares with the trajectory.

    end: the phase point just reached, and before: the position before it; chosen: a multinomial draw from the subtree
    so far; nodes: (levels, 5, n); steps: points visited in the trajectory, the start not counted; seam: whether the
    U-turn found was at the merge with the trajectory, which leaves the subtree itself valid.
    """

    end: PhasePoint
    before: jax.Array
    chosen: Point
    chosen_energy: jax.Array
    log_weight: jax.Array
    nodes: jax.Array
    steps: jax.Array
    sum_accept: jax.Array
    energy_error: jax.Array
    turning: jax.Array
    seam: jax.Array
    diverging: jax.Array


class _Trajectory(NamedTuple):
    """other: the end that is not being extended; chosen: the next draw so far; depth: doublings completed."""

    subtree: _Subtree
    other: PhasePoint
    chosen: Point
    chosen_energy: jax.Array
    log_weight: jax.Array
    depth: jax.Array
    going: jax.Array


@dataclass(frozen=True)
class NUTSKernel:
    """One transition of NUTS. max_depth: most doublings, so at most 2^max_depth - 1 steps; static."""

    max_depth: int

    def words(self, size: int) -> int:
        return randomness.words_for_normals(size) + 5

    def transition(
        self,
        density: Density,
        metric: Metric,
        words: jax.Array,
        start: Point,
        step_size: jax.Array,
        limit: jax.Array,
        options: Options,
    ) -> Transition:
        """From a point to the next. limit: most steps of the trajectory; options: `divergence_threshold`."""
        dtype = start.position.dtype
        size = start.position.shape[0]
        momentum = metric.momentum(randomness.normals(words, size, dtype))
        forward, seeds_points, seeds_doublings = words[-5], words[-4:-2], words[-2:]
        origin = integrator.with_momentum(metric, start, momentum)
        initial_energy = integrator.energy(origin)
        minus_infinity = jnp.array(-jnp.inf, dtype)

        def goes_forward(depth: jax.Array) -> jax.Array:
            way: jax.Array = (forward >> depth.astype(jnp.uint32)) & jnp.uint32(1) == jnp.uint32(1)
            return way

        def extend(subtree: _Subtree, signed_step: jax.Array) -> _Subtree:
            """One leapfrog step more."""
            there = integrator.drift(signed_step, subtree.end)
            log_density, gradient = jax.value_and_grad(density.log_density)(there.position)
            # Outside the kernel, so that the product is computed once and not in each operation that needs it.
            acceleration = metric.inverse_times(gradient)

            def finish(subtree: _Subtree) -> _Subtree:
                end = integrator.kick(signed_step, there, log_density, gradient, acceleration)
                return visit(subtree, end)

            return in_one_kernel(limit > 0, finish, subtree)

        def visit(subtree: _Subtree, end: PhasePoint) -> _Subtree:
            """The subtree with one more point: its weight, and the merges it completes."""
            end_energy = integrator.energy(end)
            error = end_energy - initial_energy
            error = jnp.where(jnp.isnan(error), jnp.array(jnp.inf, dtype), error)
            diverging = ~(error <= options["divergence_threshold"])
            count = subtree.steps + 1

            log_weight = jnp.logaddexp(subtree.log_weight, -error)
            uniform = randomness.uniform(randomness.hashed(seeds_points, count), dtype)
            take = jnp.log(uniform) < -error - log_weight
            here = Point(end.position, end.log_density, end.gradient)
            chosen, chosen_energy = _where(take, (here, end_energy), (subtree.chosen, subtree.chosen_energy))

            merges = jax.lax.population_count(count & ~(count + 1))
            doubled = (count & (count + 1)) == 0
            node = jnp.stack([end.momentum, end.velocity, end.momentum])

            def unmerged(state: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
                level, turning, _ = state
                return (level < merges) & ~turning

            def merge(state: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array]:
                level, _, node = state
                left = jax.lax.dynamic_index_in_dim(subtree.nodes, level, keepdims=False)
                rho = left[RHO] + node[2]
                across_left = left[RHO] + node[0]
                across_right = node[2] + left[LAST_MOMENTUM]
                persists = (
                    (jnp.sum(left[FIRST_VELOCITY] * rho) > 0)
                    & (jnp.sum(end.velocity * rho) > 0)
                    & (jnp.sum(left[FIRST_VELOCITY] * across_left) > 0)
                    & (jnp.sum(node[1] * across_left) > 0)
                    & (jnp.sum(left[LAST_VELOCITY] * across_right) > 0)
                    & (jnp.sum(end.velocity * across_right) > 0)
                )
                return level + 1, ~persists, jnp.stack([left[FIRST_MOMENTUM], left[FIRST_VELOCITY], rho])

            level, turning, node = jax.lax.while_loop(unmerged, merge, (jnp.zeros_like(count), diverging, node))
            turning = turning & ~diverging
            whole = jnp.stack([node[0], node[1], end.momentum, end.velocity, node[2]])
            return _Subtree(
                end=end,
                before=subtree.end.position,
                chosen=chosen,
                chosen_energy=chosen_energy,
                log_weight=log_weight,
                nodes=jax.lax.dynamic_update_index_in_dim(subtree.nodes, whole, merges, 0),
                steps=count,
                sum_accept=subtree.sum_accept + jnp.minimum(jnp.exp(-error), jnp.ones((), dtype)),
                energy_error=error,
                turning=turning,
                seam=turning & doubled & (level == merges),
                diverging=diverging,
            )

        def unfinished(subtree: _Subtree) -> jax.Array:
            stopped = subtree.turning | subtree.diverging | (subtree.steps >= limit)
            return ~stopped & ((subtree.steps & (subtree.steps + 1)) != 0)

        def double(state: _Trajectory) -> _Trajectory:
            """Doubles the trajectory, one way or the other."""
            depth = state.depth
            turn_round = (depth > 0) & (goes_forward(depth) != goes_forward(jnp.maximum(depth - 1, 0)))
            end, other = _where(turn_round, (state.other, state.subtree.end), (state.subtree.end, state.other))
            node = jax.lax.dynamic_index_in_dim(state.subtree.nodes, depth, keepdims=False)
            turned = node[jnp.array([LAST_MOMENTUM, LAST_VELOCITY, FIRST_MOMENTUM, FIRST_VELOCITY, RHO])]
            nodes = jax.lax.dynamic_update_index_in_dim(
                state.subtree.nodes, jnp.where(turn_round, turned, node), depth, 0
            )
            signed_step = jnp.where(goes_forward(depth), step_size, -step_size)
            subtree = state.subtree._replace(end=end, nodes=nodes, log_weight=minus_infinity)
            # The loop's test holds between doublings only after one more step, hence the step before the loop's.
            subtree = jax.lax.while_loop(
                lambda s: s[1] | unfinished(s[0]),
                lambda s: (extend(s[0], signed_step), jnp.array(False)),
                (subtree, jnp.array(True)),
            )[0]

            complete = (subtree.steps & (subtree.steps + 1)) == 0
            valid = complete & ~subtree.diverging & (~subtree.turning | subtree.seam)
            uniform = randomness.uniform(randomness.hashed(seeds_doublings, depth), dtype)
            take = valid & (jnp.log(uniform) < subtree.log_weight - state.log_weight)
            chosen, chosen_energy = _where(
                take, (subtree.chosen, subtree.chosen_energy), (state.chosen, state.chosen_energy)
            )
            new_depth = depth + valid.astype(depth.dtype)
            return _Trajectory(
                subtree=subtree,
                other=other,
                chosen=chosen,
                chosen_energy=chosen_energy,
                log_weight=jnp.where(valid, jnp.logaddexp(state.log_weight, subtree.log_weight), state.log_weight),
                depth=new_depth,
                going=valid & ~subtree.turning & (new_depth < self.max_depth) & (subtree.steps < limit),
            )

        zero = jnp.zeros((), jnp.int32)
        no = jnp.array(False)
        leaf = jnp.stack([momentum, origin.velocity, momentum, origin.velocity, momentum])
        nodes = jnp.zeros((self.max_depth + 1, 5, *momentum.shape), dtype).at[0].set(leaf)
        subtree = _Subtree(
            end=origin,
            before=start.position,
            chosen=start,
            chosen_energy=initial_energy,
            log_weight=minus_infinity,
            nodes=nodes,
            steps=zero,
            sum_accept=jnp.zeros((), dtype),
            energy_error=jnp.zeros((), dtype),
            turning=no,
            seam=no,
            diverging=no,
        )
        final = jax.lax.while_loop(
            lambda state: state.going,
            double,
            _Trajectory(subtree, origin, start, initial_energy, jnp.zeros((), dtype), zero, jnp.array(True)),
        )
        end = final.subtree.end
        return Transition(
            point=final.chosen,
            last=Point(end.position, end.log_density, end.gradient),
            last_error=final.subtree.energy_error,
            broken=final.subtree.before,
            energy=final.chosen_energy,
            energy_error=final.chosen_energy - initial_energy,
            diverging=final.subtree.diverging,
            depth=final.depth,
            steps=final.subtree.steps,
            acceptance=final.subtree.sum_accept / final.subtree.steps.astype(dtype),
        )


def in_one_kernel(true: jax.Array, function: Callable[[_Subtree], _Subtree], state: _Subtree) -> _Subtree:
    """function(state), as the body of a loop that runs once on CPUs, where XLA compiles small loops into one function.

    true: a truth value that is true, but not to the compiler's knowledge. Where the density cannot be compiled into the
    loop around it, this makes one kernel of some thirty.
    """
    if jax.default_backend() != "cpu":
        return function(state)
    result: tuple[_Subtree, jax.Array] = jax.lax.while_loop(
        lambda carry: carry[1], lambda carry: (function(carry[0]), jnp.array(False)), (state, true)
    )
    return result[0]


def _where(condition: jax.Array, if_true: tuple, if_false: tuple) -> tuple:  # type: ignore[type-arg]
    """Elementwise choice between two equal pytrees by one truth value."""
    chosen: tuple = jax.tree.map(lambda a, b: jnp.where(condition, a, b), if_true, if_false)  # type: ignore[type-arg]
    return chosen
