"""What chains run on: what can be asked for, what is said of it, and that several devices share the chains out."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import Any

import jax
import numpy as np
import pytest

import ppl
from ppl.compiler.density.compiled import CompiledDensity
from ppl.errors import PplError
from ppl.inference.chains import shared_out
from ppl.inference.placing import Place, here, working_on
from ppl.running.devices import find_place, remark

MODEL = "mu ~ Normal(0, 1)\ndata y\ny ~ Normal(mu, 1)"


class Accelerator:
    """A device as far as names go."""

    platform = "gpu"
    device_kind = "Card 9000"


def stand_ins(count: int) -> Place:
    """Devices in name alone."""
    devices: Any = (Accelerator(),) * count
    return Place(devices, 2)


def test_of_a_cpu_threads_are_chosen() -> None:
    assert find_place("cpu:3") == Place((jax.devices("cpu")[0],), 3)
    assert find_place("cpu").threads == find_place(None).threads >= 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("gpu", "JAX sees no GPU here"),
        ("tpu", "`devices` takes"),
        ("cpu:0", "`devices` takes"),
        ("", "`devices` takes"),
    ],
)
def test_what_there_is_not_is_refused(asked: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = jax.devices

    def without_gpu(kind: str | None = None) -> list[jax.Device]:
        if kind == "gpu":
            raise RuntimeError
        return found(kind)

    monkeypatch.setattr(jax, "devices", without_gpu)
    with pytest.raises(PplError) as error:
        ppl.compile(MODEL).sample({"y": 1.0}, devices=asked, draws=10, warmup=10)
    assert said in error.value.diagnostics[0].title


def test_more_devices_than_there_are_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax, "devices", lambda kind: [Accelerator()])
    assert len(find_place("gpu").devices) == 1
    with pytest.raises(PplError, match="asks for 2 GPUs, but JAX sees 1"):
        find_place("gpu:2")


def test_a_note_says_that_an_accelerator_was_chosen_and_when_it_may_not_pay() -> None:
    density: CompiledDensity = ppl.compile(MODEL).log_density({"y": 1.0})
    place = stand_ins(2)
    said = remark(None, place, density, 64)
    assert said is not None
    assert said.verdict == "note"
    assert said.title == "ran on 2 GPUs that JAX found (Card 9000), 64 chains at a time"
    assert said.remedies[0].settings == {"devices": "cpu"}
    assert remark("gpu", place, density, 64) is None
    assert remark(None, find_place("cpu"), density, 64) is None


def test_threads_of_chains_know_where_they_are() -> None:
    from ppl.inference.chains import in_threads

    place = Place((jax.devices("cpu")[0],), 7)
    seen = []

    def one(x: np.ndarray) -> np.ndarray:
        seen.append(here())
        return x

    with working_on(place):
        in_threads(one, np.arange(4.0), True)
    assert seen == [place] * 4
    assert here() != place


def test_chains_that_are_shared_out_are_put_together_in_their_order() -> None:
    """On several devices, which a process must ask for before it starts JAX."""
    program = textwrap.dedent(
        """
        import jax, numpy as np
        from ppl.inference.chains import shared_out
        assert len(jax.devices()) == 3
        used = set()
        @jax.jit
        def together(states):
            return {"x": jax.vmap(lambda x: x * 2)(states["x"]), "n": states["n"]}
        def noting(states):
            found = together(states)
            used.add(next(iter(found["x"].devices())))
            return found
        states = {"x": np.arange(10.0).reshape(5, 2), "n": np.arange(5)}
        found = shared_out(noting, states, True, jax.devices())
        np.testing.assert_array_equal(found["x"], 2 * states["x"])
        np.testing.assert_array_equal(found["n"], states["n"])
        assert found["x"].dtype == np.float64
        assert used == set(jax.devices())
        """
    )
    variables = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=3", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", program], env=variables, check=True, timeout=120)


def test_fewer_chains_than_devices_leave_some_idle() -> None:
    found = shared_out(lambda x: x + 1, np.arange(1.0), True, jax.devices("cpu") * 3)
    np.testing.assert_array_equal(found, [1.0])


def test_a_gpu_without_room_says_where_there_is_some() -> None:
    from ppl.compiler.passes.memory import memory_explained
    from ppl.running.devices import more_memory

    place = stand_ins(1)
    with pytest.raises(PplError) as error, memory_explained(ppl.compile(MODEL).graph, {}, *more_memory(place)):
        raise MemoryError
    assert "with `devices` as `cpu`" in error.value.diagnostics[0].hints[0]
    assert more_memory(find_place("cpu")) == ()
