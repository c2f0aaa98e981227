"""From the files of a design to a bitstream, and what the tools say of it."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppl.errors import Diagnostic, PplError
from ppl.hardware.emitted import Emitted
from ppl.hardware.ice40.design import (
    BITSTREAM,
    BUILD,
    CELLS,
    PLACED,
    TOLD,
    packing,
    placement,
    synthesis,
    timing,
)
from ppl.hardware.ice40.devices import BY_AREA, DEVICES, FULL, Board, Device
from ppl.hardware.ice40.energy import ASSUMED, power
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.tools.finding import find, need
from ppl.hardware.tools.running import Oversight, run

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
    largest, pins = board.device or BY_AREA[-1], board.pins is not None
    _refuse_hopeless(made, largest)
    places = need(_NEEDED, hints=(f"the sources are in {folder}; in there `sh {BUILD}` makes the bitstream",))

    def tool(command: tuple[str, ...], words: str) -> str:
        oversight.say(words)
        return run((places[command[0]], *command[1:]), folder, oversight)

    tool(synthesis(), "yosys makes logic cells")
    tool((*placement(largest, pins), "--pack-only"), "nextpnr packs them")
    area = _area(folder)
    chosen = board.device or next((d for d in BY_AREA if max(_shares(area, d)) <= FULL), largest)
    takes = f"{area.cells:,} cells and {area.memories} block RAMs"
    if max(_shares(area, chosen)) > 1:
        raise _too_large(takes, chosen)
    try:
        tool(placement(chosen, pins), f"nextpnr places and routes {area.cells:,} cells")
    except PplError as error:
        if _NO_ROOM in str(error):
            raise _too_large(f"{takes}, for which nextpnr finds no place", chosen) from None
        raise
    tool(packing(), "icepack packs the bitstream")
    told = json.loads((folder / TOLD).read_text())
    area = _area(folder)
    clock = 1e6 * min(float(one["achieved"]) for one in told["fmax"].values())
    return _reported(made, netlist, chosen, area, clock, _second_opinion(folder, chosen, oversight))


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
    used = {name: int(one["used"]) for name, one in json.loads((folder / TOLD).read_text())["utilization"].items()}
    cells = json.loads((folder / CELLS).read_text())["modules"]["ppl_ice40"]["cells"].values()
    kinds = Counter(re.sub(r"^SB_DFF.*", "SB_DFF", str(cell["type"])) for cell in cells)
    return Area(kinds["SB_LUT4"], kinds["SB_DFF"], used["ICESTORM_LC"], used["ICESTORM_RAM"])


def _shares(area: Area, device: Device) -> tuple[float, float]:
    return area.cells / device.cells, area.memories / device.memories


def _second_opinion(folder: Path, device: Device, oversight: Oversight) -> float | None:
    """The clock in Hz that icetime finds; None where it is missing, or without the data of the device."""
    place = find("icetime")
    if place is None:
        return None
    try:
        said = run((place, *timing(device)[1:]), folder, oversight)
    except PplError:
        return None
    found = re.search(r"\(([\d.]+) MHz\)", said)
    return None if found is None else 1e6 * float(found[1])


def _reported(
    made: Emitted, netlist: Netlist, device: Device, area: Area, clock: float, second: float | None
) -> Emitted:
    """clock, second: in Hz, as two tools have it; the lower is what is reckoned with."""
    safe = clock if second is None else min(clock, second)
    updated = int((netlist.clamped < 0).sum())
    clocks = int(made.data["clocks_per_sweep"])
    rate = updated * safe / clocks
    takes = power(device, area.cells, area.memories, safe)
    cells, memories = (f"{100 * share:.0f} %" for share in _shares(area, device))
    opinion = "icetime is not there, or has no data" if second is None else f"icetime {second / 1e6:.1f} MHz"
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
        "clock_icetime": second,
        "updates_per_second": rate,
        "power": takes.total,
        "power_static": takes.static,
        "energy_per_update": takes.total / rate,
        "assumed": ASSUMED,
        "bitstream": BITSTREAM,
    }
    return Emitted({}, rows, data)
