"""The command as a shell runs it, in the same process."""

from __future__ import annotations

import pytest

from ppl.cli import main as command


class Shell:
    """Runs `ppl` and remembers what it said. quiet: subcommands that get `--quiet`."""

    def __init__(self, capsys: pytest.CaptureFixture[str], quiet: tuple[str, ...] = ()) -> None:
        self._capsys = capsys
        self._quiet = quiet
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        quiet = ["--quiet"] if arguments[:1] and arguments[0] in self._quiet else []
        code = command.run([*arguments, *quiet])
        self.out, self.err = self._capsys.readouterr()
        assert "Traceback" not in self.out + self.err
        return code
