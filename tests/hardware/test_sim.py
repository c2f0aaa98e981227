"""Simulated units against the law of their netlist, by enumeration and by transfer matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ppl.hardware.energies import energies
from ppl.hardware.exact import enumerated
from ppl.hardware.lowering.colours import coloured
from ppl.hardware.lowering.direct import direct
from ppl.hardware.netlist.netlist import Bodies, Netlist
from ppl.hardware.sim import chromatic
from ppl.hardware.sim.chromatic import Chromatic
from ppl.hardware.sim.packed import Packed
from ppl.hardware.sim.temperature import effective_beta
from tests.hardware.random_graphs import random_graph

REPLICAS = 256
ERRORS = 5.0


def ising(n: int, pairs: np.ndarray, coupling: np.ndarray, bias: np.ndarray) -> Netlist:
    return coloured(
        Netlist(
            name="ising",
            names=tuple(f"s[{i}]" for i in range(n)),
            states=np.full(n, 2),
            bias=bias.astype(np.float64),
            pairs=Bodies(np.asarray(pairs, np.int64), coupling.astype(np.float64)),
            bodies=(),
            tables=(),
            offset=0.0,
            clamped=np.full(n, -1, np.int64),
            variables=(),
        )
    )


def products(seed: int) -> Netlist:
    """P-bits in pairs and threes, one of them held."""
    rng = np.random.default_rng(seed)
    netlist = ising(8, np.array([[i, (i + 1) % 8] for i in range(8)]), rng.normal(size=8), rng.normal(size=8) / 2)
    threes = Bodies(np.array([[0, 2, 4], [1, 3, 6], [2, 5, 7]]), rng.normal(size=3))
    clamped = np.full(8, -1, np.int64)
    clamped[3] = 1
    return coloured(replace(netlist, bodies=(threes,), clamped=clamped, schedule=None))


NETLISTS: dict[str, Callable[[], Netlist]] = {
    "products": lambda: products(1),
    "tables": lambda: coloured(direct(random_graph(3))),
    "forbidding": lambda: coloured(direct(random_graph(20, hard=True))),
}


def worst(netlist: Netlist, shown: np.ndarray, beta: float = 1.0) -> float:
    """shown: (readouts, replicas, n). The largest distance of the share of a probable state, and of the mean energy,
    from the exact ones, in standard errors from the differences between replicas, which are at least those of
    independent readouts."""
    states, p, _ = enumerated(netlist, beta)
    probable = np.argsort(-p)[: min(24, np.count_nonzero(p > 1e-4))]
    at = np.ravel_multi_index(tuple(np.moveaxis(shown, -1, 0)), tuple(netlist.states))
    codes = np.ravel_multi_index(tuple(states[probable].T), tuple(netlist.states))
    share = (at[..., None] == codes).mean(axis=0)
    energy = energies(netlist, shown).mean(axis=0)[:, None]
    of_states = energies(netlist, states[p > 0])
    exact = np.append(p[probable], p[p > 0] @ of_states)
    variance = np.append(p[probable] * (1 - p[probable]), p[p > 0] @ of_states**2 - exact[-1] ** 2)
    found = np.concatenate([share, energy], axis=1)
    least = np.sqrt(variance / shown[..., 0].size)
    error = np.maximum(found.std(axis=0, ddof=1) / np.sqrt(len(found)), least)
    return float(np.max(np.abs(found.mean(axis=0) - exact) / error))


def run(
    netlist: Netlist,
    beta: float = 1.0,
    seed: int = 1,
    readouts: int = 120,
    make: type[Chromatic] | type[Packed] = Chromatic,
) -> np.ndarray:
    simulator = make(netlist, REPLICAS, seed, np.array([beta]))
    simulator.advance(150)
    shown = []
    for _ in range(readouts):
        simulator.advance(2)
        shown.append(simulator.states())
    return np.stack(shown)


@pytest.mark.parametrize("name", NETLISTS)
def test_the_law_of_small_netlists(name: str) -> None:
    netlist = NETLISTS[name]()
    shown = run(netlist)
    assert worst(netlist, shown) < ERRORS
    found = effective_beta(netlist, shown[::10], 0.5)
    assert found is not None
    assert abs(found.beta - 1) < ERRORS * found.error < 0.25


def test_a_temperature_is_told_where_there_is_one() -> None:
    netlist = products(1)
    assert effective_beta(netlist, run(netlist, readouts=2)[:, :1], 1.0) is None
    stiff = ising(4, np.array([[0, 1], [1, 2], [2, 3]]), np.full(3, 50.0), np.zeros(4))
    assert effective_beta(stiff, np.ones((4, 8, 4), np.int8), 1.0) is None
    shown = run(netlist, beta=0.3, readouts=100)
    for guess in (0.01, 20.0):
        found = effective_beta(netlist, shown[::4], guess)
        assert found is not None
        assert abs(found.beta - 0.3) < ERRORS * found.error


def test_sequential_updates_have_the_law_and_synchronous_ones_have_not() -> None:
    netlist = products(2)
    assert netlist.schedule is not None
    sequential = replace(netlist, schedule=replace(netlist.schedule, discipline="sequential"))
    assert worst(netlist, run(sequential, beta=0.7), 0.7) < ERRORS
    synchronous = replace(netlist, schedule=replace(netlist.schedule, discipline="synchronous"))
    shown = run(synchronous, beta=0.7)
    assert worst(netlist, shown, 0.7) > 3 * ERRORS
    found = effective_beta(netlist, shown[::10], 0.7)
    assert found is not None
    assert abs(found.beta - 0.7) > ERRORS * found.error


def test_seeded_faults_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests above would say of a wrong sign, colour or threshold."""
    netlist = products(1)
    flipped = replace(
        netlist, pairs=Bodies(netlist.pairs.units, netlist.pairs.coupling * np.where(np.arange(8) == 2, -1, 1))
    )
    assert worst(netlist, run(flipped)) > 2 * ERRORS
    schedule = netlist.schedule
    assert schedule is not None
    merged = replace(schedule, colours=np.where(schedule.colours == 1, 0, schedule.colours))
    assert worst(netlist, run(replace(netlist, schedule=merged))) > 2 * ERRORS
    right = chromatic.uniform
    monkeypatch.setattr(chromatic, "uniform", lambda bits, dtype: right(bits & np.uint32(0xF7FFFFFF), dtype))
    chromatic._advance.clear_cache()
    assert worst(netlist, run(netlist)) > 2 * ERRORS
    chromatic._advance.clear_cache()


def test_a_run_in_pieces_is_the_same_run() -> None:
    netlist = products(1)
    betas = np.linspace(0.1, 1.0, 7)
    whole, pieces = (Chromatic(netlist, 8, 5, betas) for _ in range(2))
    whole.advance(10)
    for sweeps in (1, 4, 5):
        pieces.advance(sweeps)
    assert np.array_equal(whole.states(), pieces.states())
    assert (whole.states()[:, 3] == 1).all()
    assert not np.array_equal(Chromatic(netlist, 8, 6, betas).states(), Chromatic(netlist, 8, 5, betas).states())


# --- a lattice ---------------------------------------------------------------------------------------


def lattice(width: int, height: int, seed: int) -> Netlist:
    """±J, open in both directions, in C order."""
    at = np.arange(width * height).reshape(height, width)
    pairs = np.concatenate(
        [np.stack([at[:, :-1].ravel(), at[:, 1:].ravel()], 1), np.stack([at[:-1].ravel(), at[1:].ravel()], 1)]
    )
    coupling = np.random.default_rng(seed).choice([-1.0, 1.0], len(pairs))
    return ising(width * height, pairs, coupling, np.zeros(width * height))


def exact_moments(netlist: Netlist, width: int, beta: float) -> tuple[float, np.ndarray]:
    """The mean energy and <m_i m_j> of every pair that is coupled, by the transfer matrix over rows, whose states are
    2^width vectors; a coupling is turned into its moment by the derivative of log Z, here as the product inserted."""
    height = netlist.size // width
    rows = 2 * ((np.arange(2**width)[:, None] >> np.arange(width)) & 1) - 1
    across = np.zeros((height, width - 1))
    down = np.zeros((height - 1, width))
    for (i, j), coupling in zip(netlist.pairs.units, netlist.pairs.coupling, strict=True):
        if j - i == 1:
            across[i // width, i % width] = coupling
        else:
            down[i // width, i % width] = coupling
    within = [np.exp(beta * (rows[:, :-1] * rows[:, 1:]) @ across[y]) for y in range(height)]
    between = [np.exp(beta * (rows * down[y]) @ rows.T) for y in range(height - 1)]
    above = [within[0]]
    for y in range(height - 1):
        step = (above[-1] @ between[y]) * within[y + 1]
        above.append(step / step.sum())
    below = [np.ones(len(rows))]
    for y in reversed(range(height - 1)):
        step = between[y] @ (below[0] * within[y + 1])
        below.insert(0, step / step.sum())
    moments = []
    for i, j in netlist.pairs.units:
        y, x = divmod(int(i), width)
        if j - i == 1:
            weight = above[y] * below[y]
            moments.append(weight @ (rows[:, x] * rows[:, x + 1]) / weight.sum())
        else:
            joint = above[y][:, None] * between[y] * (below[y + 1] * within[y + 1])[None, :]
            moments.append(rows[:, x] @ joint @ rows[:, x] / joint.sum())
    found = np.array(moments)
    return float(-found @ netlist.pairs.coupling), found


def test_a_lattice_against_its_transfer_matrix() -> None:
    netlist = lattice(8, 8, 3)
    energy, moments = exact_moments(netlist, 8, 0.5)
    for make in (Chromatic, Packed):
        check_moments(netlist, run(netlist, beta=0.5, readouts=60, make=make), energy, moments)


def check_moments(netlist: Netlist, shown: np.ndarray, energy: float, moments: np.ndarray) -> None:
    """Within 5 standard errors, of which one in 100 moments may be beyond 4 at a fixed seed."""
    m = 2.0 * shown - 1
    found = (m[..., netlist.pairs.units[:, 0]] * m[..., netlist.pairs.units[:, 1]]).mean(axis=0)
    z = (found.mean(axis=0) - moments) / (found.std(axis=0, ddof=1) / np.sqrt(len(found)))
    assert np.abs(z).max() < ERRORS
    assert np.sqrt(np.mean(z**2)) < 1.4
    total = energies(netlist, shown).mean(axis=0)
    assert abs(total.mean() - energy) < ERRORS * total.std(ddof=1) / np.sqrt(len(total))
