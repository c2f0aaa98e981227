"""A run of an engine on a density: its starts, the loop, and the draws put together."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from ppl.compiler.density.compiled import CompiledDensity
from ppl.compiler.density.prior import Conditioned
from ppl.errors import Diagnostic, PplError
from ppl.graph import ModelGraph
from ppl.inference.contract import Findings, InitialisationError
from ppl.inference.engines.shared import Settings
from ppl.running import initial
from ppl.running.checkpoint import Checkpoint
from ppl.running.initial import Starts
from ppl.running.loop import Around, Loop
from ppl.running.options import RunOptions
from ppl.running.starts import explain_failed_start
from ppl.running.stopping import Look
from ppl.running.stream import Stream

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Sampled:
    """Draws of all chains, (chains, draws, ...), and what there is to say of them.

    discrete: states of discrete latents that the engine walked through, (chains, draws, sites); stopped: why the run
    ended early, if it did.
    """

    positions: Array
    stats: Mapping[str, Array]
    warmup_positions: Array
    warmup_stats: Mapping[str, Array]
    divergences: Mapping[str, Array]
    stopped: str | None
    findings: Findings
    discrete: Array | None = None


def sample(
    graph: ModelGraph,
    labels: Mapping[str, tuple[str, ...]],
    density: CompiledDensity,
    target: CompiledDensity | Conditioned,
    engine: Settings,
    root: jax.Array,
    options: RunOptions,
    around: Around,
    look_at: Callable[[Array], Look],
) -> Sampled:
    """target: the density as the engine sees it; look_at: the draws' positions and states, for `until`."""
    with warnings.catch_warnings():
        # In float32, by choice, every float64 of the density is truncated, which JAX would say of each.
        warnings.filterwarnings("ignore", "Explicitly requested dtype float64", UserWarning)
        single = getattr(engine, "precision", "float64") == "float32"
        working = jax.tree.map(_single, target) if single else target
        starts = _starts(graph, labels, density, root, options, around)
        carry = engine.start(working, _keys(root, 0, options.chains), starts.positions)
        stream = Stream(options.save_warmup, None if around.saved is None else around.saved.tables)
        if around.checkpoint is not None and around.saved is not None:
            carry, random = around.checkpoint.carry(around.saved, (carry, starts.random))
            starts = replace(starts, random=random)
        loop = Loop(engine, working, carry, starts.random, stream, options, around, look_at)
        try:
            loop.run()
        except InitialisationError as failure:
            raise explain_failed_start(graph, density, labels, failure) from None
    if loop.broken is None and (loop.stopped or (around.checkpoint is not None and around.checkpoint.saved)):
        loop.keep()
    if not stream.draws:
        raise _no_draws(loop, around.checkpoint)
    remarks = (*initial.remarks(starts), *loop.remarks())
    findings = engine.findings(working, loop.carry)
    others, stats = stream.of_draws()
    warm, warm_stats = stream.of_draws(warmup=True)
    return Sampled(
        positions=others["positions"].astype(np.float64),
        stats=stats,
        warmup_positions=warm.get("positions", np.empty((options.chains, 0, density.size))),
        warmup_stats=warm_stats,
        divergences=stream.divergences(),
        stopped=loop.stopped,
        findings=replace(findings, remarks=(*findings.remarks, *remarks)),
        discrete=others.get("discrete"),
    )


def _starts(
    graph: ModelGraph,
    labels: Mapping[str, tuple[str, ...]],
    density: CompiledDensity,
    root: jax.Array,
    options: RunOptions,
    around: Around,
) -> Starts:
    """A run that goes on from a checkpoint has its starts behind it."""
    if options.initial == "random" or around.saved is not None:
        return initial.at_random(options.chains)
    around.progress.stage("looking for starts")
    begun = around.watch.now()
    try:
        with around.requests.impatient():
            return initial.along_paths(density, _keys(root, 2, options.chains))
    except InitialisationError as failure:
        raise explain_failed_start(graph, density, labels, failure) from None
    finally:
        around.watch.add("starts", begun)


def _keys(root: jax.Array, stream: int, chains: int) -> jax.Array:
    """(chains,) typed keys."""
    streams = jax.random.fold_in(root, stream)
    keys: jax.Array = jax.vmap(lambda chain: jax.random.fold_in(streams, chain))(jnp.arange(chains, dtype=jnp.uint32))
    return keys


def _no_draws(loop: Loop, checkpoint: Checkpoint | None) -> BaseException:
    """What a run without draws ends with."""
    broken = loop.broken
    if broken is not None:
        return PplError([Diagnostic("E503", broken.title, hints=tuple(remedy.text for remedy in broken.remedies))])
    if loop.stopped != "time limit":
        return KeyboardInterrupt()
    title = f"the time limit of {loop.options.time_limit:g} s passed during warmup: there are no draws"
    hints = ("`resume` goes on where it ended",) if checkpoint is not None and checkpoint.saved else ()
    return PplError([Diagnostic("E503", title, hints=("give it longer, or a shorter warmup", *hints))])


def exact(density: CompiledDensity, engine: Settings, options: RunOptions) -> Sampled:
    """For a model without continuous latents: nothing for an engine to do, its discrete latents are drawn exactly."""
    draws = getattr(engine, "draws", 1)  # a search for a mode has no such setting
    lp = np.full((options.chains, draws), float(jax.jit(lambda whole: whole.log_density(jnp.zeros(0)))(density)))
    nowhere = np.zeros((options.chains, draws, 0))
    return Sampled(nowhere, {"lp": lp}, nowhere[:, :0], {}, {}, None, Findings())


def _single(leaf: jax.Array) -> jax.Array:
    """An array in the precision of a float32 run."""
    return leaf.astype({"float64": "float32", "int64": "int32"}.get(str(leaf.dtype), leaf.dtype))
