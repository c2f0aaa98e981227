"""Where the process of the command begins: an interrupt while modules load is an interrupt, not a traceback."""

from __future__ import annotations

import sys


def main() -> None:
    try:
        from ppl.cli.main import main as command

        command()
    except KeyboardInterrupt:
        print("interrupted: nothing was kept", file=sys.stderr)
        sys.exit(130)
