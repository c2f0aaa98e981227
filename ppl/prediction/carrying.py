"""Draws of the fit at the elements that a prediction needs; refused where no distribution says how to go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ppl.compiler.binding.clamps import Given
from ppl.compiler.forward.gaussian import CONDITIONED
from ppl.compiler.forward.statements import Statement
from ppl.compiler.passes.roles import names_in, target_name
from ppl.errors import Diagnostic, PplError
from ppl.graph import Latent, ModelGraph, Read, Whole
from ppl.prediction.fitted import Fitted
from ppl.prediction.world import World

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

# Vectors and matrices of which some elements, in any order, are such a vector or matrix again.
_DIVISIBLE = frozenset({"real_vector", "corr", "positive_definite"})
# Those of which all elements in another order are one again.
_REORDERED = _DIVISIBLE | {"simplex", "open_simplex"}


def carried(
    graph: ModelGraph, statements: Mapping[str, Iterable[Statement]], fitted: Fitted, world: World
) -> tuple[dict[str, Array], dict[str, Mask]]:
    """For each latent with elements of the fit: its draws, (chains, draws, *shape of the world), and which of its
    elements these are.

    Raises:
        PplError: E507, for each latent whose draws cannot be carried over.
    """
    problems = [p for latent in graph.latents for p in _refusals(graph, latent, statements, fitted, world)]
    if problems:
        raise PplError(problems, graph.source)
    values, masks = {}, {}
    for latent in graph.latents:
        mask = world.known(latent.dims)
        if not mask.any():
            continue
        draws = fitted.draws[latent.name]
        for axis, dim in enumerate(latent.dims):
            draws = np.take(draws, np.maximum(world.old[dim], 0), axis=2 + axis)
        values[latent.name] = draws
        if not mask.all():
            masks[latent.name] = mask
    return values, masks


def _refusals(
    graph: ModelGraph, latent: Latent, statements: Mapping[str, Iterable[Statement]], fitted: Fitted, world: World
) -> Iterator[Diagnostic]:
    mask = world.known(latent.dims)
    new = [d for d in latent.dims if (world.old[d] < 0).any()]
    if new and latent.flat:
        title = f"`{latent.name}` has new elements, and no distribution to draw them from"
        words = f"it is declared by `var`, and {_named(new)} has elements that the fit does not have"
        yield Diagnostic("E507", title, latent.span, words, ("predict for elements of the fit only",))
    elif new and (weighed := _weighed(graph, latent.name)) is not None:
        title = f"`{latent.name}` has new elements, which are not drawn by its distribution alone"
        words = f"`{weighed}` adds to its energy, and {_named(new)} has elements that the fit does not have"
        yield Diagnostic("E507", title, latent.span, words, ("predict for elements of the fit only",))
    if not latent.event_rank or not mask.any():
        return
    event = latent.dims[len(latent.dims) - latent.event_rank :]
    changed = [d for d in event if not np.array_equal(world.old[d], np.arange(fitted.sizes[d]))]
    grown = [d for d in event if (world.old[d] < 0).any()]
    conditioned = all(
        s.distribution is not None and s.distribution.name in CONDITIONED for s in statements[latent.name]
    )
    whole = all(len(world.old[d]) == fitted.sizes[d] for d in changed)
    if (grown and not conditioned) or (changed and latent.support.kind not in (_REORDERED if whole else _DIVISIBLE)):
        over = _named(grown or changed)
        title = f"`{latent.name}` cannot be carried over to other elements of {over}"
        kind = "vector" if latent.event_rank == 1 else "matrix"
        words = f"each {kind} of it is drawn whole, and {over} has other elements, or another order, in the fit"
        hint = f"keep the elements of {over} as they are in the fit; only `MvNormal` can be continued exactly"
        yield Diagnostic("E507", title, latent.span, words, (hint,))


def with_values(
    world: World,
    given: Mapping[str, Given],
    draws: Mapping[str, Array],
    masks: Mapping[str, Mask],
    leading: tuple[int, int],
) -> tuple[dict[str, Array], dict[str, Mask]]:
    """Draws and masks as `carried` returns them, with given values of elements of the new data in their places."""
    draws, masks = dict(draws), dict(masks)
    for name, one in given.items():
        dims = one.latent.dims
        values, here = one.as_data(), one.known
        for axis, dim in enumerate(dims):
            at = np.maximum(world.new[dim], 0)
            values, here = np.take(values, at, axis=axis), np.take(here, at, axis=axis)
            here = here & np.expand_dims(world.new[dim] >= 0, tuple(range(1, here.ndim - axis)))
        before = draws.get(name, np.zeros((*leading, *values.shape), values.dtype))
        mask = here | (masks.get(name, np.ones(here.shape, np.bool_)) if name in draws else False)
        draws[name] = np.where(here, values, before)
        masks[name] = mask
    return draws, masks


def check_events(graph: ModelGraph, given: Mapping[str, Mask]) -> None:
    """Whether what is drawn as vectors or matrices can be drawn where only some of their elements are given. given:
    which elements have a value.

    Raises:
        PplError: they have no exact conditional (E507).
    """
    problems = []
    for term in graph.terms:
        rank, mask = term.distribution.event_rank, given.get(target_name(term))
        if not rank or mask is None:
            continue
        assert isinstance(term.target, Read)
        whole = [axis for axis, s in enumerate(term.target.subscripts) if isinstance(s, Whole)][-rank:]
        events = np.moveaxis(mask, whole, range(-rank, 0)).reshape(-1, *(mask.shape[axis] for axis in whole))
        known = events.reshape(len(events), -1)
        part = known[known.any(axis=1) & ~known.all(axis=1)]
        exact = term.distribution.name in CONDITIONED
        if len(part) and not (exact and (part == part[0]).all()):
            title = f"`{target_name(term)}` is given in part, and drawn whole by `{term.distribution.name}`"
            hint = "give all elements of a draw, or none of them"
            if exact:
                hint = "give the same elements of each vector, or all, or none of them"
            problems.append(Diagnostic("E507", title, term.span, hints=(hint,)))
    if problems:
        raise PplError(problems, graph.source)


def _weighed(graph: ModelGraph, name: str) -> str | None:
    """An energy that a latent enters."""
    return next((energy.name for energy in graph.energies if name in names_in(energy)), None)


def _named(dims: Iterable[str]) -> str:
    return " and ".join(f"`{dim}`" for dim in dict.fromkeys(dims))
