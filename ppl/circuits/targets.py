"""What a netlist is written as: the targets, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ppl.data.files import missing_file
from ppl.errors import Diagnostic, Exit, PplError
from ppl.hardware.analogue.modes import Modes
from ppl.hardware.emitted import Emitted
from ppl.hardware.formats.quadratic import no_words
from ppl.hardware.ice40.board import Board
from ppl.hardware.ice40.devices import find_device
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.tools.running import Oversight

# Of the folder with what was written, that, the netlist, where it is to go, and who watches over tools.
Build = Callable[[Path, Emitted, Netlist, Board, Oversight], Emitted]


@dataclass(frozen=True)
class Target:
    """ending: of the file, put after the netlist's name; `folder`: it is of several files, in a folder of that name.
    in_words: its weights are words, so that a netlist without gets them. build: runs tools on what was written; what
    they say is reported besides."""

    about: str
    ending: str
    emit: Callable[[Netlist], Emitted]
    folder: bool = False
    in_words: bool = False
    build: Build | None = None
    emit_modes: Callable[[Modes], Emitted] | None = None

    def default_output(self, name: str) -> Path:
        return Path(f"{name}{self.ending}")


def _netlist(netlist: Netlist) -> Emitted:
    from ppl.hardware.netlist.writing import to_text

    return Emitted({"netlist.json": to_text(netlist).encode("utf-8")})


def _netlist_of_modes(modes: Modes) -> Emitted:
    from ppl.hardware.analogue.writing import to_text

    return Emitted({"netlist.json": to_text(modes).encode("utf-8")})


def _writer(module: str) -> Callable[[Netlist], Emitted]:
    """The `write` of a module of formats, which is imported once it is wanted."""

    def emit(netlist: Netlist) -> Emitted:
        made: Emitted = import_module(f"ppl.hardware.formats.{module}").write(netlist)
        return made

    return emit


def _verilog(netlist: Netlist) -> Emitted:
    from ppl.hardware.rtl.emit import emit

    return emit(netlist)


def _ice40(netlist: Netlist) -> Emitted:
    from ppl.hardware.ice40.design import emit

    return emit(netlist)


def _bitstream(folder: Path, made: Emitted, netlist: Netlist, board: Board, oversight: Oversight) -> Emitted:
    from ppl.hardware.ice40.building import build

    return build(folder, made, netlist, board, oversight)


def _deck(modes: Modes) -> Emitted:
    from ppl.hardware.analogue.cells import cells, usual
    from ppl.hardware.analogue.spice.deck import emit_deck, transient

    array = cells(modes, usual(modes))
    return emit_deck(array, transient(array, _READINGS), modes.name)


def _no_deck(netlist: Netlist) -> Emitted:
    raise no_words(
        "spice", "p-bits and pdits", "take the target `verilog`, or compile a model of continuous quantities"
    )


# Of a deck that is run as it was written.
_READINGS = 1000

TARGETS: dict[str, Target] = {
    "netlist": Target(
        "JSON, for ppl simulate and all other targets", ".netlist.json", _netlist, emit_modes=_netlist_of_modes
    ),
    "verilog": Target("a folder of SystemVerilog with a testbench", ".verilog", _verilog, folder=True, in_words=True),
    "ice40": Target("a bitstream of an iCE40 FPGA, beside its sources", ".ice40", _ice40, True, True, _bitstream),
    "spice": Target("a deck of analogue cells, of modes, which ngspice runs", ".cir", _no_deck, emit_modes=_deck),
    "bqm": Target("JSON of dimod's BinaryQuadraticModel, for D-Wave's Ocean and OpenJij", ".bqm.json", _writer("bqm")),
    "qubo": Target("bits and a matrix Q, as qbsolv reads", ".qubo", _writer("qubo")),
    "ising": Target("coordinates, as dimod reads", ".coo", _writer("coordinates")),
    "gset": Target("max-cut, where there are no biases", ".gset", _writer("gset")),
    "thrml": Target("a program in Python that samples with thrml", ".thrml.py", _writer("thrml")),
}


def find_target(name: str) -> Target:
    """Raises PplError: there is no such target (E608)."""
    if name not in TARGETS:
        raise _invalid(f"`target` is {name!r}, but it takes {', '.join(TARGETS)}")
    return TARGETS[name]


def find_board(target: Target, device: str | None, pins: str | None) -> Board:
    """device: its name; pins: a file of them.

    Raises:
        PplError: there is no such device, the target is for none, or pins are of none (E608); their file is not there,
            or cannot be read (E601, E602).
    """
    if target.build is None and (device is not None or pins is not None):
        name = "device" if device is not None else "pins"
        raise _invalid(f"`{name}` goes with a target that is for a device, such as ice40")
    if device is None and pins is not None:
        raise _invalid("`pins` are those of a device, and `device` names none")
    image = None
    if pins is not None:
        try:
            image = Path(pins).read_bytes()
        except FileNotFoundError:
            raise missing_file(Path(pins), "file of pins") from None
        except OSError as error:
            raise PplError([Diagnostic("E602", f"cannot read {pins}: {error.strerror or error}")]) from None
    return Board(None if device is None else find_device(device), image)


def _invalid(title: str) -> PplError:
    return PplError([Diagnostic("E608", title)], exit_code=Exit.USAGE)
