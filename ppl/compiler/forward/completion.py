"""What follows from a draw of the posterior: latents that nothing observed depends on, and predictions."""

from __future__ import annotations

from dataclasses import replace

from ppl.compiler.density.evaluation import Evaluation
from ppl.compiler.forward.simulate import Given, simulate
from ppl.compiler.forward.statements import groups
from ppl.compiler.lowering.named import Array
from ppl.compiler.passes.program import Program
from ppl.compiler.passes.relevant import drawn_forward_latents


def completed(evaluation: Evaluation, whole: Program, key: Array) -> Evaluation:
    """An evaluation of the whole model, with the latents drawn that the evaluation, of its relevant part, has not."""
    if whole is evaluation.program:
        return evaluation
    full = replace(evaluation, program=whole, known=dict(evaluation.known))
    simulate(full, groups(whole.graph, drawn_forward_latents(whole.graph)), Given({}, {}), key)
    return full


def predictions(evaluation: Evaluation, key: Array) -> dict[str, Array]:
    """A draw of every prediction, given all else."""
    names = list(dict.fromkeys(p.name for p in evaluation.program.graph.predictions))
    if not names:
        return {}
    fresh = replace(evaluation, known=dict(evaluation.known))
    simulate(fresh, groups(evaluation.program.graph, names), Given({}, {}), key)
    return {name: fresh.known[name] for name in names}
