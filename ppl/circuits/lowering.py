"""A model and its data as a netlist: of p-bits and pdits where all that is to be found is discrete, else of modes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ppl.circuits.analogue import OF_MODES, compile_modes, invalid, options_of_modes
from ppl.circuits.compiling import Compiled, compile_circuit, make_options
from ppl.compiler.passes.preparation import prepared
from ppl.compiler.passes.relevant import relevant
from ppl.compiler.passes.roles import is_discrete
from ppl.dataset import Dataset
from ppl.graph import ModelGraph
from ppl.hardware.analogue.modes import Modes


def lower(
    graph: ModelGraph, dataset: Dataset, name: str, given: Mapping[str, Any], takes_modes: bool = True
) -> Compiled | Modes:
    """given: options by name, of p-bits (see `Options`) or of modes (see `ModesOptions`). A model of both kinds of
    quantities is one of modes, with all that is discrete summed out; but where options of p-bits are given, or
    `takes_modes` is not, p-bits are wanted.

    Raises:
        PplError: as `compile_circuit` and `compile_modes`; options of modes for a model without (E608).
    """
    of_modes = [name for name in given if name in OF_MODES]
    if takes_modes and (of_modes or not given) and is_continuous(graph, dataset):
        return compile_modes(graph, dataset, name, options_of_modes(given))
    if of_modes and not is_continuous(graph, dataset):
        raise invalid(f"`{of_modes[0]}` is of modes, and no quantity of this model is continuous")
    return compile_circuit(graph, dataset, name, make_options(**given))


def is_continuous(graph: ModelGraph, dataset: Dataset) -> bool:
    """Whether a latent that evidence bears on is."""
    return any(not is_discrete(latent) for latent in relevant(prepared(graph, dataset)[0]).latents)
