"""A model of continuous quantities, and its data, as modes: the quadratic part of its energy, and the rest as a law."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ppl.compiler.density.compiled import CompiledDensity, compile_density
from ppl.compiler.passes.centring import Request, choose
from ppl.dataset import Dataset
from ppl.errors import Diagnostic, PplError
from ppl.graph import ModelGraph
from ppl.hardware.analogue.modes import Modes
from ppl.hardware.laws.law import Law
from ppl.hardware.laws.readout import ELEMENTS, Reading, Readout
from ppl.hardware.laws.splitting import plus_linear, split
from ppl.hardware.laws.tracing import NoLaw, traced
from ppl.hardware.netlist.netlist import Claim
from ppl.results.container import Layout
from ppl.results.missing import element_labels

Array = jax.Array
# Relative to the largest entry of the precision, what is rounding between the two ways to one entry.
_ROUNDING = 1e-9


def modes(graph: ModelGraph, dataset: Dataset, name: str) -> Modes:
    """In the model's own coordinates where its energy is quadratic in them, else in the unconstrained coordinates of
    its density as samplers have it; discrete latents are summed out.

    Raises:
        PplError: there is no continuous latent (E501), or the model's force is more than circuits can do (E730).
    """
    own = Request(centre=tuple(choose(graph, dataset)))
    found = _modes(graph, dataset, name, own)
    return found if found.is_gaussian or not own.centre else _modes(graph, dataset, name, Request())


def _modes(graph: ModelGraph, dataset: Dataset, name: str, request: Request) -> Modes:
    with jax.enable_x64(True):
        density = compile_density(graph, dataset, request)
        if not density.size:
            title = "the model has no continuous latent: there is nothing for modes to stand for"
            raise PplError([Diagnostic("E501", title)], graph.source)

        def energy(u: Array) -> Array:
            found: Array = -density.log_density(u)
            return found

        gradient = split(_law(graph, lambda u: [jax.grad(energy)(u)], density.size))
        precision = _symmetric(gradient.matrix)
        left = gradient.matrix - precision
        left[np.abs(left) <= _ROUNDING * np.abs(precision).max(initial=0.0)] = 0.0
        gaussian = gradient.linear and not left.any()
        whole = None if gaussian else _law(graph, lambda u: [energy(u)], density.size)
        offset = float(energy(jnp.zeros(density.size))) if gaussian else 0.0
        readout = _readout(graph, density)
    layout = Layout.of(graph, dataset)
    kind = "a quadratic energy" if gaussian else "a quadratic energy and a force besides"
    return Modes(
        name=name,
        names=_names(density, layout),
        precision=precision,
        bias=-gradient.constant,
        offset=offset,
        force=None if gaussian else plus_linear(gradient.rest, -1.0, -left),
        energy=whole,
        readout=readout,
        provenance=(Claim("modes", f"{density.size} modes with {kind}"),),
        source={
            "model": graph.source.text,
            "coordinates": {dim: np.asarray(own).tolist() for dim, own in layout.coordinates.items()},
        },
    )


def _law(graph: ModelGraph, of: Callable[[Array], list[Array]], size: int) -> Law:
    try:
        return traced(of, size)[0]
    except NoLaw as error:
        title = f"the force of this model is no law of a circuit: {error}"
        hints = ("`ppl sample` samples it with any engine; or hold at a value what makes it so: `--set name=...`",)
        raise PplError([Diagnostic("E730", title, hints=hints)], graph.source) from None


def _symmetric(matrix: np.ndarray) -> np.ndarray:
    """Of a gradient the linear part is symmetric where all of it is; else what both ways agree on, and the rest is
    left to the force."""
    largest = np.abs(matrix).max(initial=0.0)
    if np.abs(matrix - matrix.T).max(initial=0.0) <= _ROUNDING * largest:
        return np.asarray(0.5 * (matrix + matrix.T))
    agreed = np.where(np.sign(matrix) == np.sign(matrix.T), np.minimum(np.abs(matrix), np.abs(matrix.T)), 0.0)
    return np.asarray(np.sign(matrix) * agreed)


def _readout(graph: ModelGraph, density: CompiledDensity) -> Readout:
    readings: list[Reading] = []

    def values(u: Array) -> list[Array]:
        found = density.constrain(u)
        readings[:] = [
            Reading(name, density.dims_of[name], value.shape, ELEMENTS[value.dtype.kind])
            for name, value in found.items()
        ]
        return [value.astype(jnp.float64) for value in found.values()]

    law = _law(graph, values, density.size)
    return Readout(tuple(readings), law)


def _names(density: CompiledDensity, layout: Layout) -> tuple[str, ...]:
    """Those of the model's elements, where the unconstrained space has one number for each; else numbered."""
    names: list[str] = []
    for slot in density.plan.slots:
        latent = slot.latent
        count = slot.stop - slot.start
        if not latent.dims and count == 1:
            names.append(latent.name)
        elif slot.shape == density.plan.program.shape(latent.dims):
            labels = [layout.coordinates[dim] for dim in latent.dims]
            places = list(np.indices(slot.shape).reshape(len(slot.shape), -1))
            names += [f"{latent.name}[{label}]" for label in element_labels(labels, places)]
        else:
            names += [f"{latent.name}.{number}" for number in range(count)]
    return tuple(names)
