"""What readers of files share: reading text, and the error of a file that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

from ppl.errors import Diagnostic, Exit, PplError

SUFFIXES = (".json", ".csv", ".tsv", ".npz")


def broken(path: Path, problem: str, *hints: str) -> PplError:
    """A data file that does not say what it should."""
    return PplError([Diagnostic("E313", f"{path}: {problem}", hints=tuple(h for h in hints if h))])


def missing_file(path: Path, what: str = "data file") -> PplError:
    """A file that is not there, with a similar one in the same folder if there is one."""
    import difflib

    hints: list[str] = []
    folder = path.parent
    # Of os.path, whose answers are no errors, even where a name is longer than any file's can be.
    if os.path.isdir(folder):
        names = [p.name for p in folder.iterdir() if p.is_file()] if os.access(folder, os.R_OK | os.X_OK) else []
        close = difflib.get_close_matches(path.name, names, n=1)
        hints += [f"did you mean `{folder / name}`?" for name in close]
    else:
        hints.append(f"there is no folder `{folder}`")
    return PplError([Diagnostic("E601", f"no such {what}: {path}", hints=tuple(hints))], exit_code=Exit.NO_FILE)


def read_text(path: Path, what: str = "data file") -> str:
    """The text of a UTF-8 file, byte order mark dropped. what: it should be, for the message.

    Raises:
        PplError: it is not there (E601), cannot be read (E602), or is no text (E603).
    """
    if not os.path.exists(path):
        raise missing_file(path, what)
    if os.path.isdir(path):
        raise PplError([Diagnostic("E602", f"{path} is a folder, not a {what}")], exit_code=Exit.NO_FILE)
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PplError(
            [
                Diagnostic(
                    "E603",
                    f"{path} is not UTF-8 text (byte {error.start})",
                    hints=("save it as UTF-8",),
                )
            ]
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise PplError([Diagnostic("E602", f"cannot read {path}: {reason}")], exit_code=Exit.NO_FILE) from None


def read_model(path: Path) -> str:
    """The text of a model file.

    Raises:
        PplError: as of `read_text`; the name is that of a file of data or draws (E613).
    """
    suffix = path.suffix.lower()
    if suffix in (*SUFFIXES, ".nc") and os.path.isfile(path):
        if suffix == ".nc":
            holds, hint = "draws", f"`ppl summary {path}` and `ppl predict {path}` read it"
        else:
            holds, hint = "data", f"give it beside the model: ppl sample model.ppl --data {path}"
        raise PplError([Diagnostic("E613", f"{path} holds {holds}, not a model", hints=(hint,))], exit_code=Exit.USAGE)
    return read_text(path, "model file")


def write_text(path: Path, text: str) -> None:
    """Replaces a file whole: under a temporary name in the same folder, then renamed. Keeps its permissions.

    Raises:
        OSError: it cannot be written; it is then as it was.
    """
    import shutil
    import tempfile

    target = path.resolve()
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with open(handle, "w", encoding="utf-8", newline="") as opened:
            opened.write(text)
        shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:  # an interrupt too leaves no temporary file; the error goes on
        os.unlink(temporary)
        raise
