"""The environment a command gives its own process, and the programs that processes share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ppl.inference import runtime

PROGRAM = """
import jax, jax.numpy as jnp
jax.monitoring.register_event_listener(lambda event, **_: print(event.rsplit("/", 1)[-1]))
print(jax.jit(lambda x: jnp.sum(jnp.sin(x) * 3.0))(jnp.ones(7)))
"""


def test_whole_loops_are_added_to_what_the_user_set() -> None:
    whole = runtime.EXTRA_OPTIONS + runtime.WHOLE_LOOPS
    for before, after in {
        "": whole,
        "--xla_a=1": f"--xla_a=1 {whole}",
        "--xla_backend_extra_options=b=2 --xla_a=1": f"--xla_backend_extra_options=b=2,{runtime.WHOLE_LOOPS} --xla_a=1",
        "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=5": (
            "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=5"
        ),
    }.items():
        assert runtime.environment({"XLA_FLAGS": before})["XLA_FLAGS"] == after


def test_what_the_user_set_stays(tmp_path: Path) -> None:
    settings = runtime.environment({"JAX_COMPILATION_CACHE_DIR": "mine"}, tmp_path)
    assert "JAX_COMPILATION_CACHE_DIR" not in settings
    assert runtime.environment({}, tmp_path)["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path)


def test_importing_it_does_not_import_jax() -> None:
    code = "import sys, ppl.inference.runtime; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_programs_are_shared_and_each_process_has_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("A")
    with runtime.borrowed_programs(tmp_path) as one, runtime.borrowed_programs(tmp_path) as two:
        assert one != two
        (one / "b").write_text("B")
        (two / "c").write_text("C")
        assert (two / "a").read_text() == "A"
        assert not (tmp_path / "b").exists()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "A", "b": "B", "c": "C"}


def test_an_abandoned_folder_is_cleared_and_old_programs_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / f"{runtime.BORROWED}x"
    left.mkdir()
    os.utime(left, (0, 0))
    (tmp_path / "old").write_bytes(bytes(100))
    os.utime(tmp_path / "old", (0, 0))
    monkeypatch.setattr(runtime, "MOST_BYTES", 150)
    with runtime.borrowed_programs(tmp_path) as own:
        (own / "new").write_bytes(bytes(100))
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_second_process_finds_the_first_ones_programs(tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        with runtime.borrowed_programs(tmp_path) as own:
            variables = dict(os.environ) | runtime.environment(os.environ, own)
            variables |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM], env=variables, check=True, capture_output=True, text=True
            )
            found.append("cache_hits" in done.stdout)
    assert found == [False, True]
