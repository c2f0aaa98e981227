"""Where the process of the command begins: an interrupt while modules load is an interrupt, not a traceback."""

from __future__ import annotations

import sys


def main() -> None:
    """The command's entry point; ends the process with its exit code."""
    try:
        from ppl.cli.main import main as command

        command()
    except KeyboardInterrupt:
        print("interrupted: nothing was kept", file=sys.stderr)
        sys.exit(130)
