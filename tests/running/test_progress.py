"""What is told of a run while it goes on: how fast it is, and how long it will take."""

from __future__ import annotations

import pytest

from ppl.running import progress
from ppl.running.progress import Bar, Lines


def test_lines_tell_the_pace_of_late(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    lines = Lines()
    for now[0], done, warmup, divergent, acceptance in (
        (60.0, 20, True, 0, 0.5),  # the compiler took its time
        (62.0, 220, True, 0, 0.75),
        (63.0, 1000, True, 0, None),  # the pace of warmup says little of
        (63.2, 1010, False, 0, None),
        (65.2, 1210, False, 3, 0.82),  # that of sampling
        (165.0, 1510, False, 3, 0.82),  # and what was more than half a minute ago
        (200.0, 1517, False, 3, 0.82),  # says nothing of now
        (201.0, 2000, False, 3, 0.82),
    ):
        lines.iterations(done, 2000, warmup, divergent, acceptance)
    lines.close()
    assert capsys.readouterr().err.splitlines() == [
        "warmup 20/2000 a chain, acceptance 0.50",
        "warmup 220/2000 a chain, 100/s, 18 s left, acceptance 0.75",
        "warmup 1000/2000 a chain, 327/s, 3 s left",
        "sampling 1010/2000 a chain",
        "sampling 1210/2000 a chain, 100/s, 8 s left, 3 divergent, acceptance 0.82",
        "sampling 1510/2000 a chain, 3.01/s, 3 min left, 3 divergent, acceptance 0.82",
        "sampling 1517/2000 a chain, 0.2/s, 40 min left, 3 divergent, acceptance 0.82",
        "sampling 2000/2000 a chain, 13.6/s, 3 divergent, acceptance 0.82",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (59.4, "59 s"), (61, "1 min"), (3601, "1 h 0 min"), (7500, "2 h 5 min"), (180000, "2 days")],
)
def test_durations(seconds: float, words: str) -> None:
    assert progress._duration(seconds) == words


def test_a_bar_fits_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    bar = Bar()
    bar.iterations(600, 2000, False, 3, 0.82)
    bar._rich.refresh()
    bar.close()
    assert "sampling 600/2000 a chain, 3 divergent, acceptance 0.82" in capsys.readouterr().err
