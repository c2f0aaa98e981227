"""Decks run by ngspice, and what they read."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import numpy as np

from ppl.errors import Diagnostic, PplError
from ppl.hardware.analogue.cells import Cells
from ppl.hardware.analogue.components import Floats
from ppl.hardware.analogue.spice.deck import DECK, READINGS, Transient
from ppl.hardware.emitted import Emitted
from ppl.hardware.tools.finding import need
from ppl.hardware.tools.running import Oversight, run

_TIME = re.compile(r"Reference value :\s*([-+.\deE]+)")
# Of cells that are made for a volt at most: beyond, what ngspice makes of an explosion is finite and means nothing.
_MOST_VOLTS = 100.0
_HINTS = ("a finer step of the noise, or a model whose force is less steep where modes go, may run",)


def run_deck(deck: Emitted, cells: Cells, settings: Transient, oversight: Oversight) -> tuple[Floats, Floats]:
    """Times, (readings,), in s from the first reading's burn-in on, and x, (readings, n).

    Raises:
        PplError: ngspice is missing (E706), fails or takes too long (E707), or the circuit diverged (E733).
    """
    ngspice = need(["ngspice"])["ngspice"]

    def heard(words: str) -> None:
        if found := _TIME.findall(words):
            oversight.say(f"ngspice: {min(float(found[-1]) / settings.seconds, 1.0):.0%}")

    with tempfile.TemporaryDirectory() as folder:
        for name, image in deck.files.items():
            (Path(folder) / name).write_bytes(image)
        words = run((ngspice, "-b", "-n", DECK), Path(folder), oversight, heard)
        readings = Path(folder) / READINGS
        table = parsed(readings.read_bytes()) if readings.exists() else np.zeros((0, cells.size + 1))
    kept = table[-settings.readings :]
    fine = (np.abs(table[:, 1:]) < _MOST_VOLTS).all(axis=1)
    if len(kept) < settings.readings or not fine.all():
        raise _diverged(words, table[fine], settings)
    return kept[:, 0] - kept[0, 0], cells.shown(kept[:, 1:])


def parsed(image: bytes) -> Floats:
    """(rows, columns) of a raw file, binary, of real numbers (ngspice manual 43, appendix A). The first is time."""
    head, _, body = image.partition(b"Binary:\n")
    columns = re.search(rb"^No\. Variables: (\d+)", head, re.MULTILINE)
    if columns is None:
        return np.zeros((0, 1))
    width = int(columns[1])
    values = np.frombuffer(body[: len(body) // (8 * width) * 8 * width], "<f8")
    return np.asarray(values.reshape(-1, width), np.float64)


def _diverged(words: str, table: Floats, settings: Transient) -> PplError:
    said = [line.strip() for line in words.replace("\r", "\n").splitlines() if "rror" in line or "too small" in line]
    last = table[-1, 0] if len(table) else 0.0
    title = f"the circuit diverged after {last / settings.seconds:.0%} of its time"
    return PplError([Diagnostic("E733", title, hints=(*said[:3], *_HINTS))])
