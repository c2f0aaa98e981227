"""Where a distribution stands: what the left side of `~` says of plates, event dims and types."""

from __future__ import annotations

from collections.abc import Sequence

from ppl.compiler.check.distributions import Drawn
from ppl.compiler.check.fitting import Site
from ppl.compiler.check.heads import Head
from ppl.compiler.check.places import Place, show_place
from ppl.graph import Aligned, Axis, Subscript, Whole
from ppl.types import Element, IndexOf, Scalar

_OF_SUPPORT = {"bool": Scalar.BOOL, "count": Scalar.COUNT, "count_vector": Scalar.COUNT, "int": Scalar.INT}


def site_of(found: Head, where: Place, dims: Sequence[str] | None) -> tuple[Site, tuple[Subscript, ...]]:
    """Where the distribution stands, and the target's subscripts with event indices turned whole."""
    rank = found.event_rank
    if dims is None:
        return Site((), None, None, ()), ()
    subscripts = list(where.padded(dims))
    if len(subscripts) < rank:
        raise where.scope.report.fail(
            "E106",
            where.target.span,
            f"a draw of `{found.call.function.id}` is {'a vector' if rank == 1 else 'a matrix'}; "
            f"`{where.name}` has {len(subscripts)} dim{'s' if len(subscripts) != 1 else ''}",
        )
    event_axes: list[Axis] = []
    for n in range(len(subscripts) - rank, len(subscripts)):
        s = subscripts[n]
        if isinstance(s, Aligned):
            event_axes.append(s.axis)
            subscripts[n] = Whole(s.axis.dim, s.axis.start, s.axis.stop)
        elif not isinstance(s, Whole):
            raise where.scope.report.fail(
                "E204",
                where.target.span,
                f"a draw of `{found.call.function.id}` is a whole array; this is one element of it",
            )
    wholes = [s for s in subscripts if isinstance(s, Whole)]
    batch, event = tuple(wholes[: len(wholes) - rank]), tuple(wholes[len(wholes) - rank :])
    plates = tuple(s.axis for s in subscripts if isinstance(s, Aligned))
    return Site(plates, batch, event, tuple(event_axes)), tuple(subscripts)


def check_whole(found: Head, where: Place, dims: Sequence[str] | None, subscripts: tuple[Subscript, ...]) -> None:
    """Refuses a part of what is one draw (E110)."""
    if not all(map(everything, subscripts[len(subscripts) - found.event_rank :])):
        raise where.scope.report.fail(
            "E110",
            where.target.span,
            f"this is a part of one draw of `{found.call.function.id}`",
            f"a draw is a whole array; name its dims alone: `{where.name}[{', '.join(dims or ())}]`",
        )


def dims_of(where: Place, left: Sequence[str | None]) -> tuple[str, ...]:
    """The dims of a target: those of its subscripts, or (`left`) those of the other statements about it."""
    found = []
    for n in range(max(len(left), len(where.subscripts))):
        s = where.subscripts[n] if n < len(where.subscripts) else None
        dim = s.axis.dim if isinstance(s, Aligned) else s.dim if isinstance(s, Whole) else left[n]
        if dim is None:
            raise where.scope.report.fail(
                "E123", where.target.span, f"nothing says which dim index {n + 1} of `{where.name}` runs over"
            )
        found.append(dim)
    return tuple(found)


def written(name: str, where: Place, subscripts: tuple[Subscript, ...]) -> str:
    """The name of a term: the quantity's own if it speaks of every element."""
    return name if all(map(everything, subscripts)) else show_place(name, where.subscripts)


def everything(s: Subscript) -> bool:
    """Whether a subscript stands for its whole dim."""
    match s:
        case Aligned(axis):
            return axis.start == 0 and axis.stop is None
        case Whole():
            return s.start == 0 and s.stop is None
        case _:
            return False


def element_of(drawn: Drawn) -> Element:
    """The type of what a discrete distribution draws."""
    kind = drawn.support.kind
    if kind in _OF_SUPPORT:
        return _OF_SUPPORT[kind]
    for p in drawn.spec.parameters:
        value = drawn.distribution.leaf.parameter(p.name)
        if p.rank == 1 and p.domain != "ordered" and value is not None and value.meta.event:
            return IndexOf(value.meta.event[-1].dim)
    return Scalar.COUNT
