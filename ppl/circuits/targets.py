"""What a netlist is written as: the targets, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
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


def _writer(module: str) -> Callable[[Netlist], Emitted]:
    """The `write` of a module of formats, which is imported once it is wanted."""

    def emit(netlist: Netlist) -> Emitted:
        made: Emitted = import_module(f"ppl.hardware.formats.{module}").write(netlist)
        return made

    return emit


def _verilog(netlist: Netlist) -> Emitted:
    from ppl.hardware.rtl.emit import emit

    return emit(netlist)


TARGETS: dict[str, Target] = {
    "netlist": Target("JSON, for ppl simulate and all other targets", ".netlist.json", _netlist),
    "verilog": Target("a folder of SystemVerilog with a testbench", ".verilog", _verilog, folder=True, in_words=True),
    "bqm": Target("JSON of dimod's BinaryQuadraticModel, for D-Wave's Ocean and OpenJij", ".bqm.json", _writer("bqm")),
    "qubo": Target("bits and a matrix Q, as qbsolv reads", ".qubo", _writer("qubo")),
    "ising": Target("coordinates, as dimod reads", ".coo", _writer("coordinates")),
    "gset": Target("max-cut, where there are no biases", ".gset", _writer("gset")),
    "thrml": Target("a program in Python that samples with thrml", ".thrml.py", _writer("thrml")),
}


def find_target(name: str) -> Target:
    """Raises PplError: there is no such target (E608)."""
    if name not in TARGETS:
        title = f"`target` is {name!r}, but it takes {', '.join(TARGETS)}"
        raise PplError([Diagnostic("E608", title)], exit_code=Exit.USAGE)
    return TARGETS[name]
