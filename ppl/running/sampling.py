"""The loop over an engine's chunks: what it is asked, when it stops, and the draws put together."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from ppl.compiler.density.compiled import CompiledDensity
from ppl.errors import Diagnostic, PplError
from ppl.graph import ModelGraph
from ppl.inference.contract import Chunk, Findings, InitialisationError
from ppl.inference.engines.shared import Settings
from ppl.running.interrupts import Requests
from ppl.running.options import RunOptions
from ppl.running.progress import Progress
from ppl.running.starts import explain_failed_start
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


def sample(
    graph: ModelGraph,
    labels: Mapping[str, tuple[str, ...]],
    density: CompiledDensity,
    engine: Settings,
    root: jax.Array,
    options: RunOptions,
    requests: Requests,
    progress: Progress,
    watch: Stopwatch,
) -> Sampled:
    streams = jax.random.fold_in(root, 0)
    keys = jax.vmap(lambda chain: jax.random.fold_in(streams, chain))(jnp.arange(options.chains, dtype=jnp.uint32))
    chunks: list[Chunk] = []
    stopped: str | None = None
    began = time.monotonic()
    divergent = 0
    try:
        with requests.impatient(), warnings.catch_warnings():
            # In float32, by choice, every float64 of the density is truncated, which JAX would say of each.
            warnings.filterwarnings("ignore", "Explicitly requested dtype float64", UserWarning)
            single = getattr(engine, "precision", "float64") == "float32"
            working = jax.tree.map(_single, density) if single else density
            carry = engine.start(working, keys)
            while not engine.done(carry):
                start = watch.now()
                carry, chunk = engine.advance(working, carry)
                chunks.append(chunk)
                watch.add("warmup" if chunk.warmup else "sampling", start)
                if not chunk.warmup and chunk.divergences is not None:
                    divergent += len(chunk.divergences.chain)
                done, total = engine.progress(carry)
                progress.iterations(done, total, chunk.warmup, divergent)
                if requests.stop:
                    stopped = "interrupted"
                elif options.time_limit is not None and time.monotonic() - began > options.time_limit:
                    stopped = "time limit"
                if stopped and not engine.done(carry):
                    progress.stage("stopping; the draws so far are kept")
                    break
                stopped = None
    except KeyboardInterrupt:
        stopped = "interrupted"
    except (MemoryError, jax.errors.JaxRuntimeError) as error:
        if not any(not chunk.warmup for chunk in chunks):
            raise
        stopped = f"failed: {str(error).partition(chr(10))[0]}"
    except InitialisationError as failure:
        raise explain_failed_start(graph, density, labels, failure) from None
    kept = [chunk for chunk in chunks if not chunk.warmup and chunk.draws]
    if not kept:
        if stopped == "interrupted":
            raise KeyboardInterrupt
        raise PplError(
            [
                Diagnostic(
                    "E503",
                    f"the time limit of {options.time_limit:g} s passed during warmup: there are no draws",
                    hints=("give it longer, or a shorter warmup",),
                )
            ]
        )
    warm = [chunk for chunk in chunks if chunk.warmup] if options.save_warmup else []
    findings = engine.findings(working, carry)
    return Sampled(
        positions=np.concatenate([c.positions for c in kept], axis=1).astype(np.float64),
        stats=_joined(kept),
        warmup_positions=np.concatenate([np.empty((options.chains, 0, density.size)), *(c.positions for c in warm)], 1),
        warmup_stats=_joined(warm),
        divergences=_divergences(kept),
        stopped=stopped,
        findings=findings,
        discrete=None if kept[0].discrete is None else np.concatenate([c.discrete for c in kept], axis=1),
    )


def exact(density: CompiledDensity, engine: Settings, options: RunOptions) -> Sampled:
    """For a model without continuous latents: nothing for an engine to do, its discrete latents are drawn exactly."""
    draws = getattr(engine, "draws", 1)  # a search for a mode has no such setting
    lp = np.full((options.chains, draws), float(density.log_density(jnp.zeros((0,)))))
    nowhere = np.zeros((options.chains, draws, 0))
    return Sampled(nowhere, {"lp": lp}, nowhere[:, :0], {}, {}, None, Findings())


def _single(leaf: jax.Array) -> jax.Array:
    """An array in the precision of a float32 run."""
    return leaf.astype({"float64": "float32", "int64": "int32"}.get(str(leaf.dtype), leaf.dtype))


def _joined(chunks: list[Chunk]) -> dict[str, Array]:
    names = chunks[0].stats if chunks else {}
    return {name: np.concatenate([np.asarray(c.stats[name]) for c in chunks], axis=1) for name in names}


def _divergences(chunks: list[Chunk]) -> dict[str, Array]:
    """The records of all chunks, draws counted from the first after warmup."""
    parts: dict[str, list[Array]] = {"chain": [], "draw": [], "position": [], "energy_error": []}
    before = 0
    for chunk in chunks:
        record = chunk.divergences
        if record is not None:
            parts["chain"].append(np.asarray(record.chain))
            parts["draw"].append(np.asarray(record.draw) + before)
            parts["position"].append(np.asarray(record.position, np.float64))
            parts["energy_error"].append(np.asarray(record.energy_error))
        before += chunk.draws
    return {name: np.concatenate(values) for name, values in parts.items() if values}
