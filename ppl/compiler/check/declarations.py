"""`model`, `use`, `dim`, `data`, `var` and `def`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from ppl.catalogue.combinators import COMBINATORS
from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.catalogue.functions import BUILDERS, CALLED
from ppl.catalogue.supports import SUPPORTS
from ppl.compiler.check.build import Build
from ppl.compiler.check.finite import discrete_element, finite_support
from ppl.compiler.check.libraries import libraries, library
from ppl.compiler.check.loops import dim_named
from ppl.compiler.check.names import closest, quoted
from ppl.compiler.check.ranges import of_data, of_latent, range_of
from ppl.compiler.check.report import Abandon
from ppl.compiler.check.scope import SCALARS, Binding, Quantity, Scope
from ppl.compiler.check.shapes import show_shape
from ppl.compiler.passes.elements import at_axes
from ppl.grammar import nodes as syntax
from ppl.graph import Axis, Expr, Input, Latent, Literal, Support
from ppl.source import Span
from ppl.types import Dim, Element, IndexOf, Scalar

_INDEX_TYPES_HINT = "types are `real`, `int`, `count`, `bool`, and the dims: `county_of[obs] : county`"


def dims(build: Build, statement: syntax.DimDeclaration) -> None:
    """`dim k = 3`, `dim species = {prey, predator}`, `dim time ordered`."""
    for item in statement.items:
        if not _free(build, item.name, "a dim"):
            continue
        labels = None if item.labels is None else tuple(label.id for label in item.labels)
        for label, count in Counter(labels or ()).items():
            if count > 1 and item.labels is not None:
                again = [x for x in item.labels if x.id == label][1]
                build.report.error("E118", again.span, f"`{label}` is here twice", "each label stands for one element")
        if item.size == 0 or labels == ():
            build.report.error("E118", item.span, f"`{item.name.id}` would be empty", "a dim has one element or more")
        build.names.dims[item.name.id] = Dim(item.name.id, item.name.span, item.size, labels, item.ordered)


def use(build: Build, statement: syntax.Use, first: bool) -> None:
    """`use gates`: the functions of a library. first: whether only the title and others stand above it."""
    report, name = build.report, statement.library.id
    if not first:
        hint = "put it above all other statements, or below the title"
        report.error("E028", statement.span, "a library is named before anything is defined", hint)
    if name not in libraries():
        found = closest(name, libraries())
        hint = f"did you mean `{found}`?" if found else f"there are {quoted(libraries())}"
        report.error("E126", statement.library.span, f"there is no library `{name}`", hint)
        return
    for known in library(name).values():
        build.names.libraries[known.definition.name.id] = known
        build.names.functions[known.definition.name.id] = known.definition


def function(build: Build, statement: syntax.FunctionDefinition) -> None:
    """`f(x, y) = ...`: kept as a tree, expanded where it is called."""
    name = statement.name
    if name.id in CALLED or name.id in BUILDERS:
        build.report.error(
            "E120", name.span, f"`{name.id}` is a function of the language", f"give it another name: `my_{name.id}`"
        )
        return
    if not _free(build, name, "a function"):
        return
    seen: set[str] = set()
    for parameter in statement.parameters:
        if parameter.id in seen:
            build.report.error("E102", parameter.span, f"`{parameter.id}` is a parameter already")
        seen.add(parameter.id)
    build.names.functions[name.id] = statement


def _free(build: Build, name: syntax.Name, what: str) -> bool:
    """Whether a name can be given to something new; says why not."""
    if name.id in DISTRIBUTIONS or name.id in COMBINATORS:
        build.report.error("E120", name.span, f"`{name.id}` is a distribution", f"give {what} another name")
        return False
    names = build.names
    if name.id in names.dims:
        return _twice(build, name, "a dim", names.dims[name.id].span)
    if name.id in names.libraries:
        of = names.libraries[name.id].library
        label = f"`{name.id}` is a function of the library `{of}`"
        build.report.error("E102", name.span, label, f"give {what} another name")
        return False
    if name.id in names.functions:
        return _twice(build, name, "a function", names.functions[name.id].name.span)
    if name.id in names.quantities:
        known = names.quantities[name.id]
        if known.role != "data":
            return _twice(build, name, "a quantity", known.span)
        hint = "its values come with the data; give what is computed another name"
        return _twice(build, name, "data", known.span, hint)
    return True


def _twice(build: Build, name: syntax.Name, kind: str, first: Span, hint: str = "give one another name") -> bool:
    build.report.error("E102", name.span, f"`{name.id}` is already {kind}, on line {build.report.line(first)}", hint)
    return False


def free_quantity(build: Build, name: syntax.Name) -> bool:
    """Whether a quantity may have this name. Reports why not."""
    return _free(build, name, "the quantity")


def _each(
    build: Build, items: Iterable[syntax.Declared], role: str, declare: Callable[[Build, syntax.Declared], None]
) -> None:
    """Declares the items; one that is wrong is known as broken, so that its uses are no further errors."""
    for item in items:
        if free_quantity(build, item.name):
            try:
                declare(build, item)
            except Abandon:
                build.broken(item.name, role)


# --- data --------------------------------------------------------------------------------------------


def data(build: Build, statement: syntax.DataDeclaration) -> None:
    """`data y[obs] : real, ...`"""
    _each(build, statement.items, "data", _datum)


def _datum(build: Build, item: syntax.Declared) -> None:
    scope = build.scope
    over = _axes(scope, item)
    element = _data_type(scope, item)
    axes, lower, upper = _bounds(build, item, over, over)
    for bound in (lower, upper):
        if bound is not None and not build.data_only(bound):
            raise build.report.fail("E208", bound.meta.span, "bounds of data depend on data alone")
    strict = item.bounds is not None and item.bounds.strict
    quantity = Quantity(
        item.name.id,
        "data",
        over,
        element,
        item.name.span,
        of_data(element, lower, upper, strict, build.names),
        typed=item.type is not None,
        data_only=True,
    )
    build.define(quantity)
    build.nodes.append(Input(item.name.id, over, element, lower, upper, strict, item.span, axes, item.missing))


def _axes(scope: Scope, item: syntax.Declared) -> tuple[str, ...]:
    found = []
    failed = False
    for axis in item.axes:
        try:
            found.append(dim_named(scope, axis))
        except Abandon:
            failed = True
    if failed:
        raise Abandon
    return tuple(found)


def _data_type(scope: Scope, item: syntax.Declared) -> Element:
    if item.type is None:
        return Scalar.REAL
    name = item.type.name.id
    if name in scope.names.dims:
        return IndexOf(name, item.type.first)
    if name in SCALARS:
        if item.type.first:
            scope.report.error("E124", item.type.span, f"`from` belongs to an index type; `{name}` counts nothing")
        return SCALARS[name]
    found = closest(name, [*SCALARS, *scope.names.dims])
    hint = f"did you mean `{found}`?" if found else _INDEX_TYPES_HINT
    if name in SUPPORTS:
        hint = "data have a plain type; what else holds of them is theirs to keep"
    raise scope.report.fail("E124", item.type.name.span, f"there is no type `{name}` for data", hint)


def _bounds(
    build: Build, item: syntax.Declared, over: Sequence[str], plates: Sequence[str]
) -> tuple[tuple[Axis, ...], Expr | None, Expr | None]:
    """The bounds of a declaration, and the axes that they run over: one for each of `plates`."""
    names = build.names
    names.new_statement()
    axes = tuple(names.axis(dim, dim) for dim in plates)
    once = {a.dim: Binding(a, named=False) for a in axes if list(plates).count(a.dim) == 1}
    scope = build.scope.bind(once)
    if item.bounds is None:
        return axes, None, None
    found: list[Expr | None] = []
    failed = False
    for node in (item.bounds.lower, item.bounds.upper):
        try:
            found.append(None if node is None else _one_bound(scope, node, axes))
        except Abandon:
            failed = True
    if failed:
        raise Abandon
    lower, upper = found
    if lower is not None and upper is not None:
        low, high = range_of(lower, names).interval, range_of(upper, names).interval
        if low.lower >= high.upper:
            raise build.report.fail(
                "E208", item.bounds.span, f"no number lies between {low.lower:g} and {high.upper:g}"
            )
    return axes, lower, upper


def _one_bound(scope: Scope, node: syntax.Expr, axes: tuple[Axis, ...]) -> Expr:
    bound = scope.expr(node)
    if bound.meta.event:
        if [w.dim for w in bound.meta.event] != [a.dim for a in axes]:
            raise scope.report.fail(
                "E111",
                bound.meta.span,
                f"a bound is one number for each element; this is {show_shape(bound.meta.event)}",
            )
        bound = at_axes(bound, axes)
    return bound


# --- var ---------------------------------------------------------------------------------------------


def variables(build: Build, statement: syntax.VarDeclaration) -> None:
    """`var x[k] : ordered, ...`"""
    _each(build, statement.items, "var", _variable)


def _variable(build: Build, item: syntax.Declared) -> None:
    scope = build.scope
    over = _axes(scope, item)
    discrete = discrete_element(build, item)
    kind = _var_type(build, item) if discrete is None else ""
    rank = SUPPORTS[kind].event_rank if kind else 0
    if len(over) < rank:
        raise build.report.fail(
            "E123",
            item.span,
            f"a `{kind}` is {'a vector' if rank == 1 else 'a matrix'}, and `{item.name.id}` has no dim for it",
            f"`var {item.name.id}[{'k' if rank == 1 else 'k, k'}] : {kind}`",
        )
    if rank == 2 and kind != "zero_sum_matrix" and over[-1] != over[-2]:
        raise build.report.fail(
            "E123", item.span, f"a value of type `{kind}` is a square matrix", f"`[{over[-1]}, {over[-1]}]`"
        )
    plates = over[: len(over) - rank]
    axes, lower, upper = _bounds(build, item, over, plates)
    if discrete is None:
        support = _bounded(build, item, kind, lower, upper)
    else:
        support = finite_support(build, item, discrete, lower, upper)
    name, element = item.name.id, Scalar.REAL if discrete is None else discrete
    known = of_latent(name, support, build.names)
    build.define(Quantity(name, "var", over, element, item.name.span, known, event_rank=rank, support=support))
    build.nodes.append(Latent(name, over, element, support, rank, True, item.span, axes))


def _var_type(build: Build, item: syntax.Declared) -> str:
    """The kind of support that a type names."""
    if item.type is None:
        return "real"
    name = item.type.name.id
    if name in SUPPORTS and not SUPPORTS[name].discrete and name != "interval":
        return name
    found = closest(name, [*SCALARS, *(k for k, s in SUPPORTS.items() if not s.discrete)])
    known = ", ".join(f"`{k}`" for k, s in SUPPORTS.items() if not s.discrete and k not in ("interval", "real_vector"))
    hint = f"did you mean `{found}`?" if found else f"types are {known}, `int`, `count`, `bool`, `spin` and the dims"
    raise build.report.fail("E124", item.type.name.span, f"there is no type `{name}`", hint)


def _bounded(build: Build, item: syntax.Declared, kind: str, lower: Expr | None, upper: Expr | None) -> Support:
    """A kind of support with bounds: the narrower kind where there is one (`> 0` is `positive`)."""
    if item.bounds is None:
        return Support(kind)
    low = lower.value if isinstance(lower, Literal) else None
    high = upper.value if isinstance(upper, Literal) else None
    match kind, low, high:
        case ("real", 0, None) if upper is None:
            return Support("positive" if item.bounds.strict else "nonnegative")
        case ("real", 0, 1):
            return Support("unit_interval")
        case ("real", _, _):
            return Support("interval", lower, upper)
        case ("ordered", 0, None) if upper is None:
            return Support("positive_ordered")
    if SUPPORTS[kind].bounded:
        return Support(kind, lower, upper)
    raise build.report.fail(
        "E208", item.bounds.span, f"a quantity of type `{kind}` takes no bounds", SUPPORTS[kind].description
    )
