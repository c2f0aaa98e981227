"""No infinity and no NaN is ever a draw: an engine that gives one ends the run, and the draws before it are kept."""

from __future__ import annotations

import dataclasses

import numpy as np

from ppl.inference.contract import Chunk, Remark, Remedy


class NotFinite(Exception):
    """An engine gave a position that is not finite. where: chain and draw; before: the chunk up to it, all chains."""

    def __init__(self, where: str, before: Chunk) -> None:
        super().__init__(where)
        self.where = where
        self.before = before


def check_finite(chunk: Chunk, draws: int, done: int, total: int) -> None:
    """draws: of each chain before this chunk; done, total: iterations before it, and in all.

    Raises:
        NotFinite: some position of it is not finite.
    """
    finite = np.isfinite(chunk.positions).all(axis=2)
    if finite.all():
        return
    first = int(np.flatnonzero(~finite.all(axis=0))[0])
    chain = int(np.flatnonzero(~finite[:, first])[0])
    at = f"iteration {done + first} of {total}, in warmup" if chunk.warmup else f"draw {draws + first}"
    raise NotFinite(f"chain {chain}, {at}", _up_to(chunk, first))


def not_finite(engine: str, failure: NotFinite) -> Remark:
    """What is said of it."""
    return Remark(
        "not finite",
        "bad",
        f"The engine `{engine}` gave a position that is not finite: {failure.where}. The run ended there.",
        remedies=(Remedy("another seed or another engine may do better; the density may overflow"),),
    )


def _up_to(chunk: Chunk, draw: int) -> Chunk:
    record = chunk.divergences
    if record is not None:
        kept = np.asarray(record.draw) < draw
        rows = {field.name: getattr(record, field.name)[kept] for field in dataclasses.fields(record)}
        record = dataclasses.replace(record, **rows)
    return dataclasses.replace(
        chunk,
        positions=chunk.positions[:, :draw],
        stats={name: values[:, :draw] for name, values in chunk.stats.items()},
        divergences=record,
        discrete=None if chunk.discrete is None else chunk.discrete[:, :draw],
    )
