"""What depends on its own elements: is there an order of them, and is all else that is read complete above?"""

from __future__ import annotations

from ppl.compiler.check.build import Build
from ppl.compiler.check.history import check_looks_back_through
from ppl.compiler.passes.recurrences import Disorder, cycles, recurrence
from ppl.graph import Term, Value, each_read, node_expressions


def check_recurrences(build: Build) -> None:
    """Reports values without an order (E116), and reads of values that a statement further down completes (E103)."""
    values = [node for node in build.nodes if isinstance(node, Value)]
    together: dict[str, frozenset[str]] = {}
    for group in cycles(values):
        names = frozenset(v.name for v in group)
        together.update(dict.fromkeys(names, names))
        found = recurrence(group, build.names.size)
        if isinstance(found, Disorder):
            _disorder(build, found, names)
    _check_complete(build, together)
    check_looks_back_through(build)


def _disorder(build: Build, found: Disorder, names: frozenset[str]) -> None:
    own, other = found.value.name, found.read.name
    others = ", ".join(f"`{n}`" for n in sorted(names - {own}))
    label = f"this is not an earlier element of `{other}`"
    label += f", and `{own}` and {others} depend on each other" if len(names) > 1 else ""
    dim = next((d for d in found.value.dims if build.names.positional(d)), None)
    hint = f"an element may depend on earlier ones along one dim, `{other}[t-1]`, and no others"
    if dim is None and found.value.dims:
        hint = f"if `{found.value.dims[0]}` has an order, declare `dim {found.value.dims[0]} ordered`"
    build.report.error("E116", found.read.meta.span, label, hint)


def _check_complete(build: Build, together: dict[str, frozenset[str]]) -> None:
    """What a value is computed from, or an observation depends on, is complete above it; recurrences are computed as
    one, and latents may be drawn given earlier elements."""
    place = {node.name: n for n, node in enumerate(build.nodes) if isinstance(node, Value)}
    for n, node in enumerate(build.nodes):
        if isinstance(node, Term) and node.role == "latent":
            continue
        allowed = together.get(node.name, frozenset()) if isinstance(node, Value) else frozenset()
        for read in (r for expr in node_expressions(node) for r in each_read(expr)):
            if place.get(read.name, n) > n and read.name not in allowed:
                build.report.error(
                    "E103",
                    read.meta.span,
                    f"`{read.name}` is not complete here: a statement further down defines more of it",
                    "move this statement below the last of those",
                )
