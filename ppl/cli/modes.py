"""What `ppl compile` writes and says of modes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ppl.cli.edge import print_json
from ppl.errors import Diagnostic, Exit, PplError

if TYPE_CHECKING:
    from ppl.circuits.targets import Target
    from ppl.hardware.analogue.modes import Modes


def write_modes(
    modes: Modes, target: Target, path: Path | None, force: bool, inputs: Sequence[Path], as_json: bool
) -> int:
    """path: None where nothing is written.

    Raises:
        PplError: the target is for p-bits (E734); the netlist is that of no probability (E731), or cannot be written.
    """
    from ppl.circuits.analogue_report import modes_text, reported
    from ppl.circuits.files import write_emitted
    from ppl.hardware.emitted import Emitted

    if target.emit_modes is None:
        hint = "targets that take them: netlist and spice"
        raise PplError([Diagnostic("E734", f"{modes.name} is of modes, and this target is for p-bits", hints=(hint,))])
    found = reported(modes)
    emitted = Emitted({})
    if path is not None:
        emitted = target.emit_modes(modes)
        write_emitted(emitted, path, target.folder, force, inputs)
    if as_json:
        print_json({"output": None if path is None else str(path), **found.data(), **emitted.data})
    else:
        click.echo(modes_text(modes, found, emitted.rows))
        click.echo("" if path is None else f"\nWritten: {path}")
    return int(Exit.OK)
