"""What a run needs besides the engine's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from ppl.errors import Diagnostic, Exit, PplError
from ppl.running.until import Until

INITIAL = ("random", "pathfinder")


@dataclass(frozen=True)
class RunOptions:
    """time_limit: seconds of sampling, warmup included; log_likelihood, predictive: whether to compute these groups,
    which are as large as the data times the draws;
    save_warmup, save_unconstrained: keep further groups; imported: seconds that imports took, for the
    record; centre, noncentre: latents to sample as they are, or with location and scale taken out (else chosen);
    until: when the draws are good enough; clamped: what was clamped from outside, for the record; initial: where Markov
    chains start, `random` or `pathfinder`; devices: what chains run on (see `find_place`)."""

    chains: int = 4
    seed: int = 1
    time_limit: float | None = None
    log_likelihood: bool = True
    predictive: bool = True
    save_warmup: bool = False
    save_unconstrained: bool = False
    imported: float | None = None
    centre: tuple[str, ...] = ()
    noncentre: tuple[str, ...] = ()
    until: Until | None = None
    clamped: Mapping[str, Any] | None = None
    initial: str = "random"
    devices: str | None = None

    def __post_init__(self) -> None:
        if not _whole(self.chains) or self.chains < 1:
            raise _invalid("chains", self.chains, "a whole number, at least 1")
        _check_seed(self.seed)
        limit: object = self.time_limit
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0):
            raise _invalid("time_limit", self.time_limit, "a number of seconds above 0")
        if self.initial not in INITIAL:
            raise _invalid("initial", self.initial, "one of " + ", ".join(INITIAL))


def checked_draws(draws: int, seed: int) -> None:
    """Refuses numbers of draws and seeds that cannot be (E608)."""
    if not _whole(draws) or draws < 1:
        raise _invalid("draws", draws, "a whole number, at least 1")
    _check_seed(seed)


def _check_seed(seed: object) -> None:
    if not isinstance(seed, Integral) or not _whole(seed) or not 0 <= int(seed) < 2**63:
        raise _invalid("seed", seed, "a whole number from 0 to 2^63 - 1")


def _whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _invalid(name: str, value: object, takes: str) -> PplError:
    return PplError([Diagnostic("E608", f"`{name}` is {value!r}, but it takes {takes}")], exit_code=Exit.USAGE)
