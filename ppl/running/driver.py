"""One driver for every engine: progress, interruption, time limits, then everything that follows from the draws.

Random keys are counters: chain c of a run with seed s samples with `fold_in(fold_in(key(s), 0), c)`, and the outputs of
its draw d use `fold_in(fold_in(fold_in(key(s), 1), c), d)`. So results depend on the seed and the settings alone.
"""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import xarray as xr

from ppl.compiler.density.compiled import CompiledDensity, compile_density
from ppl.compiler.density.evaluation import data_lowering
from ppl.compiler.density.predictive import observed, replicated
from ppl.compiler.lowering.lower import Lowering
from ppl.compiler.passes.centring import Request
from ppl.compiler.passes.preparation import prepared
from ppl.dataset import Dataset
from ppl.errors import Diagnostic, PplError
from ppl.graph import ModelGraph
from ppl.inference.contract import Chunk, InitialisationError
from ppl.results.container import Groups, Layout
from ppl.results.missing import with_gaps, with_missing_labels
from ppl.results.observations import Observations, find_observations, find_predictions
from ppl.running.beforehand import nothing_to_sample
from ppl.running.interrupts import Requests, listening
from ppl.running.options import RunOptions
from ppl.running.outputs import over_draws
from ppl.running.progress import Progress, Silent
from ppl.running.record import centring_attrs, ended, make_attrs
from ppl.running.starts import explain_failed_start
from ppl.running.timing import Stopwatch

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Fit:
    """groups: ArviZ's; attrs: what made them (see `decode_attrs`); stopped: why the run ended early, if it did."""

    groups: Groups
    attrs: dict[str, Any]
    stopped: str | None


def run(
    graph: ModelGraph,
    dataset: Dataset,
    engine: Any,
    options: RunOptions,
    progress: Progress | None = None,
) -> Fit:
    """Samples a model and computes all outputs, in float64 unless the engine says float32.

    Raises:
        PplError: nothing to sample; no start of finite density; stopped before the first draw.
    """
    progress = progress or Silent()
    watch = Stopwatch()
    attrs = make_attrs(graph, engine, options.chains, options.seed)
    try:
        with jax.enable_x64(True), watch.listening(), listening() as requests:
            progress.stage("compiling the model")
            with watch.phase("build"):
                prepared_graph, prepared_data = prepared(graph, dataset)
                density = compile_density(prepared_graph, prepared_data, Request(options.centre, options.noncentre))
            if not prepared_graph.latents:
                raise nothing_to_sample(graph)
            root = jax.random.key(options.seed)
            if density.size:
                sampled = _sample(graph, dataset.labels, density, engine, root, options, requests, progress, watch)
            else:
                sampled = _exact(density, engine, options)
            progress.stage("computing outputs")
            with watch.phase("outputs"):
                groups = _groups(graph, prepared_data, density, sampled, jax.random.fold_in(root, 1), options)
    finally:
        progress.close()
    timings = watch.report()
    if options.imported is not None:
        timings = {"import": options.imported, **timings, "total": timings["total"] + options.imported}
    forms = {name: choice.form for name, choice in density.plan.program.choices.items()}
    attrs |= centring_attrs(forms)
    return Fit(groups, {**attrs, **ended(sampled.stopped, timings)}, sampled.stopped)


# --- sampling ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sampled:
    positions: Array
    stats: Mapping[str, Array]
    warmup_positions: Array
    warmup_stats: Mapping[str, Array]
    divergences: Mapping[str, Array]
    stopped: str | None


def _sample(
    graph: ModelGraph,
    labels: Mapping[str, tuple[str, ...]],
    density: CompiledDensity,
    engine: Any,
    root: jax.Array,
    options: RunOptions,
    requests: Requests,
    progress: Progress,
    watch: Stopwatch,
) -> _Sampled:
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
    kept = [chunk for chunk in chunks if not chunk.warmup]
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
    return _Sampled(
        positions=np.concatenate([c.positions for c in kept], axis=1).astype(np.float64),
        stats=_joined(kept),
        warmup_positions=np.concatenate([np.empty((options.chains, 0, density.size)), *(c.positions for c in warm)], 1),
        warmup_stats=_joined(warm),
        divergences=_divergences(kept),
        stopped=stopped,
    )


def _exact(density: CompiledDensity, engine: Any, options: RunOptions) -> _Sampled:
    """For a model without continuous latents: nothing for an engine to do, its discrete latents are drawn exactly."""
    lp = np.full((options.chains, engine.draws), float(density.log_density(jnp.zeros((0,)))))
    nowhere = np.zeros((options.chains, engine.draws, 0))
    return _Sampled(nowhere, {"lp": lp}, nowhere[:, :0], {}, {}, None)


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


# --- groups ------------------------------------------------------------------------------------------


def _groups(
    graph: ModelGraph,
    dataset: Dataset,
    density: CompiledDensity,
    sampled: _Sampled,
    key: jax.Array,
    options: RunOptions,
) -> Groups:
    dims_of = density.dims_of
    whole = density.plan.whole
    data = data_lowering(whole, dataset)
    layout = with_missing_labels(Layout.of(graph, dataset), whole.graph, dataset)
    seen = find_observations(data, layout, observed(whole))
    observations = find_observations(data, layout, replicated(whole)) if whole.graph.outcomes else seen
    follows = _follow(density, sampled.positions, key, options)
    groups: Groups = {}
    groups["posterior"] = layout.dataset(_as_written(whole.graph, follows["values"]), dims_of)
    groups["sample_stats"] = layout.dataset(sampled.stats, dict.fromkeys(sampled.stats, ()))
    likelihoods = _as_written(whole.graph, follows["log_likelihood"])
    likelihoods = {name: seen.likelihoods(name, values) for name, values in likelihoods.items() if name in seen}
    if likelihoods:
        groups["log_likelihood"] = seen.layout.dataset(likelihoods, seen.dims(events=False))
    replicates = _as_written(whole.graph, follows["replicates"])
    replicates = {name: observations.kept(name, v) for name, v in replicates.items() if name in observations}
    if replicates:
        groups["posterior_predictive"] = observations.layout.dataset(replicates, observations.dims())
    if follows["predictions"]:
        predicted = find_predictions(data, layout)
        found = _as_written(graph, follows["predictions"])
        kept = {name: predicted.kept(name, found[name]) for name in found if name in predicted}
        groups["predictions"] = predicted.layout.dataset(kept, predicted.dims())
    groups |= _data_groups(graph, dataset, data, layout, observations, dims_of)
    if options.save_unconstrained:
        groups["unconstrained_posterior"] = _unconstrained(sampled.positions)
    if options.save_warmup and sampled.warmup_positions.size:
        warm = over_draws(_constrained, density, sampled.warmup_positions, key)
        groups["warmup_posterior"] = layout.dataset(_as_written(graph, warm), dims_of)
        groups["warmup_sample_stats"] = layout.dataset(sampled.warmup_stats, dict.fromkeys(sampled.warmup_stats, ()))
    if len(sampled.divergences.get("chain", ())):
        records = sampled.divergences
        groups["divergences"] = xr.Dataset(
            {name: (("divergence", "unconstrained")[: values.ndim], values) for name, values in records.items()}
        )
        points = over_draws(_constrained, density, records["position"][None], key)
        groups["divergent_points"] = layout.dataset(
            {name: values[0] for name, values in points.items()}, dims_of, leading=("divergence",)
        )
    return groups


def _as_written(graph: ModelGraph, values: Mapping[str, Array]) -> dict[str, Array]:
    """In the order of the model's text, which JAX does not keep."""
    order = [node.name for node in graph.nodes if node.name in values]
    return {name: values[name] for name in dict.fromkeys([*order, *values])}


def _constrained(density: Any, u: jax.Array, key: jax.Array) -> dict[str, jax.Array]:
    values: dict[str, jax.Array] = density.constrain(u)
    return values


def _data_groups(
    graph: ModelGraph,
    dataset: Dataset,
    data: Lowering,
    layout: Layout,
    observations: Observations,
    dims_of: Mapping[str, tuple[str, ...]],
) -> Groups:
    """Inputs, and recorded or observed values that no latent enters: the observed elements, and everything else."""
    names = [declared.name for declared in graph.inputs]
    names += [v.name for v in graph.values if data.program.is_data(v.name) and (v.recorded or v.name in observations)]
    whole = {name: dataset.arrays[name] if name in dataset.missing else data.quantity(name) for name in names}
    arrays = {name: with_gaps(name, np.asarray(values), dataset.missing) for name, values in whole.items()}
    kept = {name: observations.kept(name, arrays[name]) for name in arrays if name in observations}
    rest = {name: values for name, values in arrays.items() if not observations.covers(name)}
    groups: Groups = {}
    if kept:
        groups["observed_data"] = observations.layout.dataset(kept, observations.dims(), leading=())
    if rest:
        groups["constant_data"] = layout.dataset(rest, dims_of, leading=())
    return groups


def _follow(density: CompiledDensity, positions: Array, key: jax.Array, options: RunOptions) -> dict[str, Any]:
    """All outputs; only the values of quantities where memory does not hold the others, so that no draw is lost."""
    wanted = functools.partial(_outputs, options.log_likelihood, options.predictive)
    try:
        return dict(over_draws(wanted, density, positions, key))
    except (MemoryError, jax.errors.JaxRuntimeError) as error:
        if not (options.log_likelihood or options.predictive):
            raise
        reason = str(error).partition("\n")[0]
        warnings.warn(
            f"no log-likelihood and no predictive draws: computing them failed ({reason})", RuntimeWarning, stacklevel=2
        )
        return dict(over_draws(functools.partial(_outputs, False, False), density, positions, key))


def _outputs(log_likelihood: bool, predictive: bool, density: Any, u: jax.Array, key: jax.Array) -> dict[str, Any]:
    followed: dict[str, Any] = density.follow(u, key, log_likelihood=log_likelihood, predictive=predictive)
    return followed


def _unconstrained(positions: Array) -> xr.Dataset:
    chains, draws, size = positions.shape
    return xr.Dataset(
        {"position": (("chain", "draw", "unconstrained"), positions)},
        {"chain": np.arange(chains), "draw": np.arange(draws), "unconstrained": np.arange(size)},
    )
