"""What a run would refuse, found without one: a model that an engine cannot sample, parameters out of their domains.

Nothing here imports JAX, unless the model has discrete latents, or data determine a parameter that plain arithmetic
cannot show to be in its domain, or points that must increase.
"""

from __future__ import annotations

from ppl.catalogue.domains import domains_of
from ppl.catalogue.membership import outside
from ppl.compiler.binding.constants import evaluate
from ppl.compiler.passes.enumeration import discrete_latents
from ppl.compiler.passes.increasing import increasing_points
from ppl.compiler.passes.missing.quantities import fill_missing
from ppl.compiler.passes.preparation import prepared
from ppl.compiler.passes.program import Program, make_program
from ppl.compiler.passes.relevant import relevant
from ppl.compiler.passes.roles import is_discrete
from ppl.compiler.passes.summable import check_summable
from ppl.dataset import Dataset
from ppl.errors import Diagnostic, PplError
from ppl.graph import Expr, ModelGraph, Prediction, Term
from ppl.inference.engines.shared import Settings
from ppl.running.engines import engine_class


def check_engine(graph: ModelGraph, engine: str, dataset: Dataset | None = None) -> None:
    """Whether an engine can sample a model, of which data may be known. Whether discrete latents can be summed out for
    it is for `check_discrete` to say.

    Raises:
        PplError: there is no such engine (E607), nothing to sample (E501), or the engine needs other latents (E509).
    """
    cls = engine_class(engine)
    check_needs(graph if dataset is None else prepared(graph, dataset)[0], cls)


def walks_through(graph: ModelGraph, engine: type[Settings]) -> bool:
    """Whether the discrete latents of a model, prepared if there are data, stay for an engine to walk through."""
    latents = relevant(graph).latents
    alone = bool(latents) and all(map(is_discrete, latents))
    return "discrete" in engine.needs or ("gradient or discrete" in engine.needs and alone)


def check_needs(graph: ModelGraph, engine: type[Settings]) -> None:
    """Whether a model, prepared if there are data, has what an engine needs.

    Raises:
        PplError: E501 or E509.
    """
    if not graph.latents:
        raise nothing_to_sample(graph)
    if "discrete" not in engine.needs:
        return
    name = engine.name
    latents = relevant(graph).latents
    continuous = [latent for latent in latents if not is_discrete(latent)]
    if len(continuous) == len(latents):
        title, hint = f"`{name}` walks through discrete latents, and this model has none", "use `--engine nuts`"
        raise PplError([Diagnostic("E509", title, hints=(hint,))], graph.source)
    if continuous and "gradient" not in engine.needs:
        title = f"`{name}` walks through discrete latents alone, and `{continuous[0].name}` is continuous"
        hints = (
            "`--engine mixed` moves the continuous ones too, by their gradients",
            "`--engine nuts` sums the discrete ones out, if that can be done",
        )
        raise PplError([Diagnostic("E509", title, continuous[0].span, hints=hints)], graph.source)
    if not continuous and "gradient" in engine.needs:
        title, hint = f"`{name}` moves continuous latents too, and this model has none", "use `--engine gibbs`"
        raise PplError([Diagnostic("E509", title, hints=(hint,))], graph.source)


def nothing_to_sample(graph: ModelGraph) -> PplError:
    """The error of a model without latents (E501)."""
    hint = "write one as `mu ~ Normal(0, 5)`: a name that is not data, on the left of `~`"
    return PplError(
        [Diagnostic("E501", "the model has no latent quantity: there is nothing to sample", hints=(hint,))],
        graph.source,
    )


def check_domains(graph: ModelGraph, dataset: Dataset) -> None:
    """Whether all parameters that data alone determine are in the domains of their distributions.

    Raises:
        PplError: one error for each that is not (E552), or points that do not increase (E554).
    """
    graph, dataset = fill_missing(graph, dataset)
    program = make_program(graph, dataset)
    inside = all(_plainly_inside(program, dataset, domain, expr) for domain, expr in _parameters(graph))
    if inside and all(program.kind(points) == "live" for _, points in increasing_points(graph)):
        return
    from ppl.compiler.density.evaluation import data_lowering  # these import JAX
    from ppl.compiler.density.increasing import check_increasing
    from ppl.compiler.density.parameters import check_parameters

    data = data_lowering(program, dataset)
    check_increasing(data)
    check_parameters(data, dataset.labels)


def check_discrete(graph: ModelGraph, dataset: Dataset, engine: str | None = None) -> None:
    """Whether the discrete latents can be summed out, or tried one by one by an engine that does so.

    Raises:
        PplError: they have infinitely many values, or depend on each other too much (E402).
    """
    graph, dataset = prepared(graph, dataset)
    check_summable(graph)
    graph = relevant(graph)
    if not discrete_latents(graph):
        return
    from ppl.compiler.density.elimination import plan_elimination, tabulate  # these import JAX
    from ppl.compiler.density.evaluation import data_lowering
    from ppl.compiler.lowering.fold import Recorder

    program = make_program(graph, dataset)
    if engine is not None and walks_through(graph, engine_class(engine)):
        tabulate(program, data_lowering(program, dataset), Recorder())
    else:
        plan_elimination(program, data_lowering(program, dataset), Recorder())


def _parameters(graph: ModelGraph) -> list[tuple[str, Expr]]:
    """Every parameter of every distribution, with the support that is its domain."""
    found = []
    nodes: tuple[Term | Prediction, ...] = (*graph.terms, *graph.predictions)
    for node in nodes:
        for part in node.distribution.walk():
            found += [(domain, expr) for domain, _, expr in domains_of(part)]
    return found


def _plainly_inside(program: Program, dataset: Dataset, domain: str, expr: Expr) -> bool:
    if program.kind(expr) != "data":
        return True
    value = evaluate(expr, dataset.arrays, dataset.sizes, dataset.labels)
    return value is not None and not outside(domain, value).any()
