"""Which devices a run works on: what `devices` asks for, or else what JAX finds, a GPU before the CPU."""

from __future__ import annotations

import re

import jax

from ppl.compiler.density.compiled import CompiledDensity
from ppl.errors import Diagnostic, Exit, PplError
from ppl.inference.contract import Remark, Remedy
from ppl.inference.placing import Place, available_cores

# Numbers that a density reads and moves below which a GPU mostly waits for its next instruction.
_SMALL = 100_000


def find_place(asked: str | None) -> Place:
    """asked: `cpu`, `cpu:4` (threads), `gpu`, `gpu:2` (devices), or None: all GPUs if that is what JAX takes by
    itself, else the CPU.

    Raises:
        PplError: it is none of these, or asks for more than there is (E608).
    """
    if asked is None:
        asked = "cpu" if jax.default_backend() == "cpu" else "gpu"
    form = re.fullmatch(r"(cpu|gpu)(?::([1-9]\d{0,5}))?", asked)
    if form is None:
        raise _invalid(f"`devices` takes `cpu`, `gpu`, or one of them with a number such as `cpu:4`, not `{asked}`")
    kind, number = form[1], None if form[2] is None else int(form[2])
    if kind == "cpu":
        return Place(tuple(jax.devices("cpu")[:1]), number or available_cores())
    try:
        found = jax.devices("gpu")
    except RuntimeError:
        raise _invalid("JAX sees no GPU here", "install JAX for it, as in `pip install 'jax[cuda12]'`") from None
    if number is not None and number > len(found):
        raise _invalid(f"`devices` asks for {number} GPUs, but JAX sees {len(found)}")
    return Place(tuple(found[:number]), available_cores())


def more_memory(place: Place) -> tuple[str, ...]:
    """Where there may be more of it, in words."""
    return () if place.is_cpu else ("that was a GPU's memory; with `devices` as `cpu` data stay in the host's",)


def remark(asked: str | None, place: Place, density: CompiledDensity, chains: int) -> Remark | None:
    """What was chosen and why, where there was a choice."""
    if asked is not None or place.is_cpu:
        return None
    numbers = density.size + sum(leaf.size for leaf in density.leaves)
    count = len(place.devices)
    several = f" on {count} GPUs" if count > 1 else " on the GPU"
    title = f"ran{several} that JAX found ({place.devices[0].device_kind}), {chains} chains at a time"
    small = f"the model has {numbers:,} numbers: such small ones are often faster on the CPU, {{}}"
    remedies = (Remedy(small, {"devices": "cpu"}),) if numbers < _SMALL else ()
    return Remark("devices", "note", title, remedies=remedies)


def _invalid(title: str, *hints: str) -> PplError:
    return PplError([Diagnostic("E608", title, hints=hints)], exit_code=Exit.USAGE)
