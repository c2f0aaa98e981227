"""Checkpoints on their own: what they refuse, what they leave alone, and what a disk that fails costs."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest

from ppl.errors import PplError
from ppl.inference.contract import Chunk
from ppl.running.checkpoint import FIRST_SECONDS, FORMAT, Checkpoint, CheckpointWarning
from ppl.running.stream import Stream

RUN = {"`seed`": "1", "`warmup`": "1000", "the data": "a digest"}


class State(NamedTuple):
    position: Any
    iteration: Any


def carry(done: int = 0) -> dict[str, Any]:
    return {
        "states": State(np.full((2, 3), 0.5 * done, np.float32), np.full(2, done, np.int32)),
        "done": np.int64(done),
    }


def stream(draws: int) -> Stream:
    made = Stream(save_warmup=False)
    made.append(Chunk(False, np.arange(6.0 * draws).reshape(2, draws, 3), {"lp": np.ones((2, draws))}))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint that a run left behind."""
    kept = tmp_path / "fit.nc.checkpoint"
    with Checkpoint(kept) as checkpoint:
        assert checkpoint.open(RUN) is None
        checkpoint.save(carry(7), stream(20), {"warmup": 1.5})
    return kept


def going_on(folder: Path, run: dict[str, str] | None = None) -> tuple[Any, Stream, Any]:
    with Checkpoint(folder, resume=True) as checkpoint:
        saved = checkpoint.open(RUN if run is None else run)
        assert saved is not None
        return checkpoint.carry(saved, carry()), Stream(False, saved.tables), saved.seconds


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_everything_comes_back(folder: Path) -> None:
    restored, draws, seconds = going_on(folder)
    assert jax.tree.structure(restored) == jax.tree.structure(carry())
    for own, before in zip(jax.tree.leaves(restored), jax.tree.leaves(carry(7)), strict=True):
        np.testing.assert_array_equal(own, before, strict=isinstance(before, np.ndarray))
    np.testing.assert_array_equal(draws.of_draws()[0]["positions"], stream(20).of_draws()[0]["positions"])
    assert seconds == {"warmup": 1.5}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"`seed`": "2"}, "`seed` was 1, and is 2"),
        ({"the data": "another digest"}, "the data: not the same"),
        ({"`steps`": "20"}, "`steps` was None, and is 20"),
    ],
)
def test_another_run_is_named(folder: Path, change: dict[str, str], words: str) -> None:
    before = contents(folder)
    with pytest.raises(PplError, match="E610") as caught:
        going_on(folder, {**RUN, **change})
    assert words in str(caught.value)
    assert contents(folder) == before


def test_it_is_not_taken_for_a_new_run(folder: Path) -> None:
    before = contents(folder)
    with Checkpoint(folder) as checkpoint, pytest.raises(PplError, match="E609"):
        checkpoint.open(RUN)
    assert contents(folder) == before
    with Checkpoint(folder, replace=True) as checkpoint:
        assert checkpoint.open({"`seed`": "2"}) is None
        assert contents(folder) == before  # until the new run has something to put in its place
        checkpoint.save(carry(1), stream(3), {})
    assert going_on(folder, {"`seed`": "2"})[1].draws == 3


def test_two_runs_do_not_share_one(folder: Path, tmp_path: Path) -> None:
    with Checkpoint(folder, resume=True) as first:
        first.open(RUN)
        with Checkpoint(folder, resume=True) as second, pytest.raises(PplError, match="E612"):
            second.open(RUN)
    late, fresh = Checkpoint(tmp_path / "new"), Checkpoint(tmp_path / "new")
    with late, fresh:
        assert late.open(RUN) is fresh.open(RUN) is None
        fresh.save(carry(1), stream(3), {})
        with pytest.warns(CheckpointWarning, match="another run"):
            late.keep(carry(2), stream(5), {})
        late.remove()
    assert going_on(tmp_path / "new")[1].draws == 3


class Executed(Exception):
    pass


class Trap:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Executed, ("a foreign file was executed",)


def with_about(image: bytes, **changes: Any) -> bytes:
    """The state with other words about it."""
    with np.load(io.BytesIO(image)) as stored:
        first, *leaves = (stored[name] for name in stored.files)
    about = json.loads(first.tobytes()) | changes
    made = io.BytesIO()
    np.savez(made, np.frombuffer(json.dumps(about).encode(), np.uint8), *leaves)
    return made.getvalue()


def trapped(image: bytes) -> bytes:
    made = io.BytesIO()
    np.savez(made, np.array([Trap()], object))
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "spoilt"),
    [
        ("state.npz", lambda image: b""),
        ("state.npz", lambda image: b"draws of yesterday"),
        ("state.npz", lambda image: image[: len(image) // 2]),
        ("state.npz", lambda image: image[:300] + bytes(8) + image[308:]),
        ("state.npz", trapped),
        ("state.npz", lambda image: with_about(image, format=FORMAT + 1)),
        ("state.npz", lambda image: with_about(image, tables={"draws": {"layout": [["x", "|O", []]], "rows": 1}})),
        ("state.npz", lambda image: with_about(image, identity=3)),
        ("draws.bin", lambda image: image[:-1]),
        ("draws.bin", lambda image: b"\7" + image[1:]),
    ],
)
def test_what_is_no_whole_checkpoint_is_refused_and_left_alone(folder: Path, name: str, spoilt: Any) -> None:
    (folder / name).write_bytes(spoilt((folder / name).read_bytes()))
    before = contents(folder)
    with pytest.raises(PplError, match="E611"):
        going_on(folder)
    assert contents(folder) == before


def test_a_state_of_another_shape_is_refused(folder: Path) -> None:
    with Checkpoint(folder, resume=True) as checkpoint:
        saved = checkpoint.open(RUN)
        assert saved is not None
        with pytest.raises(PplError, match="E611"):
            checkpoint.carry(saved, {"done": np.int64(0)})
    shutil.rmtree(folder)
    folder.write_text("a file of this name")
    with pytest.raises(PplError, match="E611"):
        going_on(folder)


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_disk_that_fails_costs_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Checkpoint(folder, resume=True) as checkpoint:
        saved = checkpoint.open(RUN)
        assert saved is not None
        draws = Stream(False, saved.tables)
        draws.append(Chunk(False, np.zeros((2, 4, 3)), {"lp": np.ones((2, 4))}))
        with monkeypatch.context() as patched:
            patched.setattr(os, failing, full)
            with pytest.warns(CheckpointWarning, match="No space left on device"):
                checkpoint.keep(carry(8), draws, {})
            checkpoint.keep(carry(9), draws, {})  # which is said once
        assert draws.of_draws()[0]["positions"].shape == (2, 24, 3)
    restored, before, _ = going_on(folder)
    assert (int(restored["done"]), before.draws) == (7, 20)
    with Checkpoint(folder, resume=True) as checkpoint:
        checkpoint.open(RUN)
        checkpoint.keep(carry(9), draws, {})
    restored, after, _ = going_on(folder)
    assert (int(restored["done"]), after.draws) == (9, 24)


def test_only_its_own_files_are_removed(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    with Checkpoint(folder, resume=True) as checkpoint:
        checkpoint.open(RUN)
        checkpoint.remove()
    assert contents(folder) == {"notes.txt": b"mine"}


def test_the_first_comes_after_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("ppl.running.checkpoint.time.monotonic", lambda: now[0])
    usual, often = Checkpoint(tmp_path / "a"), Checkpoint(tmp_path / "b", interval=5.0)
    due = []
    for now[0] in (100.0, 104.9, 105.0, 99.9 + FIRST_SECONDS, 100.0 + FIRST_SECONDS):
        due.append((usual.due, often.due))
    assert due == [(False, False), (False, False), (False, True), (False, True), (True, True)]
    with usual:
        usual.open(RUN)
        usual.save(carry(), stream(1), {})
    seen = []
    for now[0] in (100.0 + FIRST_SECONDS + 29.9, 100.0 + FIRST_SECONDS + 30.0):
        seen.append(usual.due)
    assert seen == [False, True]


def test_a_partial_result_is_known_again(folder: Path, tmp_path: Path) -> None:
    result = tmp_path / "fit.nc"
    result.write_bytes(b"a part")
    with Checkpoint(folder, resume=True) as checkpoint:
        checkpoint.open(RUN)
        assert not checkpoint.wrote(result)
        checkpoint.note_result(result)
    assert Checkpoint(folder).wrote(result)
    result.write_bytes(b"something else")
    assert not Checkpoint(folder).wrote(result)
    assert not Checkpoint(tmp_path / "none").wrote(result)
