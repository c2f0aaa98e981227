"""Draws from the prior and of the data that a model expects before it sees any.

Every quantity is drawn from its distribution given those that it depends on (ancestral sampling); the outcomes too, so
that `y[t]` depends on the `y[t-1]` that was drawn with it. Draw d of seed s has the key
`fold_in(fold_in(fold_in(key(s), 3), 0), d)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from ppl.compiler.density.evaluation import data_lowering
from ppl.compiler.forward.simulator import Simulator, make_simulator
from ppl.compiler.passes.generative import depends, outcomes
from ppl.compiler.passes.memory import memory_explained
from ppl.compiler.passes.program import make_program
from ppl.graph import Latent, ModelGraph, Prediction, Term, Value
from ppl.prediction.inputs import Inputs
from ppl.prediction.refusals import Mask, check_prior, drawn_elements
from ppl.prediction.setting import check_uninformed, without_given
from ppl.results.container import Groups, Layout
from ppl.results.missing import with_gaps
from ppl.results.observations import observations, predicted_elements
from ppl.running.outputs import over_draws
from ppl.running.progress import Progress, Silent
from ppl.running.record import provenance

Array = npt.NDArray[Any]

_STREAM = 3


@dataclass(frozen=True)
class PriorDraws:
    """values: of every latent, recorded value, outcome and prediction, (1, draws, *shape) each; groups: ArviZ's."""

    values: Mapping[str, Array]
    groups: Groups
    attrs: dict[str, Any]


def draw_prior(
    graph: ModelGraph, inputs: Inputs, draws: int, seed: int, progress: Progress | None = None
) -> PriorDraws:
    """Independent draws, as one chain. inputs: as `bind_inputs` makes them for the graph.

    Raises:
        PplError: something has no distribution to draw from (E504); a parameter that data determine is impossible.
    """
    progress = progress or Silent()
    check_prior(without_given(graph, inputs.given))
    try:
        with jax.enable_x64(True), memory_explained(graph, inputs.dataset.sizes):
            progress.stage("compiling the model")
            data = data_lowering(make_program(inputs.graph, inputs.dataset), inputs.dataset)
            present = {n: np.asarray(data.quantity(n)) for n in outcomes(graph) if data.program.is_data(n)}
            gaps = inputs.dataset.missing
            there = {n: ~gaps.get(n, np.zeros(values.shape, np.bool_)) for n, values in present.items()}
            masks = drawn_elements(graph, data, there)
            check_uninformed(graph, data, inputs.given)
            kept = {name: values for name, values in present.items() if not masks[name].all()}
            simulator = make_simulator(
                inputs.drawn,
                inputs.dataset,
                fixed={**kept, **{name: one.as_data() for name, one in inputs.given.items()}},
                masks={**{n: ~masks[n] for n in kept}, **{name: one.known for name, one in inputs.given.items()}},
            )
            progress.stage("drawing")
            key = jax.random.fold_in(jax.random.key(seed), _STREAM)
            values = over_draws(_draw, simulator, np.zeros((1, draws, 0)), key)
    finally:
        progress.close()
    groups = _groups(graph, inputs, data, present, masks, values)
    return PriorDraws(values, groups, {**provenance(graph.source, seed), "draws": draws})


def _draw(simulator: Simulator, flat: jax.Array, key: jax.Array) -> dict[str, jax.Array]:
    return simulator.draw(flat, key)[0]


def _groups(
    graph: ModelGraph,
    inputs: Inputs,
    data: Any,
    present: Mapping[str, Array],
    masks: Mapping[str, Mask],
    values: Mapping[str, Array],
) -> Groups:
    layout = Layout.of(graph, inputs.dataset)
    dims_of = {n.name: n.dims for n in inputs.drawn.nodes if isinstance(n, Latent | Value | Prediction)}
    predicted = predicted_elements(data)
    ranks = {n: max(t.distribution.event_rank for t in terms) for n, terms in outcomes(graph).items()}
    seen = observations({**masks, **predicted}, dims_of, {**dict.fromkeys(predicted, 0), **ranks}, layout)
    latent = {latent.name for latent in graph.latents}
    uncertain = latent | depends(graph, latent)
    order = [n.name for n in graph.nodes if not isinstance(n, Term) and n.name in values]
    names = list(dict.fromkeys(order))
    groups: Groups = {}
    prior = {n: values[n] for n in names if n in uncertain and n not in seen}
    if prior:
        groups["prior"] = layout.dataset(prior, dims_of)
    replicas = {n: seen.kept(n, values[n]) for n in names if n in seen}
    others = {n: values[n] for n in names if n not in seen and n not in prior and isinstance(graph[n], Value)}
    if replicas or others:
        named = {**dims_of, **seen.dims()}
        groups["prior_predictive"] = seen.layout.dataset({**replicas, **others}, named)
    gaps = inputs.dataset.missing
    known = {name: seen.kept(name, with_gaps(name, array, gaps)) for name, array in present.items() if name in seen}
    if known:
        groups["observed_data"] = seen.layout.dataset(known, seen.dims(), leading=())
    constant = {i.name: i.dims for i in inputs.graph.inputs if i.name not in masks}
    if constant:
        arrays = {name: np.asarray(inputs.dataset.arrays[name]) for name in constant}
        groups["constant_data"] = layout.dataset(arrays, constant, leading=())
    return groups
