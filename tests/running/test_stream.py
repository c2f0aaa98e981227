"""Draws as rows: what chunks bring comes back whole, in memory or in a file, and a file that cannot be written costs
none."""

from __future__ import annotations

import errno
import itertools
import json
import os
from pathlib import Path

import numpy as np
import pytest

from ppl.errors import PplError
from ppl.inference.contract import Chunk, Divergences
from ppl.running.finite import NotFinite, check_finite
from ppl.running.stream import Stream, Table


def chunk(draws: int, first: int = 0, broken: tuple[int, ...] = (), warmup: bool = False) -> Chunk:
    """Of two chains and three dimensions, with numbers that tell chain, draw and dimension."""
    chain, draw, axis = np.ogrid[:2, first : first + draws, :3]
    at = np.array(broken, np.int64)
    record = Divergences(at % 2, at, np.zeros((len(broken), 3)), 10.0 * (at + first))
    numbers = 1000.0 * chain + draw + 0.1 * axis
    even = np.broadcast_to(draw[:, :, 0] % 2 == 0, (2, draws))
    return Chunk(warmup, numbers.astype(np.float32), {"lp": numbers[:, :, 0], "even": even}, record, None)


def test_divergences_count_draws_across_chunks() -> None:
    stream = Stream(save_warmup=False)
    for one in (chunk(10, broken=(3,)), chunk(7, 10), chunk(5, 17, broken=(2, 4, 1))):  # within a chunk chain by chain
        stream.append(one)
    found = stream.divergences()
    assert found["draw"].tolist() == [3, 18, 19, 21]
    assert found["chain"].tolist() == [1, 1, 0, 0]
    assert found["energy_error"].tolist() == [30, 180, 190, 210]
    assert found["position"].shape == (4, 3)
    assert (stream.draws, stream.divergent) == (22, 4)


@pytest.mark.parametrize("filed", [(), (1,), (0, 2), (0, 1, 2, 3)])
def test_draws_come_back_as_they_came(tmp_path: Path, filed: tuple[int, ...]) -> None:
    stream, cuts = Stream(save_warmup=True), (0, 5, 6, 1200, 1207)
    stream.append(chunk(9, warmup=True))
    for i, (low, high) in enumerate(itertools.pairwise(cuts)):
        stream.append(chunk(high - low, low))
        if i in filed:
            for name, table in stream.tables.items():
                table.file(tmp_path / name)
    whole = chunk(1207)
    found, stats = stream.of_draws()
    np.testing.assert_array_equal(found["positions"], whole.positions)
    assert found["positions"].dtype == np.float32
    assert stats.keys() == {"lp", "even"}
    np.testing.assert_array_equal(stats["lp"], whole.stats["lp"])
    assert stats["even"].dtype == np.bool_
    assert stream.of_draws(warmup=True)[0]["positions"].shape == (2, 9, 3)

    states = {name: table.state() for name, table in stream.tables.items()}
    again = Stream(True, {name: Table.restore(tmp_path / name, state) for name, state in states.items()})
    rows = cuts[filed[-1] + 1] if filed else 0
    assert again.draws == rows
    again.append(chunk(1207 - rows, rows))
    np.testing.assert_array_equal(again.of_draws()[0]["positions"], whole.positions)


def test_rows_that_do_not_count_are_written_over(tmp_path: Path) -> None:
    table, path = Table(), tmp_path / "rows"
    table.append({"x": np.arange(4.0)})
    table.file(path)
    state = table.state()
    table.append({"x": np.full(9, 7.0)})
    table.file(path)  # and then the process dies before it could say so
    again = Table.restore(path, state)
    again.append({"x": np.array([4.0, 5.0])})
    again.file(path)
    assert again.columns()["x"].tolist() == [0, 1, 2, 3, 4, 5]
    assert path.stat().st_size == 6 * 8


def test_a_file_that_was_cut_or_changed_is_refused(tmp_path: Path) -> None:
    table, path = Table(), tmp_path / "rows"
    table.append({"x": np.arange(4.0)})
    table.file(path)
    whole = path.read_bytes()
    for image, words in ((whole[:-1], "fewer rows"), (b"\1" + whole[1:], "changed")):
        path.write_bytes(image)
        with pytest.raises((OSError, ValueError), match=words):
            Table.restore(path, table.state())


def test_a_file_that_goes_while_the_run_goes_on(tmp_path: Path) -> None:
    table, path = Table(), tmp_path / "rows"
    table.append({"x": np.arange(4.0)})
    table.file(path)
    path.unlink()
    with pytest.raises(PplError, match=r"E611.*rows cannot be read any more: No such file"):
        table.columns()


def test_a_full_disk_costs_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, path = Table(), tmp_path / "rows"
    table.append({"x": np.arange(4.0)})
    table.file(path)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        table.append({"x": np.array([4.0])})
        for _ in range(2):
            with pytest.raises(OSError, match="No space"):
                table.file(path)
    assert path.stat().st_size == 4 * 8
    assert table.columns()["x"].tolist() == [0, 1, 2, 3, 4]
    table.file(path)
    assert Table.restore(path, table.state()).columns()["x"].tolist() == [0, 1, 2, 3, 4]


def test_rows_of_another_layout_are_refused() -> None:
    table = Table()
    table.append({"x": np.arange(4.0)})
    with pytest.raises(ValueError, match="rows of"):
        table.append({"x": np.arange(4)})


def test_nothing_that_is_not_finite_is_kept() -> None:
    whole = chunk(10, broken=(2, 6))
    check_finite(whole, 0, 0, 10)
    whole.positions[1, 6, 2] = np.nan
    whole.positions[0, 8, 0] = np.inf
    with pytest.raises(NotFinite, match=r"^chain 1, draw 106$") as caught:
        check_finite(whole, 100, 300, 1200)
    before = caught.value.before
    np.testing.assert_array_equal(before.positions, chunk(6).positions)
    assert before.stats["lp"].shape == (2, 6)
    assert before.divergences is not None
    assert before.divergences.draw.tolist() == [2]


def test_states_of_discrete_latents_without_positions(tmp_path: Path) -> None:
    stream, states = Stream(save_warmup=False), np.arange(24, dtype=np.int32).reshape(2, 4, 3)
    stream.append(Chunk(False, np.zeros((2, 4, 0)), {"lp": np.zeros((2, 4))}, None, states))
    stream.tables["draws"].file(tmp_path / "draws")
    state = json.loads(json.dumps(stream.tables["draws"].state()))
    again = Stream(False, {**stream.tables, "draws": Table.restore(tmp_path / "draws", state)})
    found = again.of_draws()[0]
    assert found["positions"].shape == (2, 4, 0)
    np.testing.assert_array_equal(found["discrete"], states, strict=True)
