"""The loop over an engine's chunks: what it is asked, when it stops, what is kept, and the draws put together."""

from __future__ import annotations

import time
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
from ppl.inference import pacing
from ppl.inference.contract import Chunk, Findings, InitialisationError, Remark
from ppl.inference.engines.shared import Settings
from ppl.running import initial
from ppl.running.checkpoint import Checkpoint, Saved
from ppl.running.finite import NotFinite, check_finite, not_finite
from ppl.running.initial import Starts
from ppl.running.interrupts import Requests
from ppl.running.options import RunOptions
from ppl.running.progress import Progress
from ppl.running.starts import explain_failed_start
from ppl.running.stopping import Look, is_look, next_look, remark
from ppl.running.stream import Stream
from ppl.running.timing import Stopwatch

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


@dataclass(frozen=True)
class Around:
    """What a run has around it: who may stop it, who is told of it, its clock, and where it is kept on disk while it
    goes on (None: nowhere), with what it goes on from (None: its beginning)."""

    requests: Requests
    progress: Progress
    watch: Stopwatch
    checkpoint: Checkpoint | None = None
    saved: Saved | None = None


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
    requests, checkpoint, watch, until = around.requests, around.checkpoint, around.watch, options.until
    stream = Stream(options.save_warmup, None if around.saved is None else around.saved.tables)
    stopped: str | None = None
    broken: Remark | None = None
    last: Look | None = None
    pace = 0.0  # seconds an iteration; that of the first chunk is the compiler's
    began = time.monotonic()
    with warnings.catch_warnings():
        # In float32, by choice, every float64 of the density is truncated, which JAX would say of each.
        warnings.filterwarnings("ignore", "Explicitly requested dtype float64", UserWarning)
        single = getattr(engine, "precision", "float64") == "float32"
        working = jax.tree.map(_single, target) if single else target
        starts = _starts(graph, labels, density, root, options, around)
        carry = engine.start(working, _keys(root, 0, options.chains), starts.positions)
        if checkpoint is not None and around.saved is not None:
            carry, random = checkpoint.carry(around.saved, (carry, starts.random))
            starts = replace(starts, random=random)
        try:
            while not engine.done(carry):
                if until is not None and is_look(stream.draws):
                    last = look_at(_places(stream))
                    if last.enough(until):
                        break
                start, done = watch.now(), engine.progress(carry)[0]
                limit = None if until is None else min(next_look(stream.draws) - stream.draws, pacing.quick(pace, done))
                # An impatient user waits for what comes after it: so what is kept and the carry are in step.
                with requests.impatient():
                    following, chunk = engine.advance(working, carry, limit)
                pace = (watch.now() - start) / (engine.progress(following)[0] - done) if done else 0.0
                watch.add("warmup" if chunk.warmup else "sampling", start)
                check_finite(chunk, stream.draws, *engine.progress(carry))
                carry = following
                stream.append(chunk)
                around.progress.iterations(*engine.progress(carry), chunk.warmup, stream.divergent, _acceptance(chunk))
                if requests.stop:
                    stopped = requests.word
                elif options.time_limit is not None and time.monotonic() - began > options.time_limit:
                    stopped = "time limit"
                if stopped and not engine.done(carry):
                    around.progress.stage("stopping; the draws so far are kept")
                    break
                stopped = None
                if checkpoint is not None and checkpoint.due:
                    checkpoint.keep((carry, starts.random), stream, watch.report())
        except KeyboardInterrupt:
            stopped = requests.word
        except (MemoryError, jax.errors.JaxRuntimeError) as error:
            if not stream.draws:
                raise
            stopped = f"failed: {str(error).partition(chr(10))[0]}"
        except InitialisationError as failure:
            raise explain_failed_start(graph, density, labels, failure) from None
        except NotFinite as failure:
            stopped = "failed: a position that is not finite"
            broken = not_finite(engine.name, failure)
            stream.append(failure.before)
    if checkpoint is not None and broken is None and (stopped or checkpoint.saved):
        checkpoint.keep((carry, starts.random), stream, watch.report())
    if not stream.draws:
        raise _no_draws(stopped, broken, options, checkpoint)
    remarks = [broken] if broken else []
    if until is not None and stopped is None:
        remarks.append(remark(until, last if last and last.draws == stream.draws else look_at(_places(stream))))
    findings = engine.findings(working, carry)
    others, stats = stream.of_draws()
    warm, warm_stats = stream.of_draws(warmup=True)
    return Sampled(
        positions=others["positions"].astype(np.float64),
        stats=stats,
        warmup_positions=warm.get("positions", np.empty((options.chains, 0, density.size))),
        warmup_stats=warm_stats,
        divergences=stream.divergences(),
        stopped=stopped,
        findings=replace(findings, remarks=(*findings.remarks, *initial.remarks(starts), *remarks)),
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


def _no_draws(
    stopped: str | None, broken: Remark | None, options: RunOptions, checkpoint: Checkpoint | None
) -> BaseException:
    """What a run without draws ends with."""
    kept = checkpoint is not None and checkpoint.saved
    if broken is not None:
        return PplError([Diagnostic("E503", broken.title, hints=tuple(remedy.text for remedy in broken.remedies))])
    if stopped != "time limit":
        return KeyboardInterrupt()
    title = f"the time limit of {options.time_limit:g} s passed during warmup: there are no draws"
    hints = ("`resume` goes on where it ended",) if kept else ()
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


def _places(stream: Stream) -> Array:
    columns = stream.of_draws()[0]
    return places(columns["positions"], columns.get("discrete"))


def places(positions: Array, states: Array | None) -> Array:
    """(chains, draws, n) positions, followed by the states of discrete sites if there are any."""
    parts = [positions] if states is None else [positions, states]
    return np.concatenate([part.astype(np.float64) for part in parts], axis=2)


def _acceptance(chunk: Chunk) -> float | None:
    """The mean over a chunk, where the engine has one."""
    rates = np.asarray(chunk.stats.get("acceptance_rate", ()))
    return float(rates.mean()) if rates.size else None
