"""The reference page of the distributions, written from the catalogue: `python -m ppl.catalogue.reference`."""

from __future__ import annotations

from collections.abc import Iterator

from ppl.catalogue.combinators import COMBINATORS
from ppl.catalogue.distributions import DISTRIBUTIONS, DistributionSpec, Parameter
from ppl.catalogue.examples import DISTRIBUTION_EXAMPLES
from ppl.catalogue.supports import SUPPORTS

_INTRODUCTION = """\
# Distributions

This page is written from the catalogue by `python docs/generate.py`.

Parameters are given by position, in the order shown, or by name. A parameter with a default may be left out. Densities
are normalised. A value outside the support and a parameter outside its domain both have log density minus infinity.

[Combinators](#combinators) make distributions from others.

The column *NumPyro* names the same distribution there.
"""


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    groups = (
        ("Numbers", [s for s in DISTRIBUTIONS.values() if not s.discrete and s.event_rank == 0]),
        ("Vectors and matrices", [s for s in DISTRIBUTIONS.values() if not s.discrete and s.event_rank > 0]),
        ("Counts, truth values and categories", [s for s in DISTRIBUTIONS.values() if s.discrete]),
    )
    for title, specs in groups:
        yield f"## {title}\n"
        yield "| distribution | support | `truncated` | `ordered` | NumPyro |"
        yield "|---|---|---|---|---|"
        for spec in specs:
            marks = " | ".join("yes" if mark else "" for mark in (spec.truncatable, spec.orderable))
            yield f"| [{spec.name}](#{spec.name.lower()}) | {_support(spec)} | {marks} | `{spec.numpyro}` |"
        yield ""
        for spec in specs:
            yield from _entry(spec)
    yield "## Combinators\n"
    yield "In the formulas, p and P are the density and the probability of `d`. More on [their page](combinators.md).\n"
    yield "| combinator | meaning | density |"
    yield "|---|---|---|"
    yield from (f"| `{c.signature}` | {c.meaning} | {c.formula} |" for c in COMBINATORS.values())
    yield ""
    yield "## Supports\n"
    yield "| support | a value is |"
    yield "|---|---|"
    for support in SUPPORTS.values():
        yield f"| `{support.name}` | {support.description} |"


def _support(spec: DistributionSpec) -> str:
    if spec.support == "interval":
        ends = (spec.lower or "-inf", spec.upper or "inf")
        return f"`[{ends[0]}, {ends[1]}]`" if spec.upper else f"`[{ends[0]}, inf)`"
    name = f"`{spec.support}`"
    if spec.support == "count" and spec.upper:
        return f"{name} up to `{spec.upper}`"
    if spec.support == "count_vector":
        return f"{name} of sum `{spec.upper}`"
    return name


def _entry(spec: DistributionSpec) -> Iterator[str]:
    yield f"### {spec.name}\n"
    yield f"`{_signature(spec)}`\n"
    yield "```text"
    yield f"p(x) = {spec.formula}"
    yield "```\n"
    yield "| parameter | domain | default |"
    yield "|---|---|---|"
    for parameter in spec.parameters:
        default = "" if parameter.default is None else f"{parameter.default:g}"
        yield f"| `{parameter.name}` | {_domain(parameter)} | {default} |"
    yield ""
    for group in spec.one_of:
        names = ", ".join(f"`{name}`" for name in group)
        yield f"Exactly one of {names} is given; by position it is `{group[0]}`.\n"
    if spec.data_support:
        yield f"Observed values: `{spec.data_support}`.\n"
    yield f"```ppl\n{DISTRIBUTION_EXAMPLES[spec.name]}\n```\n"


def _signature(spec: DistributionSpec) -> str:
    exclusive = {name for group in spec.one_of for name in group[1:]}
    shown = [
        p.name if p.default is None else f"{p.name}={p.default:g}" for p in spec.parameters if p.name not in exclusive
    ]
    return f"{spec.name}({', '.join(shown)})"


def _domain(parameter: Parameter) -> str:
    domain = f"`{parameter.domain}`"
    if parameter.rank == SUPPORTS[parameter.domain].event_rank:
        return domain
    return f"vector of {domain}" + (", or one number for all" if parameter.scalar else "")


if __name__ == "__main__":
    print(page(), end="")
