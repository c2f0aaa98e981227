"""What `until` asks for: how good the draws are to be before a run may stop."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from ppl.errors import Diagnostic, Exit, PplError

_TAKES = "`until` takes `ess=NUMBER`, `rhat=NUMBER`, or both"


@dataclass(frozen=True)
class Until:
    """ess: effective draws that every quantity has at least, in the bulk and in the tails; rhat: the most that the
    R-hat of any is."""

    ess: float | None = None
    rhat: float | None = None

    def __str__(self) -> str:
        return ",".join(f"{name}={value:g}" for name, value in vars(self).items() if value is not None)


def make_until(given: Mapping[str, Any] | str | None) -> Until | None:
    """`{"ess": 400, "rhat": 1.01}`, or the text `ess=400,rhat=1.01`.

    Raises:
        PplError: it is none of these, or no run can fulfil it (E608).
    """
    if given is None:
        return None
    pairs = _pairs(given) if isinstance(given, str) else dict(given)
    least = {"ess": 0.0, "rhat": 1.0}
    if not pairs or pairs.keys() - least.keys():
        raise _invalid(f"{_TAKES}, not {given!r}")
    for name, value in pairs.items():
        if isinstance(value, bool) or not isinstance(value, Real) or not least[name] < float(value) < math.inf:
            raise _invalid(f"`until`: `{name}` is {value!r}, but it takes a number above {least[name]:g}")
    return Until(**{name: float(value) for name, value in pairs.items()})


def _pairs(text: str) -> dict[str, float]:
    pairs: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = (word.strip() for word in part.partition("="))
        try:
            value = float(number)
        except ValueError:
            raise _invalid(f"{_TAKES}, not `{text}`") from None
        if not equals or name in pairs:
            raise _invalid(f"{_TAKES}, not `{text}`")
        pairs[name] = value
    return pairs


def _invalid(title: str) -> PplError:
    return PplError([Diagnostic("E608", title)], exit_code=Exit.USAGE)
