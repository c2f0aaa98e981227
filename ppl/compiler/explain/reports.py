"""What the compiler's passes have to say: the one place where a pass gets its section of `ppl explain`.

A report is a function of the graph, and of the data where they are bound, that gives a `Section` or nothing. It
imports what it needs when it is called: an explanation without data loads neither NumPy nor JAX.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ppl.compiler.explain.sections import Section, table
from ppl.errors import PplError
from ppl.graph import ModelGraph

if TYPE_CHECKING:  # it imports NumPy
    from ppl.dataset import Dataset

Report = Callable[[ModelGraph, "Dataset | None"], Section | None]


def inference(graph: ModelGraph, dataset: Dataset | None) -> Section | None:
    """How each latent is inferred, where not all of them are sampled."""
    from ppl.compiler.passes.clamping import clamped_by_text
    from ppl.compiler.passes.roles import Role, roles
    from ppl.compiler.passes.summable import summable_problems

    if dataset is None:
        graph = clamped_by_text(graph)
    possible = not summable_problems(graph)
    why = {
        Role.SAMPLED: "by the engine",
        Role.ELIMINATED: "exactly, for engines that need gradients; drawn again after sampling"
        if possible
        else "as far as that is possible, for engines that need gradients: see below",
        Role.SIMULATED: "after sampling: nothing observed depends on it",
    }
    found = roles(graph)
    if all(role is Role.SAMPLED for role in found.values()):
        return None
    return table("inference of latent quantities", [[n, role.value, why[role]] for n, role in found.items()])


def centring(graph: ModelGraph, dataset: Dataset | None) -> Section | None:
    """In which coordinates latents with a location and a scale are sampled."""
    from ppl.compiler.passes.sites import sites

    if dataset is None or not any(site.parents for site in sites(graph).values()):
        return None  # nothing to choose, and nothing to import for it
    from ppl.compiler.passes.centring import GIVEN, choose
    from ppl.compiler.passes.preparation import prepared
    from ppl.compiler.passes.sites import BETWEEN

    graph, dataset = prepared(graph, dataset)
    chosen = {n: c for n, c in choose(graph, dataset).items() if c.reason != GIVEN}
    names = {n: f"{read.name}, but for its clamped elements" for n, read in graph.assembled.items()}
    words = {BETWEEN: "between centred and non-centred"}
    return table("centring", [[names.get(n, n), words.get(c.form, c.form), c.reason] for n, c in chosen.items()])


def elimination(graph: ModelGraph, dataset: Dataset | None) -> Section | None:
    """How discrete latents are summed out."""
    from ppl.compiler.passes.clamping import clamped_by_text
    from ppl.compiler.passes.enumeration import discrete_latents
    from ppl.compiler.passes.relevant import relevant
    from ppl.compiler.passes.summable import summable_problems

    if dataset is not None:
        from ppl.compiler.passes.preparation import prepared

        graph, dataset = prepared(graph, dataset)
    else:
        graph = clamped_by_text(graph)
    problems = summable_problems(graph)
    if problems:
        return table("cannot be summed out", [[problem.label or problem.title] for problem in problems])
    graph = relevant(graph)
    if dataset is None or not discrete_latents(graph):
        return None
    from ppl.compiler.density.elimination import plan_elimination
    from ppl.compiler.density.evaluation import data_lowering
    from ppl.compiler.lowering.fold import Recorder
    from ppl.compiler.passes.program import make_program

    program = make_program(graph, dataset)
    try:
        plan = plan_elimination(program, data_lowering(program, dataset), Recorder())
    except PplError as refused:
        return table(
            "cannot be summed out", [[line] for one in refused.diagnostics for line in (one.title, *one.hints)]
        )
    return None if plan is None else table("discrete latents", [[line] for line in plan.lines])


def missing(graph: ModelGraph, dataset: Dataset | None) -> Section | None:
    """What becomes of missing elements of the data."""
    if dataset is None or not any(declared.optional for declared in graph.inputs):
        return None
    from ppl.compiler.explain.missing import missing_elements

    return missing_elements(graph, dataset)


def dynamics(graph: ModelGraph, dataset: Dataset | None) -> Section | None:
    """What is computed element by element, and what solves differential equations."""
    from ppl.compiler.passes.recurrences import Recurrence, cycles, recurrence
    from ppl.compiler.passes.solves import solves

    rows = []
    for group in cycles(graph.values):
        found = recurrence(group, lambda dim: graph.dims[dim].size)
        if isinstance(found, Recurrence):
            names = ", ".join(value.name for value in found.values)
            rows.append([names, f"element by element along {found.dim}{', backwards' if found.backwards else ''}"])
    for name, expr in solves(graph):
        method = "an implicit method" if expr.stiff else "an explicit method"
        limits = f"rtol = {expr.rtol:g}, atol = {expr.atol:g}, at most {expr.max_steps} steps between times"
        rows.append([name, f"a differential equation, by {method}: {limits}"])
    return table("dynamics", rows)


REPORTS: tuple[Report, ...] = (missing, inference, elimination, centring, dynamics)
