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

The whole of it is one loop over the steps: the points of a subtree, the doublings and their choices of a draw are
states of one trajectory. A step costs one gradient, one product with M⁻¹, and some thirty passes over vectors of
length n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ppl.inference import randomness
from ppl.inference.hamiltonian import leapfrog as integrator
from ppl.inference.hamiltonian.kernel import Options, Transition, select
from ppl.inference.hamiltonian.leapfrog import HalfStep, PhasePoint, Point
from ppl.inference.once import run_if

FIRST_MOMENTUM, FIRST_VELOCITY, LAST_MOMENTUM, LAST_VELOCITY, RHO = range(5)


class _Candidate(NamedTuple):
    """A multinomial draw from some points, its energy, and the logarithm of their summed weights."""

    point: Point
    energy: jax.Array
    log_weight: jax.Array


class _Tree(NamedTuple):
    """A trajectory.

    half: the step under way, of size signed_step; before: the position it began at; other: the end that is not being
    extended; subtree, whole: the draws from the subtree being built and from the completed doublings; nodes:
    (max_depth + 1, 5, n); depth: doublings completed; steps: points visited, the start not counted; ways: a bit for
    each doubling, 1 for forward; seeds: (4,) uint32, for the choices among points and among doublings.
    """

    half: HalfStep
    before: jax.Array
    other: PhasePoint
    subtree: _Candidate
    whole: _Candidate
    nodes: jax.Array
    initial_energy: jax.Array
    step_size: jax.Array
    signed_step: jax.Array
    depth: jax.Array
    steps: jax.Array
    limit: jax.Array
    sum_accept: jax.Array
    ways: jax.Array
    seeds: jax.Array
    going: jax.Array


@dataclass(frozen=True)
class NUTSKernel:
    """max_depth: most doublings, so at most 2^max_depth - 1 steps; static. Its option is `divergence_threshold`."""

    max_depth: int

    def words(self, size: int) -> int:
        return 5

    def blank(self, size: int, dtype: Any) -> _Tree:
        vector, scalar, zero = jnp.zeros(size, dtype), jnp.zeros((), dtype), jnp.zeros((), jnp.int32)
        none = _Candidate(Point(vector, scalar, vector), scalar, scalar)
        return _Tree(
            half=HalfStep(vector, vector, vector),
            before=vector,
            other=PhasePoint(vector, vector, vector, vector, vector, scalar),
            subtree=none,
            whole=none,
            nodes=jnp.zeros((self.max_depth + 1, 5, size), dtype),
            initial_energy=scalar,
            step_size=scalar,
            signed_step=scalar,
            depth=zero,
            steps=zero,
            limit=zero,
            sum_accept=scalar,
            ways=jnp.zeros((), jnp.uint32),
            seeds=jnp.zeros(4, jnp.uint32),
            going=jnp.array(False),
        )

    def begin(
        self,
        before: _Tree,
        origin: PhasePoint,
        words: jax.Array,
        step_size: jax.Array,
        limit: jax.Array,
        options: Options,
    ) -> _Tree:
        dtype, zero = origin.position.dtype, jnp.zeros((), jnp.int32)
        signed_step = jnp.where(_forward(words[0], zero), step_size, -step_size)
        energy = integrator.energy(origin)
        start = Point(origin.position, origin.log_density, origin.gradient)
        leaf = jnp.stack([origin.momentum, origin.velocity, origin.momentum, origin.velocity, origin.momentum])
        return _Tree(
            half=integrator.drift(signed_step, origin),
            before=origin.position,
            other=origin,
            subtree=_Candidate(start, energy, jnp.array(-jnp.inf, dtype)),
            whole=_Candidate(start, energy, jnp.zeros((), dtype)),
            nodes=before.nodes.at[0].set(leaf),
            initial_energy=energy,
            step_size=step_size,
            signed_step=signed_step,
            depth=zero,
            steps=zero,
            limit=limit,
            sum_accept=jnp.zeros((), dtype),
            ways=words[0],
            seeds=words[1:],
            going=jnp.array(True),
        )

    def visit(
        self, trajectory: _Tree, here: Point, acceleration: jax.Array, options: Options
    ) -> tuple[_Tree, Transition]:
        tree, dtype = trajectory, here.position.dtype
        end = integrator.kick(tree.signed_step, tree.half.momentum, tree.half.velocity, here, acceleration)
        energy = integrator.energy(end)
        error = energy - tree.initial_energy
        error = jnp.where(jnp.isnan(error), jnp.array(jnp.inf, dtype), error)
        diverging = ~(error <= options["divergence_threshold"])
        count = tree.steps + 1
        sum_accept = tree.sum_accept + jnp.minimum(jnp.exp(-error), jnp.ones((), dtype))

        log_weight = jnp.logaddexp(tree.subtree.log_weight, -error)
        uniform = randomness.uniform(randomness.hashed(tree.seeds[:2], count), dtype)
        take = jnp.log(uniform) < -error - log_weight
        point, chosen_energy = select(take, (here, energy), (tree.subtree.point, tree.subtree.energy))
        level, node, turning = _merged(tree.nodes, count, end, diverging)
        further = tree._replace(
            half=integrator.drift(tree.signed_step, end),
            before=end.position,
            subtree=_Candidate(point, chosen_energy, log_weight),
            nodes=jax.lax.dynamic_update_index_in_dim(tree.nodes, node, _merges(count), 0),
            steps=count,
            sum_accept=sum_accept,
        )
        # A U-turn at the merge with the trajectory leaves the subtree itself valid, and its points may be drawn.
        complete = (count & (count + 1)) == 0
        valid = complete & ~diverging & (~turning | (level == _merges(count)))
        further, _ = run_if(valid, _double, (further, end))
        further = further._replace(
            going=~turning & ~diverging & (count < tree.limit) & (further.depth < self.max_depth)
        )
        taken = Transition(
            point=further.whole.point,
            last=here,
            last_error=error,
            broken=tree.before,
            energy=further.whole.energy,
            energy_error=further.whole.energy - tree.initial_energy,
            diverging=diverging,
            depth=further.depth,
            steps=count,
            step_size=tree.step_size,
            acceptance=sum_accept / count.astype(dtype),
        )
        return further, taken


def _double(state: tuple[_Tree, PhasePoint]) -> tuple[_Tree, PhasePoint]:
    """Makes a valid subtree part of the trajectory, and turns to the end that is to be extended next."""
    tree, end = state
    uniform = randomness.uniform(randomness.hashed(tree.seeds[2:], tree.depth), end.position.dtype)
    take = jnp.log(uniform) < tree.subtree.log_weight - tree.whole.log_weight
    point, energy = select(take, tree.subtree[:2], tree.whole[:2])
    depth = tree.depth + 1

    turn_round = _forward(tree.ways, depth) != _forward(tree.ways, tree.depth)
    end, other = select(turn_round, (tree.other, end), (end, tree.other))
    signed_step = jnp.where(turn_round, -tree.signed_step, tree.signed_step)
    node = jax.lax.dynamic_index_in_dim(tree.nodes, depth, keepdims=False)
    turned = jnp.stack([node[i] for i in (LAST_MOMENTUM, LAST_VELOCITY, FIRST_MOMENTUM, FIRST_VELOCITY, RHO)])
    node = jnp.where(turn_round, turned, node)
    doubled = tree._replace(
        half=integrator.drift(signed_step, end),
        before=end.position,
        other=other,
        subtree=tree.subtree._replace(log_weight=jnp.full_like(tree.subtree.log_weight, -jnp.inf)),
        whole=_Candidate(point, energy, jnp.logaddexp(tree.whole.log_weight, tree.subtree.log_weight)),
        nodes=jax.lax.dynamic_update_index_in_dim(tree.nodes, node, depth, 0),
        signed_step=signed_step,
        depth=depth,
    )
    return doubled, end


def _forward(ways: jax.Array, doubling: jax.Array) -> jax.Array:
    forward: jax.Array = (ways >> doubling.astype(jnp.uint32)) & jnp.uint32(1) == jnp.uint32(1)
    return forward


def _merges(count: jax.Array) -> jax.Array:
    """How many nodes the point numbered `count` completes: its trailing ones in binary."""
    merges: jax.Array = jax.lax.population_count(count & ~(count + 1))
    return merges


def _merged(
    nodes: jax.Array, count: jax.Array, end: PhasePoint, diverging: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The node (5, n) that ends in point `count`, merged as far as there is no U-turn: its level, and whether one was.

    The merge at which a U-turn was found counts into the level.
    """

    def unmerged(state: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
        level, turning, _ = state
        return (level < _merges(count)) & ~turning

    def merge(state: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array]:
        level, _, node = state
        left = jax.lax.dynamic_index_in_dim(nodes, level, keepdims=False)
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

    leaf = jnp.stack([end.momentum, end.velocity, end.momentum])
    level, turning, node = jax.lax.while_loop(unmerged, merge, (jnp.zeros_like(count), diverging, leaf))
    return level, jnp.stack([node[0], node[1], end.momentum, end.velocity, node[2]]), turning & ~diverging
