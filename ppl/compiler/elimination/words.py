"""What a plan does, in words."""

from __future__ import annotations

import numpy as np

from ppl.compiler.elimination.structure import Chain
from ppl.compiler.elimination.working import Working


def lines(work: Working) -> tuple[str, ...]:
    """One line for each set of variables that factors couple."""
    return tuple(_line(work, family) for family in _families(work))


def _families(work: Working) -> list[set[int]]:
    families: list[set[int]] = []
    for scopes in work.stacks:
        joined = set(scopes.type)
        apart = []
        for family in families:
            if family & joined:
                joined |= family
            else:
                apart.append(family)
        families = [*apart, joined]
    return sorted(families, key=min)


def _line(work: Working, family: set[int]) -> str:
    variables = [work.ground.variables[k] for k in sorted(family)]
    states = ", ".join(dict.fromkeys(str(v.states) for v in variables))
    what = f"{', '.join(v.name for v in variables)} summed out: {states} states × "
    done = [d for d in work.operations if d.variables <= family]
    elements = sum(v.size for v in variables)
    parts = int(np.count_nonzero(np.bincount(work.component[np.isin(work.ground.kind, sorted(family))])))
    if parts == elements:
        return what + _counted(elements, "site")
    width = max(d.width for d in done)
    chains = [d.operation for d in done if isinstance(d.operation, Chain)]
    if chains:
        longest = max(c.length for c in chains)
        upto = "up to " if len({c.length for c in chains}) > 1 else ""
        how = f"along {_counted(sum(c.batch for c in chains), 'chain')} of {upto}{_counted(longest, 'slice')}"
    else:
        how = f"in {_counted(len(done), 'step')} for {_counted(parts, 'part')}"
    return f"{what}{_counted(elements, 'element')}, {how}, width {width}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"
