"""Predictions from a fit for new data: the draws of the posterior, carried over, and everything that follows from them.

Latents of elements of the fit keep their draws; those of new elements are drawn from their distributions given the same
draw of all they depend on. Outcomes are drawn; a statement that reads an outcome reads the value that the data give, if
they give one, and else the one drawn. Draw d of chain c with seed s has the key
`fold_in(fold_in(fold_in(key(s), 4), c), d)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from ppl.compiler.density.evaluation import data_lowering
from ppl.compiler.forward.gaussian import CONDITIONED
from ppl.compiler.forward.simulator import Simulator, make_simulator
from ppl.compiler.forward.statements import Group, groups, statements
from ppl.compiler.passes.generative import depends, generative, optional_inputs, outcomes, without
from ppl.compiler.passes.memory import memory_explained
from ppl.compiler.passes.program import make_program
from ppl.dataset import FIT, Dataset, RawArray
from ppl.errors import Diagnostic, Exit, PplError
from ppl.graph import Input, Latent, ModelGraph, Node, Prediction, Term, Value
from ppl.prediction.carrying import carried, check_events, with_values
from ppl.prediction.fitted import Fitted
from ppl.prediction.inputs import Inputs, bind_declared, check_forward
from ppl.prediction.matching import check_series, in_words, match_dims, series_dims
from ppl.prediction.refusals import Mask, drawn_elements
from ppl.prediction.setting import values_of_latents, without_clamps
from ppl.prediction.world import World, make_world
from ppl.results.container import Groups, Layout
from ppl.results.observations import observations, predicted_elements
from ppl.running.outputs import over_draws
from ppl.running.progress import Progress, Silent
from ppl.running.record import clamped_attrs, provenance
from ppl.types import IndexOf

Array = npt.NDArray[Any]

_STREAM = 4


@dataclass(frozen=True)
class Predicted:
    """groups: ArviZ's; notes: what became of the elements of the dims, in words."""

    groups: Groups
    attrs: dict[str, Any]
    notes: tuple[str, ...]
    warnings: tuple[Diagnostic, ...]


def draw_predictions(
    graph: ModelGraph,
    fitted: Fitted,
    raw: Mapping[str, RawArray],
    sizes: Mapping[str, int],
    seed: int,
    progress: Progress | None = None,
    given: Mapping[str, Any] | None = None,
) -> Predicted:
    """One prediction for each draw of the fit. raw: the new data; sizes: of dims that no data run over; given: values
    that latents have in place of their draws, while the others keep theirs.

    Raises:
        PplError: an error of the data; draws that cannot be carried over to them (E507).
    """
    progress = progress or Silent()
    try:
        with jax.enable_x64(True):
            progress.stage("comparing the new data with the fit")
            # What is clamped in the fit has its values there.
            graph = without_clamps(graph)
            inputs = bind_declared(graph, with_fitted_dims(graph, fitted, raw, sizes), sizes)
            inputs = replace(inputs, given=values_of_latents(graph, inputs.dataset, given or {}))
            with memory_explained(graph, inputs.dataset.sizes):
                prepared = _prepare(graph, fitted, inputs)
                progress.stage("predicting")
                flat = prepared.simulator.pack(prepared.carried, fitted.leading)
                key = jax.random.fold_in(jax.random.key(seed), _STREAM)
                drawn = over_draws(_draw, prepared.simulator, flat, key)
    finally:
        progress.close()
    found = _groups(graph, fitted, inputs, prepared, drawn)
    created = str(fitted.attrs.get("created_at", ""))
    attrs = {**provenance(graph.source, seed), "fit_created_at": created, **clamped_attrs(given)}
    return Predicted(found, attrs, prepared.notes, inputs.warnings)


def _draw(simulator: Simulator, flat: jax.Array, key: jax.Array) -> dict[str, Any]:
    values, replicates = simulator.draw(flat, key)
    return {"values": values, "replicates": replicates}


def with_fitted_dims(
    graph: ModelGraph, fitted: Fitted, raw: Mapping[str, RawArray], sizes: Mapping[str, int]
) -> dict[str, RawArray]:
    """The new data, with the fit's labels for dims whose elements they name by position or not at all, and the fit's
    size for dims without labels that need no data.

    Raises:
        PplError: new elements of a dim with labels are given by their number (E608).
    """
    entries = dict(raw)
    covariates = [i for i in graph.inputs if i.name not in optional_inputs(graph)]
    for dim, size in fitted.sizes.items():
        if graph.dims[dim].labels is not None or graph.dims[dim].size is not None or dim in raw:
            continue
        labels = fitted.labels.get(dim)
        if dim in sizes:
            if labels is not None:
                raise _nameless(dim, labels)
            continue
        given = []
        labelled = False
        for declared in graph.inputs:
            entry = raw.get(declared.name)
            if entry is None or entry.problem is not None:
                continue
            if isinstance(declared.element, IndexOf) and declared.element.dim == dim:
                labelled |= entry.values.dtype.kind in "UO"
            if dim in declared.dims and entry.values.ndim == len(declared.dims):
                axis = declared.dims.index(dim)
                labelled |= entry.axis_labels(axis) is not None or entry.dims is not None
                given.append(entry.values.shape[axis])
        if labels is not None and not labelled and all(n == size for n in given):
            entries[dim] = RawArray(np.array(labels), FIT)
        elif labels is None and not given and not any(_speaks_of(i, dim) for i in covariates):
            entries[dim] = RawArray(np.asarray(size), FIT)
    return entries


def _speaks_of(declared: Input, dim: str) -> bool:
    return dim in declared.dims or (isinstance(declared.element, IndexOf) and declared.element.dim == dim)


def _nameless(dim: str, labels: Sequence[str]) -> PplError:
    title = f"the elements of `{dim}` have labels in the fit, so that their number does not tell them"
    hint = f'leave the size out, and label the elements to predict in the data: "{dim}": ["{labels[-1]}", ...]'
    return PplError([Diagnostic("E608", title, hints=(hint,))], exit_code=Exit.USAGE)


# --- what is known beforehand --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Prepared:
    """masks: of each outcome, the elements that statements draw; given: those with a value, of the world; present:
    their values; predicted: of each prediction, the elements that statements draw."""

    simulator: Simulator
    carried: Mapping[str, Array]
    world: World
    masks: Mapping[str, Mask]
    given: Mapping[str, Mask]
    present: Mapping[str, Array]
    predicted: Mapping[str, Mask]
    notes: tuple[str, ...]


def _prepare(graph: ModelGraph, fitted: Fitted, inputs: Inputs) -> _Prepared:
    observed = outcomes(graph)
    matches = match_dims(graph, fitted, inputs.dataset, observed.keys() | inputs.absent)
    order = groups(generative(graph))
    series = series_dims(graph, order)
    check_series(graph, series, matches, inputs.dataset)
    with_data = _with_data_of_fit(graph, fitted, inputs, order)
    world = make_world(with_data, order, fitted, inputs.dataset, matches, observed.keys() | inputs.absent)
    check_forward(with_data, replace(world.dataset, missing={name: ~held for name, held in world.given.items()}))
    data = data_lowering(make_program(with_data, world.dataset), world.dataset)
    values: dict[str, Array] = {}
    given: dict[str, Mask] = {}
    for name in observed:
        if not data.program.is_data(name):
            continue
        values[name] = np.asarray(data.quantity(name))
        given[name] = world.given.get(name, np.ones(values[name].shape, np.bool_))
    masks = drawn_elements(graph, data, given)
    draws, known = with_values(world, inputs.given, *carried(graph, statements(graph), fitted, world), fitted.leading)
    check_events(graph, {**given, **known})
    missing = [name for name in fitted.filled if name in values and given[name].any()]
    draws |= {name: _with_draws(world, fitted.filled[name], values[name], graph[name]) for name in missing}
    fixed = {name: array for name, array in values.items() if given[name].any() and name not in draws}
    partly = {name: given[name] for name in values if given[name].any() and not given[name].all()}
    again = tuple(name for name in values if (given[name] & masks[name]).any())
    simulator = make_simulator(
        generative(with_data),
        world.dataset,
        shapes={name: array.shape[2:] for name, array in draws.items()},
        fixed=fixed,
        masks={**known, **partly},
        again=again,
    )
    notes = tuple(in_words(graph, matches, inputs.dataset.labels, series))
    return _Prepared(simulator, draws, world, masks, given, values, predicted_elements(data), notes)


def _with_data_of_fit(graph: ModelGraph, fitted: Fitted, inputs: Inputs, order: Sequence[Group]) -> ModelGraph:
    """The model with the inputs that the new data have, and the outcomes that the fit has.

    Raises:
        PplError: a computed outcome, whose values in the fit are needed, cannot be computed (E507).
    """
    observed = outcomes(graph)
    absent = {name for name in inputs.absent if name not in observed or name not in fitted.arrays}
    missing = depends(graph, absent)
    for group in order:
        needed = group.dims or any(s.distribution and s.distribution.name in CONDITIONED for s in group.whole)
        for name in missing & set(group.names) if needed else ():
            lacking = " and ".join(f"`{n}`" for n in sorted(absent) if name in depends(graph, {n}))
            title = f"`{name}` depends on its values in the fit, and the new data have no {lacking}"
            hint = f"give {lacking} for the elements of the fit; or observe data that are not computed"
            raise PplError([Diagnostic("E507", title, observed[name][0].span, hints=(hint,))], graph.source)
    return without(graph, absent)


def _with_draws(world: World, filled: Array, values: Array, node: Node) -> Array:
    """Values of an outcome of the fit with missing elements, for each draw: those of the fit are drawn there."""
    assert isinstance(node, Input)
    taken = filled
    for axis, dim in enumerate(node.dims):
        taken = np.take(taken, np.maximum(world.old[dim], 0), axis=2 + axis)
    return np.where(world.from_fit[node.name], taken, values)


# --- groups --------------------------------------------------------------------------------------------


def _groups(graph: ModelGraph, fitted: Fitted, inputs: Inputs, prepared: _Prepared, drawn: Mapping[str, Any]) -> Groups:
    world = prepared.world
    layout = Layout.of(graph, inputs.dataset)
    dims_of = {n.name: n.dims for n in graph.nodes if isinstance(n, Input | Latent | Value | Prediction)}
    values = {n: world.new_part(v, dims_of[n], 2) for n, v in drawn["values"].items()}
    given = {n: world.new_part(v, dims_of[n]) for n, v in prepared.given.items()}
    for name, again in drawn["replicates"].items():
        values[name] = np.where(given[name], world.new_part(again, dims_of[name], 2), values[name])
    masks = {n: world.new_part(mask, dims_of[n]) for n, mask in prepared.masks.items()}
    predicted = {n: world.new_part(mask, dims_of[n]) for n, mask in prepared.predicted.items()}
    ranks = {n: max(t.distribution.event_rank for t in terms) for n, terms in outcomes(graph).items()}
    seen = observations({**masks, **predicted}, dims_of, {**dict.fromkeys(predicted, 0), **ranks}, layout)
    latents = {latent.name for latent in graph.latents}
    values |= {name: values[name].astype(fitted.draws[name].dtype) for name in latents}
    uncertain = latents | depends(graph, latents)
    names = [n for n in dict.fromkeys(n.name for n in graph.nodes if not isinstance(n, Term)) if n in values]
    posterior = {n: values[n] for n in names if n in uncertain and n not in masks and n not in predicted}
    found: Groups = {}
    if posterior:
        found["posterior"] = layout.dataset(posterior, dims_of)
    kept = {n: seen.kept(n, values[n]) for n in names if n in seen}
    others = {n: values[n] for n in names if n not in posterior and isinstance(graph[n], Value)}
    if kept or others:
        found["predictions"] = seen.layout.dataset({**kept, **others}, {**dims_of, **seen.dims()})
    whole = [n for n in kept if n in given and given[n][masks[n]].all()]
    if whole:
        there = {n: world.new_part(prepared.present[n], dims_of[n]) for n in whole}
        found["posterior_predictive"] = seen.layout.dataset({n: kept[n] for n in whole}, seen.dims())
        found["observed_data"] = seen.layout.dataset(
            {n: seen.kept(n, there[n]) for n in whole}, seen.dims(), leading=()
        )
    constant = _covariates(graph, inputs.dataset, masks)
    if constant:
        found["predictions_constant_data"] = layout.dataset(constant, dims_of, leading=())
    return found


def _covariates(graph: ModelGraph, dataset: Dataset, masks: Mapping[str, Mask]) -> dict[str, Array]:
    return {
        i.name: np.asarray(dataset.arrays[i.name])
        for i in graph.inputs
        if i.name in dataset.arrays and i.name not in masks
    }
