"""Missing elements in an evaluation: drawn where the density leaves them out, and latents where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import jax
import jax.numpy as jnp

from ppl.compiler.density.evaluation import Evaluation
from ppl.compiler.density.predictive import predicted
from ppl.compiler.lowering.named import REAL, Array, aligned
from ppl.graph import Latent, Read


def drawn_forward(evaluation: Evaluation, key: Array) -> Evaluation:
    """With missing elements drawn that the density leaves out, and nothing else but latents known yet. What they are
    drawn from depends on none of them."""
    forward = evaluation.program.graph.forward
    if not forward:
        return evaluation
    latents = {latent.name: evaluation.known[latent.name] for latent in evaluation.program.graph.latents}
    draws = {p.name: predicted(evaluation, p, jax.random.fold_in(key, i)) for i, p in enumerate(forward)}
    return replace(evaluation, known={**latents, **draws})


def sampled_among(evaluation: Evaluation) -> dict[str, Read]:
    """For each latent that is made of elements of another quantity, which these are: of all missing elements of some
    data, or of a latent that is given in part."""
    graph = evaluation.program.graph
    missing = {name: read for outcome in graph.outcomes.values() for name, read in outcome.sampled}
    return {**missing, **graph.assembled}


def missing_elements(evaluation: Evaluation, values: Mapping[str, Array]) -> dict[str, Array]:
    """The values of the latents that are made of elements of other quantities, from those of the quantities."""
    found = {}
    graph = evaluation.program.graph
    for name, read in sampled_among(evaluation).items():
        latent = graph[name]
        assert isinstance(latent, Latent)
        given = {read.name: jnp.asarray(values[read.name], REAL)}
        own = replace(evaluation, known=given).lowering.value(read, REAL)
        found[name] = aligned(jnp, own, latent.axes, own.rank)
    return found
