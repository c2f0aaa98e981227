"""Everything that follows from the draws, as groups: named values, log-likelihoods, replicates, predictions, data."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
import xarray as xr

from ppl.compiler.density.compiled import CompiledDensity
from ppl.compiler.density.evaluation import data_lowering
from ppl.compiler.density.predictive import observed, replicated
from ppl.compiler.lowering.lower import Lowering
from ppl.dataset import Dataset
from ppl.graph import ModelGraph
from ppl.results.container import Groups, Layout
from ppl.results.missing import with_gaps, with_missing_labels
from ppl.results.observations import Observations, find_observations, find_predictions
from ppl.running.loop import places
from ppl.running.options import RunOptions
from ppl.running.outputs import over_draws
from ppl.running.sampling import Sampled
from ppl.running.stopping import Look, look

Array = npt.NDArray[Any]


def all_groups(
    graph: ModelGraph,
    dataset: Dataset,
    density: CompiledDensity,
    sampled: Sampled,
    key: jax.Array,
    options: RunOptions,
) -> Groups:
    dims_of = density.dims_of
    whole = density.plan.whole
    data = data_lowering(whole, dataset)
    layout = with_missing_labels(Layout.of(graph, dataset), whole.graph, dataset)
    seen = find_observations(data, layout, observed(whole))
    observations = find_observations(data, layout, replicated(whole)) if whole.graph.outcomes else seen
    follows = _follow(density, places(sampled.positions, sampled.discrete), key, options)
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
    if sampled.findings.values:
        groups["engine"] = xr.Dataset(
            {name: (dims, values) for name, (dims, values) in sampled.findings.values.items()}
        )
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


def look_at_quantities(density: CompiledDensity, key: jax.Array, at: Array) -> Look:
    """What `until` asks for, of every quantity of the group `posterior`, with the very values that it will have."""
    return look(over_draws(_reconstructed, density, at, key))


def _reconstructed(density: Any, u: jax.Array, key: jax.Array) -> dict[str, jax.Array]:
    density, u = density.at(u)
    values: dict[str, jax.Array] = density.reconstruct(u, key)
    return values


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


def _follow(density: CompiledDensity, at: Array, key: jax.Array, options: RunOptions) -> dict[str, Any]:
    """All outputs; only the values of quantities where memory does not hold the others, so that no draw is lost."""
    wanted = functools.partial(_outputs, options.log_likelihood, options.predictive)
    try:
        return dict(over_draws(wanted, density, at, key))
    except (MemoryError, jax.errors.JaxRuntimeError) as error:
        if not (options.log_likelihood or options.predictive):
            raise
        reason = str(error).partition("\n")[0]
        warnings.warn(
            f"no log-likelihood and no predictive draws: computing them failed ({reason})", RuntimeWarning, stacklevel=2
        )
        return dict(over_draws(functools.partial(_outputs, False, False), density, at, key))


def _outputs(log_likelihood: bool, predictive: bool, density: Any, u: jax.Array, key: jax.Array) -> dict[str, Any]:
    density, u = density.at(u)
    followed: dict[str, Any] = density.follow(u, key, log_likelihood=log_likelihood, predictive=predictive)
    return followed


def _unconstrained(positions: Array) -> xr.Dataset:
    chains, draws, size = positions.shape
    return xr.Dataset(
        {"position": (("chain", "draw", "unconstrained"), positions)},
        {"chain": np.arange(chains), "draw": np.arange(draws), "unconstrained": np.arange(size)},
    )
