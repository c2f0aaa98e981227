"""From the files of a design to a bitstream, and what the tools say of it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ppl.errors import Diagnostic, PplError
from ppl.hardware.emitted import Emitted
from ppl.hardware.ice40.board import (
    BITSTREAM,
    BUILD,
    CELLS,
    PLACED,
    TOLD,
    Board,
    packing,
    placement,
    synthesis,
    timing,
)
from ppl.hardware.ice40.devices import BY_AREA, DEVICES, FULL, Device
from ppl.hardware.ice40.energy import ASSUMED, power
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.tools.finding import find, need
from ppl.hardware.tools.running import Oversight, run

Told = TypeVar("Told")
_NEEDED = ("yosys", "nextpnr-ice40", "icepack")
# What nextpnr says of a design that is nearly as large as its device.
_NO_ROOM = "design is probably at utilisation limit"
_HELP = (
    "take smaller words, by a larger --kl, or fewer units, neighbours or values of β",
    'or `"discipline": "sequential"` in the schedule of the netlist: all units take turns at one generator',
)


@dataclass(frozen=True)
class Area:
    """luts and flipflops share cells; cells: as many as are taken."""

    luts: int
    flipflops: int
    cells: int
    memories: int


def build(folder: Path, made: Emitted, netlist: Netlist, board: Board, oversight: Oversight) -> Emitted:
    """Bitstream and what is reported. folder: where the files are that were made.

    Raises:
        PplError: a tool is missing (E706), fails or takes too long (E707), or the design does not fit (E715).
    """
    for old in (CELLS, PLACED, BITSTREAM, TOLD):
        (folder / old).unlink(missing_ok=True)
    largest, pins = board.largest, board.pins is not None
    _refuse_hopeless(made, largest)
    places = need(_NEEDED, hints=(f"the sources are in {folder}; in there `sh {BUILD}` makes the bitstream",))

    def tool(command: tuple[str, ...], words: str, leaves: str) -> None:
        oversight.say(words)
        run((places[command[0]], *command[1:]), folder, oversight)
        if not (folder / leaves).exists():
            raise _left_out(command[0], f"leaves no {leaves}")

    tool(synthesis(), "yosys makes logic cells", CELLS)
    tool((*placement(largest, pins), "--pack-only"), "nextpnr packs them", TOLD)
    area = _area(folder)
    chosen = board.device or next((d for d in BY_AREA if max(_shares(area, d)) <= FULL), largest)
    takes = f"{area.cells:,} cells and {area.memories} block RAMs"
    if max(_shares(area, chosen)) > 1:
        raise _too_large(takes, chosen)
    try:
        tool(placement(chosen, pins), f"nextpnr places and routes {area.cells:,} cells", PLACED)
    except PplError as error:
        if _NO_ROOM in str(error):
            raise _too_large(f"{takes}, for which nextpnr finds no place", chosen) from None
        raise
    tool(packing(), "icepack packs the bitstream", BITSTREAM)
    clock = _said(folder, TOLD, "nextpnr-ice40", "the clock that the design bears", _clock)
    return _reported(made, netlist, chosen, _area(folder), clock, _second_opinion(folder, chosen, oversight))


def _refuse_hopeless(made: Emitted, device: Device) -> None:
    """What cannot fit by its generators alone, before minutes go into it."""
    flipflops = 2 * made.data["word_bits"] * made.data["slots"]
    if flipflops > device.cells:
        raise _too_large(f"more than {flipflops:,} cells for its {made.data['slots']:,} generators alone", device)


def _too_large(takes: str, device: Device) -> PplError:
    has = f"{device.cells:,} cells and {device.memories} block RAMs"
    title = f"the design takes {takes}, and an iCE40-{device.name.upper()} has {has}"
    larger = [one.name for one in DEVICES.values() if one.cells > device.cells]
    hints = (*_HELP, *(("or a larger device: --device " + " or ".join(larger),) if larger else ()))
    return PplError([Diagnostic("E715", title, hints=hints)])


def _area(folder: Path) -> Area:
    kinds = _said(folder, CELLS, "yosys", "the cells of the design", _kinds)
    cells, memories = _said(folder, TOLD, "nextpnr-ice40", "how many cells and block RAMs it takes", _used)
    return Area(kinds["SB_LUT4"], kinds["SB_DFF"], cells, memories)


def _kinds(told: Any) -> Counter[str]:
    cells = told["modules"]["ppl_ice40"]["cells"].values()
    return Counter(re.sub(r"^SB_DFF.*", "SB_DFF", str(cell["type"])) for cell in cells)


def _used(told: Any) -> tuple[int, int]:
    used = told["utilization"]
    return int(used["ICESTORM_LC"]["used"]), int(used["ICESTORM_RAM"]["used"])


def _clock(told: Any) -> float:
    """In Hz."""
    clock = 1e6 * min(float(one["achieved"]) for one in told["fmax"].values())
    if not 0 < clock < float("inf"):
        raise ValueError
    return clock


def _said(folder: Path, name: str, tool: str, what: str, look: Callable[[Any], Told]) -> Told:
    """What a tool says in a file of JSON.

    Raises:
        PplError: it does not (E707).
    """
    try:
        return look(json.loads((folder / name).read_bytes()))
    except (AttributeError, KeyError, OSError, OverflowError, TypeError, ValueError):
        raise _left_out(tool, f"does not say in {name} {what}") from None


def _left_out(tool: str, words: str) -> PplError:
    hint = "this version of it may not be supported: Yosys 0.23, nextpnr 0.4 and their icepack are"
    return PplError([Diagnostic("E707", f"{tool} ended well, but {words}", hints=(hint,))])


def _shares(area: Area, device: Device) -> tuple[float, float]:
    return area.cells / device.cells, area.memories / device.memories


def _second_opinion(folder: Path, device: Device, oversight: Oversight) -> float | str:
    """The clock in Hz that icetime finds, or why there is none: it may be missing, or without data of the device."""
    place = find("icetime")
    if place is None:
        return "icetime is not there"
    try:
        said = run((place, *timing(device)[1:]), folder, oversight)
    except PplError as error:
        return error.diagnostics[0].title
    found = re.search(r"\(([\d.]+) MHz\)", said)
    return "icetime tells no clock" if found is None else 1e6 * float(found[1])


def _reported(
    made: Emitted, netlist: Netlist, device: Device, area: Area, clock: float, second: float | str
) -> Emitted:
    """clock, second: in Hz, as two tools have it, or why there is none; the lower is what is reckoned with."""
    safe = clock if isinstance(second, str) else min(clock, second)
    updated = int((netlist.clamped < 0).sum())
    clocks = int(made.data["clocks_per_sweep"])
    rate = updated * safe / clocks
    takes = power(device, area.cells, area.memories, safe)
    cells, memories = (f"{100 * share:.0f} %" for share in _shares(area, device))
    opinion = second if isinstance(second, str) else f"icetime {second / 1e6:.1f} MHz"
    rows = (
        ("device", f"iCE40-{device.name.upper()}, {device.package}"),
        (
            "logic cells",
            f"{area.cells:,} of {device.cells:,} ({cells}): {area.luts:,} LUTs, {area.flipflops:,} flip-flops",
        ),
        ("block RAMs", f"{area.memories} of {device.memories} ({memories})"),
        ("clock", f"{safe / 1e6:.1f} MHz (nextpnr {clock / 1e6:.1f} MHz, {opinion})"),
        ("updates a second", f"{rate:.3g}: {updated} units in {clocks} clocks"),
        ("power, estimated", f"{1e3 * takes.total:.3g} mW, of which {1e3 * takes.static:.2g} static"),
        ("energy of an update", f"{1e12 * takes.total / rate:.3g} pJ"),
        *zip(("assumed", *[""] * (len(ASSUMED) - 1)), ASSUMED, strict=True),
        ("bitstream", BITSTREAM),
    )
    data: dict[str, Any] = {
        "device": device.name,
        "package": device.package,
        "cells": area.cells,
        "cells_of_device": device.cells,
        "luts": area.luts,
        "flipflops": area.flipflops,
        "memories": area.memories,
        "memories_of_device": device.memories,
        "clock": safe,
        "clock_nextpnr": clock,
        "clock_icetime": None if isinstance(second, str) else second,
        "updates_per_second": rate,
        "power": takes.total,
        "power_static": takes.static,
        "energy_per_update": takes.total / rate,
        "assumed": ASSUMED,
        "bitstream": BITSTREAM,
    }
    return Emitted({}, rows, data)
