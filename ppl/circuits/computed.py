"""What a model computes from its discrete quantities, as a law that a netlist carries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from ppl.compiler.density.compiled import CompiledDensity
from ppl.hardware.laws.law import Builder
from ppl.hardware.laws.readout import ELEMENTS, Reading, Readout
from ppl.hardware.laws.tracing import NoLaw, trace_into

Array = jax.Array


def computed(density: CompiledDensity) -> tuple[Readout | None, dict[str, str]]:
    """density: of discrete latents that stay, in which it is written. Gives the law from their values, one latent after
    the other, to all recorded quantities; None without any. And those left out, which no law can say, with the reason.
    """
    program, walk = density.plan.program, density.plan.walk
    assert walk is not None
    names = [v.name for v in program.graph.values if v.recorded and not program.is_data(v.name)]
    builder = Builder(sum(math.prod(shape) for shape in walk.shapes.values()))
    readings, outputs, left_out = [], [], {}
    for name in names:
        if not walk.shapes.keys() >= program.undetermined(name):
            continue
        kinds: list[str] = []
        try:
            (found,) = trace_into(builder, partial(_quantity, density, name, kinds))
        except NoLaw as error:
            left_out[name] = str(error)
            continue
        readings.append(Reading(name, density.dims_of[name], found.shape, ELEMENTS[kinds[0]]))
        outputs += found.ravel().tolist()
    return (Readout(tuple(readings), builder.law(outputs)) if readings else None), left_out


def _quantity(density: CompiledDensity, name: str, kinds: list[str], x: Array) -> Sequence[Array]:
    """x: (values,). Notes the kind of the quantity's type."""
    walk = density.plan.walk
    assert walk is not None
    evaluation, at = density.evaluation(), 0
    for latent, shape in walk.shapes.items():
        size = math.prod(shape)
        evaluation.known[latent] = jnp.reshape(x[at : at + size], shape).astype(walk.dtypes[latent])
        at += size
    value = jnp.asarray(evaluation.quantity(name))
    kinds.append(np.dtype(value.dtype).kind)
    return [value.astype(jnp.float64)]
