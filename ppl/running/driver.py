"""One driver for every engine: progress, interruption, checkpoints, then everything that follows from the draws.

Random keys are counters: chain c of a run with seed s samples with `fold_in(fold_in(key(s), 0), c)`, the outputs of its
draw d use `fold_in(fold_in(fold_in(key(s), 1), c), d)`, and where it starts, if that is looked for beforehand,
`fold_in(fold_in(key(s), 2), c)`. So results depend on the seed and the settings alone.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax

from ppl.compiler.density.compiled import compile_density
from ppl.compiler.density.prior import conditioned
from ppl.compiler.passes.centring import Request
from ppl.compiler.passes.memory import memory_explained
from ppl.compiler.passes.preparation import prepared
from ppl.dataset import Dataset
from ppl.errors import Diagnostic, Exit, PplError
from ppl.graph import ModelGraph
from ppl.inference.engines.shared import Settings
from ppl.inference.placing import working_on
from ppl.results.container import Groups
from ppl.running import devices
from ppl.running.beforehand import check_needs, walks_through
from ppl.running.checkpoint import Checkpoint
from ppl.running.following import all_groups, look_at_quantities
from ppl.running.identity import identity
from ppl.running.initial import check_initial
from ppl.running.interrupts import Requests, listening
from ppl.running.loop import Around
from ppl.running.options import RunOptions
from ppl.running.progress import Progress, Silent
from ppl.running.record import centring_attrs, clamped_attrs, ended, make_attrs, remark_attrs, until_attrs
from ppl.running.sampling import exact, sample
from ppl.running.timing import Stopwatch


@dataclass(frozen=True)
class Fit:
    """groups: ArviZ's; attrs: what made them (see `decode_attrs`); stopped: why the run ended early, if it did;
    timings: seconds by phase."""

    groups: Groups
    attrs: dict[str, Any]
    stopped: str | None
    timings: Mapping[str, float]


def run(
    graph: ModelGraph,
    dataset: Dataset,
    engine: Settings,
    options: RunOptions,
    progress: Progress | None = None,
    requests: Requests | None = None,
    checkpoint: Checkpoint | None = None,
) -> Fit:
    """Samples a model and computes all outputs, in float64 unless the engine says float32.

    requests: to stop; None: Ctrl-C is listened to here. checkpoint: what the run keeps on disk while it goes on, and
    may go on from; who calls removes it once the results are safe.

    Raises:
        PplError: nothing to sample; no start of finite density; stopped before the first draw; `until` or `initial`
            with an engine whose draws are no Markov chain's; a checkpoint that the run cannot go on from.
    """
    progress = progress or Silent()
    watch = Stopwatch()
    if options.until is not None and engine.draws_are != "correlated":
        title = f"`until` is for Markov chains, and the draws of `{engine.name}` are {engine.draws_are}"
        raise PplError([Diagnostic("E608", title)], exit_code=Exit.USAGE)
    check_initial(engine, options.initial)
    place = devices.find_place(options.devices)
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(jax.enable_x64(True))
            stack.enter_context(working_on(place))
            stack.enter_context(memory_explained(graph, dataset.sizes, *devices.more_memory(place)))
            stack.enter_context(watch.listening())
            attrs = make_attrs(graph, engine, options.chains, options.seed) | clamped_attrs(options.clamped)
            requests = requests or stack.enter_context(listening())
            saved = None if checkpoint is None else checkpoint.open(identity(graph, dataset, engine, options))
            if saved is not None:
                watch.before = saved.seconds
            progress.stage("compiling the model")
            with watch.phase("build"):
                prepared_graph, prepared_data = prepared(graph, dataset)
                check_needs(prepared_graph, type(engine))
                walks = walks_through(prepared_graph, type(engine))
                request = Request(options.centre, options.noncentre)
                density = compile_density(prepared_graph, prepared_data, request, summed=not walks)
                target = conditioned(density, prepared_data) if engine.uses_prior and density.size else density
            root = jax.random.key(options.seed)
            follow_key = jax.random.fold_in(root, 1)
            if density.size or walks:
                around = Around(requests, progress, watch, checkpoint, saved)
                look_at = functools.partial(look_at_quantities, density, follow_key)
                sampled = sample(graph, dataset.labels, density, target, engine, root, options, around, look_at)
            else:
                sampled = exact(density, engine, options)
                attrs |= {"draws_are": "independent", "exact": 1}
            progress.stage("computing outputs")
            with watch.phase("outputs"):
                groups = all_groups(graph, prepared_data, density, sampled, follow_key, options)
    finally:
        progress.close()
    timings = watch.report()
    if options.imported is not None:
        timings = {"import": options.imported, **timings, "total": timings["total"] + options.imported}
    forms = {name: choice.form for name, choice in density.plan.program.choices.items()}
    chosen = devices.remark(options.devices, place, density, options.chains)
    remarks = (*sampled.findings.remarks, *([chosen] if chosen else []))
    attrs |= centring_attrs(forms) | remark_attrs(remarks) | until_attrs(options.until, remarks)
    return Fit(groups, {**attrs, **ended(sampled.stopped, timings)}, sampled.stopped, timings)
