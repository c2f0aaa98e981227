"""Memory that ran out, told in terms of the model: what was asked for, and which statement makes the largest array."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ppl.errors import Diagnostic, PplError
from ppl.graph import Axis, Expr, Latent, ModelGraph, Whole, each_part, node_expressions
from ppl.source import Span

# As XLA ("Out of memory allocating 800 bytes", "trying to allocate 1.3TiB") and NumPy ("Unable to allocate 2.0 GiB").
_ASKED = re.compile(r"allocat(?:e|ing) ([\d.]+) ?(bytes|[KMGTPE]iB|B)\b")
_UNITS = {"bytes": 0, "B": 0, "KiB": 1, "MiB": 2, "GiB": 3, "TiB": 4, "PiB": 5, "EiB": 6}
# How many times the largest array of a model a program may ask for at once: chains, derivatives, steps between.
_COPIES = 64


@dataclass(frozen=True)
class Largest:
    """The array of most numbers among those that statements ask for: the dims that it runs over, and how far."""

    span: Span
    dims: tuple[str, ...]
    lengths: tuple[int, ...]

    @property
    def numbers(self) -> int:
        return math.prod(self.lengths)


def largest(graph: ModelGraph, sizes: Mapping[str, int]) -> Largest | None:
    """The first of the largest arrays; None: there are no expressions. Sums over a product may take less than their
    terms, so that it is an upper bound."""
    arrays = []
    for node in graph.nodes:
        if isinstance(node, Latent):
            arrays.append(_array(node.span, tuple(map(Whole, node.dims)), sizes))
        arrays += [largest_part(expr, sizes) for expr in node_expressions(node)]
    return max(arrays, key=lambda array: array.numbers, default=None)


def largest_part(expr: Expr, sizes: Mapping[str, int]) -> Largest:
    """The same of one expression."""
    parts = (_array(part.meta.span, (*part.meta.axes, *part.meta.event), sizes) for part in each_part(expr))
    return max(parts, key=lambda array: array.numbers)


def _array(span: Span, over: tuple[Axis | Whole, ...], sizes: Mapping[str, int]) -> Largest:
    return Largest(span, tuple(run.dim for run in over), tuple(_length(run, sizes) for run in over))


def _length(run: Axis | Whole, sizes: Mapping[str, int]) -> int:
    return len(range(*slice(run.start, run.stop).indices(sizes.get(run.dim, 0))))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether NumPy, Python or JAX (told without its import) found no memory."""
    of_jax = type(error).__name__ in ("JaxRuntimeError", "XlaRuntimeError")
    return isinstance(error, MemoryError) or (of_jax and "RESOURCE_EXHAUSTED" in str(error))


def out_of_memory(error: BaseException, array: Largest | None = None) -> Diagnostic:
    """What to say of it. array: the largest of the model, where that is known."""
    asked = _asked(error)
    title = "not enough memory" + ("" if asked is None else f": {_in_bytes(asked)} were asked for at once")
    if array is None or not array.dims or (asked is not None and asked > 8 * _COPIES * array.numbers):
        return Diagnostic("E510", title, hints=("fewer draws or chains need less, and so do fewer or smaller data",))
    shape = " × ".join(map(str, array.lengths))
    over = " × ".join(array.dims)
    label = f"an array of {shape} numbers over {over}, {_in_bytes(8 * array.numbers)}"
    hints = ["let it run over fewer elements; where one chain has room, fewer chains will do"]
    if len(array.dims) > 1:
        first = "if few combinations matter, give them a dim of their own, and index data that say what each joins"
        hints.insert(0, first)
    return Diagnostic("E510", title, array.span, label, tuple(hints))


@contextlib.contextmanager
def memory_explained(graph: ModelGraph, sizes: Mapping[str, int], *hints: str) -> Iterator[None]:
    """Inside, memory that runs out is an error of the model with these sizes of its dims. hints: what else may help.

    Raises:
        PplError: it did (E510).
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:  # JAX's own kind is a RuntimeError
        if not is_out_of_memory(error):
            raise
        found = out_of_memory(error, largest(graph, sizes))
        raise PplError([replace(found, hints=(*hints, *found.hints))], graph.source) from None


def _asked(error: BaseException) -> float | None:
    """Bytes."""
    match = _ASKED.search(str(error))
    return None if match is None else float(match[1]) * 1024 ** _UNITS[match[2]]


def _in_bytes(count: float) -> str:
    power = min(int(math.log(max(count, 1), 1000)), 6)
    return f"{count / 1000**power:.3g} {('bytes', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB')[power]}"
