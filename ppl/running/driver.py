"""One driver for every engine: progress, interruption, time limits, then everything that follows from the draws.

Random keys are counters: chain c of a run with seed s samples with `fold_in(fold_in(key(s), 0), c)`, and the outputs of
its draw d use `fold_in(fold_in(fold_in(key(s), 1), c), d)`. So results depend on the seed and the settings alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax

from ppl.compiler.density.compiled import compile_density
from ppl.compiler.passes.centring import Request
from ppl.compiler.passes.preparation import prepared
from ppl.dataset import Dataset
from ppl.graph import ModelGraph
from ppl.inference.engines.shared import Settings
from ppl.results.container import Groups
from ppl.running.beforehand import nothing_to_sample
from ppl.running.following import all_groups
from ppl.running.interrupts import listening
from ppl.running.options import RunOptions
from ppl.running.progress import Progress, Silent
from ppl.running.record import centring_attrs, ended, make_attrs, remark_attrs
from ppl.running.sampling import exact, sample
from ppl.running.timing import Stopwatch


@dataclass(frozen=True)
class Fit:
    """groups: ArviZ's; attrs: what made them (see `decode_attrs`); stopped: why the run ended early, if it did."""

    groups: Groups
    attrs: dict[str, Any]
    stopped: str | None


def run(
    graph: ModelGraph,
    dataset: Dataset,
    engine: Settings,
    options: RunOptions,
    progress: Progress | None = None,
) -> Fit:
    """Samples a model and computes all outputs, in float64 unless the engine says float32.

    Raises:
        PplError: nothing to sample; no start of finite density; stopped before the first draw.
    """
    progress = progress or Silent()
    watch = Stopwatch()
    attrs = make_attrs(graph, engine, options.chains, options.seed)
    try:
        with jax.enable_x64(True), watch.listening(), listening() as requests:
            progress.stage("compiling the model")
            with watch.phase("build"):
                prepared_graph, prepared_data = prepared(graph, dataset)
                density = compile_density(prepared_graph, prepared_data, Request(options.centre, options.noncentre))
            if not prepared_graph.latents:
                raise nothing_to_sample(graph)
            root = jax.random.key(options.seed)
            if density.size:
                sampled = sample(graph, dataset.labels, density, engine, root, options, requests, progress, watch)
            else:
                sampled = exact(density, engine, options)
            progress.stage("computing outputs")
            with watch.phase("outputs"):
                follow_key = jax.random.fold_in(root, 1)
                groups = all_groups(graph, prepared_data, density, sampled, follow_key, options)
    finally:
        progress.close()
    timings = watch.report()
    if options.imported is not None:
        timings = {"import": options.imported, **timings, "total": timings["total"] + options.imported}
    forms = {name: choice.form for name, choice in density.plan.program.choices.items()}
    attrs |= centring_attrs(forms) | remark_attrs(sampled.findings.remarks)
    return Fit(groups, {**attrs, **ended(sampled.stopped, timings)}, sampled.stopped)
