"""Replicas shared out over threads and devices: the same states as on one."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import jax
import numpy as np
import pytest
from numpy.typing import NDArray

from ppl.hardware.sim import shares
from ppl.hardware.sim.chromatic import Chromatic
from ppl.hardware.sim.packed import Packed
from ppl.hardware.sim.tempering import Tempered
from ppl.inference.placing import Place, working_on
from tests.hardware.test_compile import shell
from tests.hardware.test_sim_packed import integers
from tests.shell import Shell

__all__ = ["shell"]


@pytest.mark.parametrize(("make", "replicas"), [(Chromatic, 7), (Packed, 150), (Tempered, 5)])
def test_the_same_states_whatever_the_threads(
    make: type[Chromatic | Packed | Tempered], replicas: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "_WORTH", 1)

    def states(threads: int) -> NDArray[np.integer]:
        with working_on(Place(tuple(jax.devices("cpu")[:1]), threads)):
            simulator = make(integers(), replicas, 3, np.array([0.5, 1.0]))
            simulator.advance(7)
            return simulator.states()

    alone = states(1)
    assert alone.shape == (replicas, 8)
    assert len(np.unique(alone, axis=0)) > 1
    for threads in (2, 3, 200):
        np.testing.assert_array_equal(states(threads), alone)


def test_threads_are_started_for_what_is_worth_it() -> None:
    with working_on(Place(tuple(jax.devices("cpu")[:1]), 4)):
        assert len(shares.shares_of(100, 100).devices) == 1
        assert len(shares.shares_of(3, 10**6).devices) == 3
        assert len(shares.shares_of(100, 10**6).devices) == 4


def test_every_device_has_its_share() -> None:
    """On several devices, which a process must ask for before it starts JAX; stand-ins for those of a GPU."""
    program = textwrap.dedent(
        """
        import jax, numpy as np
        from ppl.hardware.sim.packed import Packed
        from ppl.inference.placing import Place, working_on
        from tests.hardware.test_sim_packed import integers
        class Cards(Place):
            is_cpu = False
        def states(count):
            with working_on(Cards(tuple(jax.devices()[:count]), 1)):
                simulator = Packed(integers(), 160, 3, np.ones(1))
                simulator.advance(5)
                assert {next(iter(part.devices())) for part in simulator._states} == set(jax.devices()[:count])
                return simulator.states()
        np.testing.assert_array_equal(states(3), states(1))
        """
    )
    variables = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=3", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", program], env=variables, check=True, timeout=120)


def test_devices_are_asked_for(shell: Shell) -> None:
    assert shell("compile", "ring.ppl") == 0
    for name, devices in (("a.nc", "cpu:1"), ("b.nc", "cpu:2")):
        assert shell("simulate", "ring.netlist.json", "--draws", "50", "-o", name, "--devices", devices) in (0, 1)
    import arviz as az

    one, two = (az.from_netcdf(name).posterior["s"] for name in ("a.nc", "b.nc"))
    np.testing.assert_array_equal(one, two)
    assert shell("simulate", "ring.netlist.json", "--devices", "tpu") == 2
    assert "--devices" in shell.err
