"""Which scheme a netlist of modes is simulated by, and how long its steps are."""

from __future__ import annotations

from typing import NamedTuple

from ppl.errors import Diagnostic, PplError
from ppl.hardware.analogue.dynamics import Overdamped
from ppl.hardware.analogue.modes import Modes
from ppl.hardware.analogue.sim.banded import Banded
from ppl.hardware.analogue.sim.exact import Exact
from ppl.hardware.analogue.sim.scales import Times
from ppl.hardware.analogue.sim.scheme import Scheme
from ppl.hardware.analogue.sim.schemes import SCHEMES, stepwise

METHODS = ("ou", *SCHEMES)
# Of the fastest time, a step: where a linear motion has about a hundredth of bias by `euler`, and by `second-order` as
# much where the stiffness changes by as much as itself.
_STEPS = {("euler", True): 0.02, ("euler", False): 0.01, ("second-order", True): 0.2, ("second-order", False): 0.2}
# Of those that are made for a draw where nothing is said.
MOST_STEPS = 200


class Plan(NamedTuple):
    """every: steps from one draw to the next."""

    method: str
    scheme: Scheme
    every: int


def plan(
    modes: Modes,
    found: Times,
    method: str | None = None,
    interval: float | None = None,
    step: float | None = None,
    noise: float | None = None,
) -> Plan:
    """interval: model time between draws, rounded up to whole steps; None: in which the slowest mode forgets, or less
    where that takes many steps. step: of schemes that make some. noise: model time from one normal number to the next,
    of noise that is band-limited, which has a method of its own.

    Raises:
        PplError: the method cannot simulate such a netlist (E711).
    """
    if noise is not None:
        if method is not None or step is not None or modes.regulator is not None:
            hint = "leave out `method` and `step`, or the noise; a regulated array is simulated under white noise"
            raise _cannot("band-limited noise has a method of its own", hint)
        every = _steps(interval, noise) if interval else min(MOST_STEPS, _steps(found.slowest, noise))
        return Plan("banded", Banded(modes, noise, found.fastest), every)
    linear = modes.is_gaussian or modes.regulator is not None
    method = method or ("ou" if linear else "second-order")
    if method == "ou" and not linear:
        hint = "`second-order` can; or let a regulator hold its force: `ppl compile --period ...`"
        raise _cannot(f"`ou` is for linear motion, and {modes.name} has a force", hint)
    if method != "ou" and modes.regulator is not None:
        raise _cannot(f"{modes.name} has a regulator, between whose observations its motion is linear", "take `ou`")
    if method == "ou":
        time = modes.regulator.period if modes.regulator is not None else interval or found.slowest
        return Plan(method, Exact(modes, time), _steps(interval or found.slowest, time))
    time = step or _STEPS[method, isinstance(modes.motion, Overdamped)] * found.fastest
    every = _steps(interval, time) if interval else min(MOST_STEPS, _steps(found.slowest, time))
    return Plan(method, stepwise(modes, method, time), every)


def _steps(interval: float, time: float) -> int:
    return max(1, -int(-interval * (1 - 1e-12) // time))


def _cannot(title: str, hint: str) -> PplError:
    return PplError([Diagnostic("E711", title, hints=(hint,))])
