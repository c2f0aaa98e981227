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
    names = ", ".join(v.name for v in variables)
    states = ", ".join(dict.fromkeys(str(v.states) for v in variables))
    done = [d for d in work.operations if d.variables <= family]
    elements = sum(v.size for v in variables)
    mine = np.isin(work.ground.kind, sorted(family))
    sites = len(np.unique(work.component[mine]))
    width = max((d.width for d in done), default=0)
    chains = [d.operation for d in done if isinstance(d.operation, Chain)]
    words = f"{names} summed out: {states} states × "
    if sites == elements:
        return f"{words}{elements:,} site{'s' * (sites != 1)}, each alone"
    if chains:
        count, length = sum(c.batch for c in chains), max(c.length for c in chains)
        how = f"along {count:,} chain{'s' * (count != 1)} of {'up to ' * (count != 1)}{length:,} slices"
    else:
        how = f"in {len(done):,} step{'s' * (len(done) != 1)} for {sites:,} part{'s' * (sites != 1)}"
    return f"{words}{elements:,} elements, {how}, width {width}"
