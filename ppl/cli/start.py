"""Where the process of the command begins: an interrupt while modules load is an interrupt, not a traceback."""

from __future__ import annotations

import gc
import sys

# Allocations between two looks for garbage: a command makes trees and tables that stay until it ends, and a tenth of
# the time of checking a long model went into looking through them.
_COLLECT_AFTER = 100_000


def main() -> None:
    """The command's entry point; ends the process with its exit code."""
    gc.set_threshold(_COLLECT_AFTER)
    try:
        from ppl.cli.main import main as command

        command()
    except KeyboardInterrupt:
        print("interrupted: nothing was kept", file=sys.stderr)
        sys.exit(130)
