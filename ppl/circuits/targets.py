"""What a netlist is written as: the targets, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ppl.errors import Diagnostic, Exit, PplError
from ppl.hardware.emitted import Emitted
from ppl.hardware.netlist.netlist import Netlist


@dataclass(frozen=True)
class Target:
    """ending: of the file, put after the netlist's name; `folder`: it is of several files, in a folder of that name.
    in_words: its weights are words, so that a netlist without gets them."""

    about: str
    ending: str
    emit: Callable[[Netlist], Emitted]
    folder: bool = False
    in_words: bool = False

    def default_output(self, name: str) -> Path:
        return Path(f"{name}{self.ending}")


def _netlist(netlist: Netlist) -> Emitted:
    from ppl.hardware.netlist.writing import to_text

    return Emitted({"netlist.json": to_text(netlist).encode("utf-8")})


TARGETS: dict[str, Target] = {
    "netlist": Target("JSON, for ppl simulate and all other targets", ".netlist.json", _netlist),
}


def find_target(name: str) -> Target:
    """Raises PplError: there is no such target (E608)."""
    if name not in TARGETS:
        title = f"`target` is {name!r}, but it takes {', '.join(TARGETS)}"
        raise PplError([Diagnostic("E608", title)], exit_code=Exit.USAGE)
    return TARGETS[name]
