"""What an engine has to say of a walk through states: which sites stood still."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.inference.contract import Findings, Remark, Remedy

Integers = NDArray[np.integer[Any]]


def standstill(states: Integers, moves: Integers, sweeps: int, cardinality: Integers) -> Findings:
    """states: (chains, m), the last; moves: (chains, m), how often each site changed in so many sweeps.

    A site that never changes in any chain may be certain of its state. If the chains hold it in different ones, it is
    not: they have not seen the same states, and never would in such a time.
    """
    free = np.asarray(cardinality) > 1
    if not sweeps or not free.any():
        return Findings()
    rate = moves[:, free] / sweeps
    values = {"flip_rate": (("chain",), rate.mean(axis=1))}
    split = free & (moves == 0).all(axis=0) & (states != states[:1]).any(axis=0)
    count = int(split.sum())
    if not count:
        return Findings(values)
    remark = Remark(
        name="frozen",
        verdict="bad",
        title=f"{count} of {int(free.sum())} discrete elements never changed, and chains hold them in different states",
        details=("constraints or strong couplings hold them together, and one at a time they cannot move",),
        remedies=(
            Remedy(
                "sum discrete latents out, if that is not too wide: use another engine, such as {}", {"engine": "nuts"}
            ),
            Remedy("weaken what couples them, or observe some"),
        ),
        values={"elements": float(count)},
    )
    return Findings(values, (remark,))
