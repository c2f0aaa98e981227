"""A chain of Langevin dynamics, whatever its integrator: its gradients, what it measures on its way, its iterations.

The dynamics run in coordinates z = x / scale, where `scale` (n,) is a diagonal preconditioner. It changes at marks in
the warmup and is fixed afterwards, so that the term Γ of dynamics whose preconditioner depends on the position (Li,
Chen, Carlson & Carin 2016, equation 5) is zero. Write U for minus the log density.

*Gradients* come from all data, or from a slice of shuffled data, whose estimate ĝ(x) is unbiased. With control variates
(Baker, Fearnhead, Fox & Nemeth 2019, equation 6) it is ∇U(a) + ĝ(x) - ĝ(a), from one slice, for an anchor a near the
middle of the posterior: what is left of the noise is that of the difference.

Each iteration begins with a *probe*, from a slice of its own. It gives a second estimate ĝ'(x), independent of the
first given x, so that (ĝ - ĝ')²/2 is an unbiased estimate of the variance of each coordinate of ĝ; and power iterations
for the largest curvature: the largest eigenvalue of the Hessian of U in z, from differences of gradients of one slice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from ppl.inference import randomness
from ppl.inference.contract import Density
from ppl.inference.once import run_if
from ppl.inference.starting import Start
from ppl.inference.stepping import Drawn, Step

BLOCKS = 16
# Of power iterations: a displacement in z that is small against every scale of the density, and large against rounding.
_DISPLACEMENT = 1e-3
_FIRST_PROBES = 12
_DESCENT = 40
_FORGETTING = 0.02
# In z, where the variances are 1: what is flatter, far from the bulk, would ask for steps of any length.
_LEAST_CURVATURE = 1.0
# Standard deviations of thermal motion. Warmup goes no faster, whatever the gradient far from the bulk may be; what
# goes twice as fast afterwards is lost.
_FASTEST = 6.0


# Part of warmup that looks for the bulk, as fast as it can: gradients may then be noisier than makes for the right law.
SEARCH = 0.25


class Anchor(NamedTuple):
    """position, gradient: (n,); weight: () of the control variate, 0 before the chain is near the bulk; stale: ()
    whether gradient and log density are still to be found."""

    position: Any
    log_density: Any
    gradient: Any
    weight: Any
    stale: Any


class Learnt(NamedTuple):
    """What steps are chosen by. noise: (n,), the variance of a gradient, in x; samples: how many it is the mean of;
    curvature: (); direction: (n,), of the largest curvature, in z; anew: () whether to look for it anew."""

    noise: Any
    samples: Any
    curvature: Any
    direction: Any
    anew: Any


class Window(NamedTuple):
    """Sums since the last mark, for the preconditioner. gradient: of ĝ; square: of ĝ ĝ', (n,) each."""

    count: Any
    gradient: Any
    square: Any


class Tally(NamedTuple):
    """Sums over draws, in BLOCKS stretches, for the findings: z - anchor, ∂U/∂z and their product (blocks, n), kinetic
    temperatures and counts (blocks,). Over all draws: the gradients' share in the diffusion (n,), the relaxation times
    of the slowest coordinate that have passed, how many iterations had a curvature too large for the step (`steep`),
    and how many steps ended nowhere (`broken`): too far away, or where nothing is finite."""

    count: Any
    place: Any
    force: Any
    virial: Any
    temperature: Any
    share: Any
    relaxations: Any
    steep: Any
    broken: Any


class ChainState(NamedTuple):
    """gradient, log_density: of the log density at the position, as last estimated; momentum: (n,), in z."""

    position: Any
    log_density: Any
    gradient: Any
    momentum: Any
    anchor: Anchor
    learnt: Learnt
    window: Window
    tally: Tally


class Moved(NamedTuple):
    """What the part of a step gives that needs no new gradient: a displacement and a momentum, (n,) each, and the
    kinetic temperature ()."""

    displacement: Any
    momentum: Any
    temperature: Any


class Dynamics(Protocol):
    """An integrator as a hashable value. Its `numbers` are a mapping with at least `step_size`; `steps`, how many it
    makes in this iteration; and `thermal`, how far one goes in a coordinate by noise alone. Vectors are in z; a
    gradient is that of the log density."""

    def numbers(self, curvature: Any, noise: Any, step: Step) -> Mapping[str, Any]:
        """For the steps of an iteration. noise: (n,)."""
        ...

    def steepness(self, curvature: Any, numbers: Mapping[str, Any]) -> Any:
        """() a curvature, in units of that at which such steps are unstable, or twice as wide in variance."""
        ...

    def share(self, noise: Any, numbers: Mapping[str, Any]) -> Any:
        """(n,) the part of the diffusion that gradients of this variance bring in."""
        ...

    def relaxation(self, numbers: Mapping[str, Any]) -> Any:
        """(n,) or () in how many steps a coordinate of variance 1 forgets where it was."""
        ...

    def move(self, k: Any, momentum: Any, gradient: Any, normals: Any, numbers: Mapping[str, Any]) -> Moved:
        """Step number k of an iteration, until its end needs the new gradient."""
        ...

    def finish(self, momentum: Any, gradient: Any, numbers: Mapping[str, Any]) -> Any: ...


@dataclass(frozen=True)
class Gradients:
    """How the log density and its gradient are estimated: from `batched` data, with an `anchored` control variate."""

    batched: bool
    anchored: bool

    def slice(self, density: Any, x: jax.Array, word: jax.Array) -> tuple[jax.Array, jax.Array]:
        """From one sample of the data, without the anchor. word: () uint32, which picks the sample."""
        function = density.log_density
        if self.batched:
            start = (word % jnp.uint32(density.elements)).astype(jnp.int32)
            function = partial(density.log_density_slice, start=start)
        result: tuple[jax.Array, jax.Array] = jax.value_and_grad(function)(x)
        return result

    def estimate(self, density: Any, x: jax.Array, anchor: Anchor, word: jax.Array) -> tuple[jax.Array, jax.Array]:
        if not self.anchored:
            return self.slice(density, x, word)
        # One after the other, in one loop, so that the program has its gradient once.
        values, gradients = jax.lax.map(lambda point: self.slice(density, point, word), jnp.stack([x, anchor.position]))
        value = values[0] + anchor.weight * (anchor.log_density - values[1])
        return value, gradients[0] + anchor.weight * (anchor.gradient - gradients[1])

    def refreshed(self, density: Density, anchor: Anchor) -> Anchor:
        """With the gradient from all data, if it is stale."""
        if not self.anchored:
            return anchor

        def find(anchor: Anchor) -> Anchor:
            value, gradient = jax.value_and_grad(density.log_density)(anchor.position)
            return Anchor(anchor.position, value, gradient, anchor.weight, jnp.array(False))

        return run_if(anchor.stale, find, anchor)


@dataclass(frozen=True)
class StochasticKernel:
    """One iteration: the probe, then the steps. tuning: the preconditioner's scale, (n,). options: `warmup`, `draws`
    and what the dynamics need."""

    dynamics: Dynamics
    gradients: Gradients

    def begin(self, density: Density, start: Start, tuning: jax.Array, options: Mapping[str, jax.Array]) -> ChainState:
        if self.gradients.batched:
            start = _descended(density, start)
        zero = jnp.zeros_like(start.position)
        none = jnp.zeros((), zero.dtype)
        blocks = jnp.zeros((BLOCKS,), zero.dtype)
        rows = jnp.zeros((BLOCKS, *zero.shape), zero.dtype)
        # A direction that no symmetry of a model is likely to have.
        direction = jnp.cos(jnp.arange(zero.shape[0], dtype=zero.dtype) ** 2 + 1)
        return ChainState(
            position=start.position,
            log_density=start.log_density,
            gradient=start.gradient,
            momentum=zero,
            anchor=Anchor(start.position, start.log_density, start.gradient, none, jnp.array(False)),
            learnt=Learnt(zero, none, none, direction, jnp.array(True)),
            window=Window(none, zero, zero),
            tally=Tally(blocks, rows, rows, rows, blocks, zero, none, none, none),
        )

    def step(self, density: Density, state: ChainState, tuning: jax.Array, step: Step) -> tuple[ChainState, Drawn]:
        changed = state.anchor.stale
        state = state._replace(anchor=self.gradients.refreshed(density, state.anchor))
        most = step.options["most"].astype(jnp.uint32)
        first = step.number * (most + jnp.uint32(1))
        other, curvature, direction = self._probe(density, state, tuning, randomness.words(step.key, first, 1)[0])
        found = (state.gradient - other) ** 2 / 2
        learnt = _learnt(state.learnt, found, curvature, direction, changed, step.warming)

        # The mean of few samples may be far too small.
        noise = learnt.noise * (1 + 4 / jnp.maximum(learnt.samples, 1)) * tuning**2
        numbers = self.dynamics.numbers(learnt.curvature, noise, step)
        after, temperature, broken = self._steps(density, state, tuning, step, numbers, first + jnp.uint32(1))
        # Steps that end nowhere ask for shorter ones.
        shorter = jnp.where(step.warming & (broken > 0), 4.0, 1.0).astype(learnt.curvature.dtype)
        steepness = self.dynamics.steepness(curvature, numbers)
        probed = Probed(state, tuning, other, steepness, self.dynamics.share(found * tuning**2, numbers))
        relaxations = numbers["steps"].astype(tuning.dtype) / jnp.max(self.dynamics.relaxation(numbers))
        tally = _tallied(probed, step, temperature, relaxations, broken)
        after = after._replace(
            learnt=learnt._replace(curvature=shorter * learnt.curvature),
            window=Window(
                state.window.count + 1,
                state.window.gradient + (state.gradient + other) / 2,
                state.window.square + state.gradient * other,
            ),
            tally=jax.tree.map(lambda new, old: jnp.where(step.warming, old, new), tally, state.tally),
        )
        stats = {"lp": after.log_density, "step_size": numbers["step_size"]}
        return after, Drawn(after.position, stats)

    def _probe(self, density: Any, state: ChainState, scale: Any, word: jax.Array) -> tuple[Any, Any, Any]:
        """A second estimate of the gradient at the position, the largest curvature, and its direction."""
        count = jnp.where(state.learnt.anew, _FIRST_PROBES, 1)
        x, zero = state.position, jnp.zeros_like(state.position)

        def body(j: jax.Array, carry: tuple[Any, ...]) -> tuple[Any, ...]:
            at_anchor, here, curvature, direction = carry
            direction = direction / jnp.sqrt(jnp.sum(direction**2))
            point = jnp.where(
                j == 0, state.anchor.position, x + jnp.where(j == 1, 0.0, _DISPLACEMENT) * scale * direction
            )
            gradient = self.gradients.slice(density, point, word)[1]
            turned = (here - gradient) * scale / jnp.asarray(_DISPLACEMENT, x.dtype)
            norm = jnp.sqrt(jnp.sum(turned**2))
            good = (j > 1) & jnp.isfinite(norm) & (norm > 0)
            return (
                jnp.where(j == 0, gradient, at_anchor),
                jnp.where(j == 1, gradient, here),
                jnp.where(good, norm, curvature),
                jnp.where(good, turned, direction),
            )

        begin = jnp.asarray(0 if self.gradients.anchored else 1, jnp.int32)
        at_anchor, here, curvature, direction = jax.lax.fori_loop(
            begin, 2 + count, body, (zero, zero, state.learnt.curvature, state.learnt.direction)
        )
        other = here + state.anchor.weight * (state.anchor.gradient - at_anchor) if self.gradients.anchored else here
        return other, curvature, direction

    def _steps(
        self, density: Any, state: ChainState, scale: Any, step: Step, numbers: Mapping[str, Any], first: jax.Array
    ) -> tuple[ChainState, jax.Array, jax.Array]:
        """The state after the steps of an iteration; their mean temperature, and how many ended nowhere."""
        size, dtype = state.position.shape[0], state.position.dtype
        for_normals = randomness.words_for_normals(size)

        def body(k: jax.Array, carry: tuple[ChainState, Any, Any]) -> tuple[ChainState, Any, Any]:
            state, temperature, broken = carry
            words = randomness.words(step.key, first + k.astype(jnp.uint32), for_normals + 1)
            normals = randomness.normals(words, size, dtype)
            moved = self.dynamics.move(k, state.momentum, state.gradient * scale, normals, numbers)
            reach = _FASTEST * numbers["thermal"]
            near = jnp.max(jnp.abs(moved.displacement)) < 2 * reach
            slowed = jnp.clip(moved.displacement, -reach, reach)
            x = state.position + scale * jnp.where(step.warming, slowed, moved.displacement)
            value, gradient = self.gradients.estimate(density, x, state.anchor, words[-1])
            momentum = self.dynamics.finish(moved.momentum, gradient * scale, numbers)
            momentum = jnp.where(step.warming, jnp.clip(momentum, -_FASTEST, _FASTEST), momentum)
            good = (near | step.warming) & jnp.isfinite(value) & jnp.all(jnp.isfinite(gradient))
            new = state._replace(
                position=jnp.where(good, x, state.position),
                log_density=jnp.where(good, value, state.log_density),
                gradient=jnp.where(good, gradient, state.gradient),
                momentum=jnp.where(good, momentum, jnp.zeros_like(momentum)),
            )
            return new, temperature + moved.temperature, broken + (1 - good.astype(dtype))

        none = jnp.zeros((), dtype)
        result = jax.lax.fori_loop(0, numbers["steps"], body, (state, none, none))
        state, temperature, broken = result
        return state, temperature / numbers["steps"].astype(dtype), broken


def _descended(density: Density, start: Start) -> Start:
    """A start from which minibatches find the bulk: uphill by gradients from all data, with a step that adapts. Far
    away a few observations may make nearly all of the force, and a minibatch without them knows nothing of it."""

    def body(_: jax.Array, carry: tuple[Start, Any]) -> tuple[Start, Any]:
        here, rate = carry
        there = here.position + rate * here.gradient
        value, gradient = jax.value_and_grad(density.log_density)(there)
        better = (value > here.log_density) & jnp.all(jnp.isfinite(gradient))
        found = here._replace(
            position=jnp.where(better, there, here.position),
            log_density=jnp.where(better, value, here.log_density),
            gradient=jnp.where(better, gradient, here.gradient),
        )
        return found, rate * jnp.where(better, 2.0, 0.2).astype(rate.dtype)

    length = jnp.sqrt(jnp.sum(start.gradient**2))
    first = 0.1 / jnp.maximum(length, 1)
    result: Start = jax.lax.fori_loop(0, _DESCENT, body, (start, first))[0]
    return result


class Probed(NamedTuple):
    """A state and the scale; a second estimate of the gradient there; and, from the curvature and the variance there,
    how steep it is for the steps, and what share they have in the diffusion."""

    state: ChainState
    scale: Any
    other: Any
    steepness: Any
    share: Any


def _tallied(probed: Probed, step: Step, temperature: Any, relaxations: Any, broken: Any) -> Tally:
    state, scale, other, steepness, share = probed
    tally, dtype = state.tally, state.position.dtype
    done = (step.number.astype(dtype) - step.options["warmup"]) / step.options["draws"]
    block = jnp.clip((BLOCKS * done).astype(jnp.int32), 0, BLOCKS - 1)
    place = (state.position - state.anchor.position) / scale
    force = -(state.gradient + other) / 2 * scale
    return Tally(
        count=tally.count.at[block].add(1),
        place=tally.place.at[block].add(place),
        force=tally.force.at[block].add(force),
        virial=tally.virial.at[block].add(place * force),
        temperature=tally.temperature.at[block].add(temperature),
        share=tally.share + share,
        relaxations=tally.relaxations + relaxations,
        steep=tally.steep + (steepness > 1).astype(dtype),
        broken=tally.broken + broken,
    )


def _learnt(
    learnt: Learnt, found: Any, curvature: Any, direction: Any, changed: jax.Array, warming: jax.Array
) -> Learnt:
    """found: (n,), a sample of the variance of the gradient, of an old anchor if that has `changed`."""
    samples = learnt.samples + jnp.where(changed, 0, 1)
    noise = jnp.where(changed, learnt.noise, learnt.noise + (found - learnt.noise) / jnp.maximum(samples, 1))
    slowly = (1 - _FORGETTING) * learnt.curvature + _FORGETTING * curvature
    largest = jnp.maximum(jnp.where(learnt.anew, curvature, jnp.maximum(curvature, slowly)), _LEAST_CURVATURE)
    learning = warming | learnt.anew  # without warmup, once
    return Learnt(
        noise=jnp.where(learning, noise, learnt.noise),
        samples=jnp.where(learning, samples, learnt.samples),
        curvature=jnp.where(learning, largest, learnt.curvature),
        direction=direction,
        anew=jnp.array(False),
    )
