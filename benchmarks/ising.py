"""Spin updates a second, and time to the ground state, of our simulators and of peers, in one run on one machine.

    python benchmarks/ising.py [--only NAME] [--gset FILE] [--seconds 2]

A spin update is one spin of one replica offered a new value, whether it changes or not. Seconds are those of the
processor, of all threads, so that what else the machine does counts little; they make `a core`. Every problem is
sampled at one fixed β by every program: ours after compiling, peers by the difference between a long run and a short
one, so that what they do before and after does not count against them.

Time to solution: of G11 of the Gset, whose largest cut is 564, or of another max-cut, with --gset: how long a program,
with the schedule that it has by itself, searches until one search has with probability 0.99 found the largest cut that
any found: t log(0.01) / log(1 - p), for searches of t seconds each of which a share p get there. Ours anneals 512 at
once, which count as whole runs of so many; its tempering of four systems is one search.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ppl.inference.runtime import environment

os.environ.update(environment(os.environ))

import numpy as np
from numpy.typing import NDArray

import ppl
from ppl.hardware.lowering.colours import coloured
from ppl.hardware.netlist.netlist import Bodies, Netlist
from ppl.hardware.sim.annealing import Annealed
from ppl.hardware.sim.chromatic import Chromatic
from ppl.hardware.sim.packed import Packed
from ppl.hardware.sim.schedules import span
from ppl.hardware.sim.tempering import Tempered

G11 = Path(__file__).parents[1] / "models" / "data" / "G11.txt"


@dataclass(frozen=True)
class Problem:
    """A spin glass without fields: energy -Σ J m m. beta: at which it is sampled."""

    name: str
    size: int
    pairs: NDArray[np.int64]
    coupling: NDArray[np.float64]
    beta: float

    def netlist(self) -> Netlist:
        return coloured(
            Netlist(
                name=self.name,
                names=tuple(map(str, range(self.size))),
                states=np.full(self.size, 2),
                bias=np.zeros(self.size),
                pairs=Bodies(self.pairs, self.coupling),
                bodies=(),
                tables=(),
                offset=0.0,
                clamped=np.full(self.size, -1, np.int64),
                variables=(),
            )
        )

    def energies(self, states: NDArray[np.integer]) -> NDArray[np.float64]:
        m = 2.0 * states - 1.0
        return -(m[..., self.pairs[:, 0]] * m[..., self.pairs[:, 1]]) @ self.coupling


def torus(width: int, height: int, beta: float, seed: int = 1) -> Problem:
    at = np.arange(width * height).reshape(height, width)
    pairs = np.concatenate([np.stack([at.ravel(), np.roll(at, -1, axis).ravel()], 1) for axis in (0, 1)])
    # Around a dim of two, both ways lead to the same neighbour.
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    coupling = np.random.default_rng(seed).choice([-1.0, 1.0], len(pairs))
    return Problem(f"torus {width} x {height}", width * height, pairs, coupling, beta)


def regular(size: int, beta: float, seed: int = 1) -> Problem:
    """±J on a random graph of degree 3, by pairing stubs; pairs that would meet twice or themselves are drawn again."""
    rng = np.random.default_rng(seed)
    stubs = np.repeat(np.arange(size), 3)
    done: set[tuple[int, int]] = set()
    while len(stubs):
        rng.shuffle(stubs)
        left: list[int] = []
        for i, j in stubs.reshape(-1, 2):
            pair = (int(min(i, j)), int(max(i, j)))
            if i == j or pair in done:
                left += pair
            else:
                done.add(pair)
        if len(left) == len(stubs):  # nothing fits any more: a few pairs are taken apart
            for pair in [*done][:: max(1, len(done) // 10)]:
                done.discard(pair)
                left += pair
        stubs = np.array(left, np.int64)
    pairs = np.array(sorted(done))
    return Problem(f"3-regular {size}", size, pairs, rng.choice([-1.0, 1.0], len(pairs)), beta)


def dense(size: int, beta: float, seed: int = 1) -> Problem:
    rng = np.random.default_rng(seed)
    pairs = np.stack(np.triu_indices(size, 1), 1)
    return Problem(f"dense {size}", size, pairs, rng.normal(size=len(pairs)) / math.sqrt(size), beta)


def max_cut(path: Path) -> Problem:
    """In Gset's format. J = -w, so that the cut is (Σ w - E) / 2."""
    netlist = ppl.load_netlist(path)
    return Problem(path.stem, netlist.size, netlist.pairs.units, 2 * netlist.pairs.coupling, 1.0)


# --- updates a second --------------------------------------------------------------------------------


def timed(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


def ours(make: type[Chromatic] | type[Packed], problem: Problem, replicas: int, seconds: float) -> float:
    """Millions of updates a second of the processor."""
    simulator = make(problem.netlist(), replicas, 1, np.array([problem.beta]))

    def go(sweeps: int) -> None:
        simulator.advance(sweeps)
        simulator.states()

    go(1)  # compiles
    return rate(go, problem.size * replicas, seconds)


def rate(go: Callable[[int], object], updates: int, seconds: float) -> float:
    """Of a run of so many sweeps, each of so many updates: from what more sweeps take more time."""
    base, sweeps = timed(lambda: go(1)), 8
    while True:
        spent = timed(partial(go, sweeps))
        if spent - base > seconds / 2 or spent > 5 * seconds:
            return updates * (sweeps - 1) / max(spent - base, 1e-9) / 1e6
        sweeps *= max(2, min(16, int(seconds / max(spent - base, seconds / 16))))


def dwave(problem: Problem, seconds: float) -> float:
    import dimod
    from dwave.samplers import SimulatedAnnealingSampler

    model = dimod.BinaryQuadraticModel.from_ising(dict.fromkeys(range(problem.size), 0.0), couplings(problem))
    sampler, reads = SimulatedAnnealingSampler(), 4

    def go(sweeps: int) -> None:
        schedule = [problem.beta] * sweeps
        options = {"num_reads": reads, "beta_schedule_type": "custom", "seed": 1}
        sampler.sample(model, beta_schedule=schedule, proposal_acceptance_criteria="Gibbs", **options)

    return rate(go, problem.size * reads, seconds)


def openjij(problem: Problem, seconds: float) -> float:
    import openjij as oj

    sampler, reads = oj.SASampler(), 4

    def go(sweeps: int) -> None:
        fixed = {"beta_min": problem.beta, "beta_max": problem.beta}
        sampler.sample_ising({}, couplings(problem), num_sweeps=sweeps, num_reads=reads, seed=1, **fixed)

    return rate(go, problem.size * reads, seconds)


def thrml(problem: Problem, seconds: float) -> float:
    """Of 64 chains side by side, by its Ising model and chromatic blocks."""
    import jax
    import jax.numpy as jnp
    from thrml import Block, SamplingSchedule, SpinNode, sample_states
    from thrml.models import IsingEBM, IsingSamplingProgram, hinton_init

    chains = 64
    nodes = [SpinNode() for _ in range(problem.size)]
    edges = [(nodes[i], nodes[j]) for i, j in problem.pairs]
    schedule = problem.netlist().schedule
    assert schedule is not None
    blocks = [
        Block([nodes[i] for i in np.flatnonzero(schedule.colours == colour)]) for colour in np.unique(schedule.colours)
    ]
    weights = jnp.asarray(problem.coupling, jnp.float32)
    model = IsingEBM(nodes, edges, jnp.zeros(problem.size), weights, jnp.float32(problem.beta))
    program = IsingSamplingProgram(model, blocks, clamped_blocks=[])
    starts = hinton_init(jax.random.key(1), model, blocks, (chains,))
    keys = jax.random.split(jax.random.key(2), chains)

    def sampled(sweeps: int) -> Callable[[], object]:
        plan = SamplingSchedule(n_warmup=sweeps, n_samples=1, steps_per_sample=1)
        run = jax.jit(jax.vmap(lambda s, k: sample_states(k, program, plan, s, [], [Block(nodes)])))
        run(starts, keys)  # compiles
        return lambda: jax.block_until_ready(run(starts, keys))

    few, many = 2, 32
    while True:
        spent = timed(sampled(many)) - timed(sampled(few))
        if spent > seconds / 4 or many > 10**5:
            return problem.size * chains * (many - few) / spent / 1e6
        many *= 8


def couplings(problem: Problem) -> dict[tuple[int, int], float]:
    """As D-Wave and OpenJij have them, of E = Σ J m m: with the other sign."""
    return {(int(i), int(j)): -float(c) for (i, j), c in zip(problem.pairs, problem.coupling, strict=True)}


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "64": lambda: torus(64, 64, 0.7),
    "256": lambda: torus(256, 256, 0.7),
    "regular-2000": lambda: regular(2000, 0.7),
    "regular-20000": lambda: regular(20000, 0.7),
    "dense": lambda: dense(500, 0.7),
}
PEERS: dict[str, Callable[[Problem, float], float]] = {"dwave-samplers": dwave, "OpenJij": openjij, "THRML": thrml}


def updates(names: list[str], seconds: float) -> None:
    for name in names:
        problem = PROBLEMS[name]()
        found = {"chromatic, 64 replicas": ours(Chromatic, problem, 64, seconds)}
        if name != "dense":
            found["packed, 512 replicas"] = ours(Packed, problem, 512, seconds)
        best = max(found.values())
        peers = {}
        for peer, measure in PEERS.items():
            if peer == "THRML" and name == "dense":
                continue  # 500 blocks of one spin each are 500 pieces of its program
            try:
                peers[peer] = measure(problem, seconds)
            except ImportError:
                print(f"  {peer} is not installed")
        load = os.getloadavg()[0]
        print(f"{problem.name}: millions of spin updates a second of one core, at β = {problem.beta}, load {load:.1f}")
        for what, value in {**found, **peers}.items():
            print(f"  {what:24} {value:8.1f}", flush=True)
        if peers:
            print(f"  {best / max(peers.values()):.1f} times the best peer", flush=True)


# --- time to solution --------------------------------------------------------------------------------


def anneal_ours(problem: Problem, sweeps: int, searches: int) -> Callable[[], NDArray[np.float64]]:
    simulator = Annealed(problem.netlist(), 512, 1, np.ones(1))

    def search() -> NDArray[np.float64]:
        simulator.advance(sweeps)
        return problem.energies(simulator.states())

    search()  # compiles
    return lambda: np.concatenate([search() for _ in range(searches // 512)])


def temper_ours(problem: Problem, sweeps: int, searches: int) -> Callable[[], NDArray[np.float64]]:
    netlist = problem.netlist()
    cold = span(netlist)[1:]

    def search(seed: int, most: int) -> float:
        simulator, least = Tempered(netlist, 4, seed, np.array(cold)), math.inf
        for _ in range(0, most, 5):
            simulator.advance(5)
            least = min(least, float(problem.energies(simulator.states()).min()))
        return least

    search(0, 5)  # compiles
    return lambda: np.array([search(seed, sweeps) for seed in range(1, searches + 1)])


def anneal_dwave(problem: Problem, sweeps: int, searches: int) -> Callable[[], NDArray[np.float64]]:
    import dimod
    from dwave.samplers import SimulatedAnnealingSampler

    model = dimod.BinaryQuadraticModel.from_ising(dict.fromkeys(range(problem.size), 0.0), couplings(problem))
    sampler = SimulatedAnnealingSampler()
    return lambda: sampler.sample(model, num_sweeps=sweeps, num_reads=searches, seed=2).record.energy


def anneal_openjij(problem: Problem, sweeps: int, searches: int) -> Callable[[], NDArray[np.float64]]:
    import openjij as oj

    sampler, own = oj.SASampler(), couplings(problem)
    # With a seed all its reads are the same search.
    return lambda: sampler.sample_ising({}, own, num_sweeps=sweeps, num_reads=searches).record.energy


@dataclass(frozen=True)
class Searcher:
    """make: of a problem, sweeps of a search, and how many searches: what gives their energies; measured: how many are;
    at_once: of them go together and cannot be had one by one."""

    make: Callable[[Problem, int, int], Callable[[], NDArray[np.float64]]]
    measured: int
    at_once: int = 1
    sweeps: tuple[int, ...] = (300, 1000, 3000, 10000)


SEARCHERS = {
    "ours, annealing": Searcher(anneal_ours, 2048, 512),
    "ours, tempering": Searcher(temper_ours, 16, sweeps=(100, 200, 300)),
    "dwave-samplers": Searcher(anneal_dwave, 128),
    "OpenJij": Searcher(anneal_openjij, 128),
}


def time_to_solution(problem: Problem) -> None:
    print(f"{problem.name}: seconds of one core until the largest cut is found with probability 0.99")
    found: list[tuple[str, int, float, NDArray[np.float64]]] = []
    for name, searcher in SEARCHERS.items():
        for sweeps in searcher.sweeps:
            try:
                act = searcher.make(problem, sweeps, searcher.measured)
            except ImportError:
                continue
            began = time.process_time()
            energy = np.asarray(act(), np.float64)
            found.append((name, sweeps, time.process_time() - began, energy))
    least = min(float(energy.min()) for *_, energy in found)
    print(f"  largest cut {(-problem.coupling.sum() - least) / 2:g}, load {os.getloadavg()[0]:.1f}")
    for name, sweeps, seconds, energy in found:
        share = float((energy <= least + 1e-6).mean())
        at_once = SEARCHERS[name].at_once
        wanted = math.log(0.01) / math.log1p(-share) if 0 < share < 1 else 1.0 if share else math.inf
        once = math.ceil(wanted / at_once) * at_once * seconds / len(energy) if share else math.inf
        shown = f"{share:7.4f} of {len(energy)} searches, {once:9.3g} s; all of them took {seconds:.2f} s"
        print(f"  {name:18} {sweeps:6} sweeps {shown}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=[*PROBLEMS, "solution"], default=[])
    parser.add_argument("--gset", type=Path, metavar="FILE", default=G11, help="a max-cut in Gset's format")
    parser.add_argument("--seconds", type=float, default=2.0)
    given = parser.parse_args()
    updates([name for name in PROBLEMS if name in given.only or not given.only], given.seconds)
    if "solution" in given.only or not given.only:
        time_to_solution(max_cut(given.gset))


if __name__ == "__main__":
    main()
