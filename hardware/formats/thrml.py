"""A program in Python that samples a netlist with thrml, Extropic's library of block Gibbs sampling.

Its Ising model is exp(β (Σ b_i s_i + Σ J_ij s_i s_j)), s = -1 or +1: the netlist's own h and J. The offset has no place
there; the program adds it to the energies that it prints.
"""

from __future__ import annotations

import json
from typing import Any

from ppl.hardware.emitted import Emitted
from ppl.hardware.formats.quadratic import convention, from_netlist, last_beta, no_words
from ppl.hardware.lowering.colours import coloured
from ppl.hardware.netlist.netlist import Netlist

_PROGRAM = '''\
"""{about}

    E(s) = OFFSET - sum_i BIASES[i] s_i - sum_k WEIGHTS[k] s_i s_j,  (i, j) = EDGES[k],  s = -1 or +1
    p(s) proportional to exp(-BETA E(s))

Needs thrml (and with it JAX). Prints the mean energy of samples, and leaves them in samples.npz: `samples`,
(chains, readouts, spins), true where a spin is +1, and `names`, of the spins.
"""

import jax
import jax.numpy as jnp
import numpy as np
from thrml import Block, SamplingSchedule, SpinNode, sample_states
from thrml.models import IsingEBM, IsingSamplingProgram, hinton_init

BETA = {beta}
OFFSET = {offset}
NAMES = {names}
BIASES = {biases}
EDGES = {edges}
WEIGHTS = {weights}
# Spins of one colour are updated at once; no two of them are joined.
COLOURS = {colours}


def sample(chains=64, warmup=1000, readouts=100, sweeps=1, seed=0):
    """(chains, readouts, spins), true where a spin is +1. sweeps: from one readout to the next."""
    nodes = [SpinNode() for _ in NAMES]
    edges = [(nodes[i], nodes[j]) for i, j in EDGES]
    model = IsingEBM(nodes, edges, jnp.asarray(BIASES), jnp.asarray(WEIGHTS), jnp.asarray(BETA))
    colours = np.asarray(COLOURS)
    blocks = [Block([nodes[i] for i in np.flatnonzero(colours == c)]) for c in np.unique(colours)]
    program = IsingSamplingProgram(model, blocks, clamped_blocks=[])
    schedule = SamplingSchedule(n_warmup=warmup, n_samples=readouts, steps_per_sample=sweeps)
    starts, keys = jax.random.split(jax.random.key(seed))
    states = hinton_init(starts, model, blocks, (chains,))
    run = jax.jit(jax.vmap(lambda state, key: sample_states(key, program, schedule, state, [], [Block(nodes)])[0]))
    return np.asarray(run(states, jax.random.split(keys, chains)))


def energies(states):
    """(..., spins), truth values -> (...): E of each."""
    s = 2.0 * states - 1.0
    i, j = np.asarray(EDGES).T
    return OFFSET - s @ np.asarray(BIASES) - (s[..., i] * s[..., j]) @ np.asarray(WEIGHTS)


if __name__ == "__main__":
    samples = sample()
    print("mean energy", energies(samples).mean())
    np.savez("samples.npz", samples=samples, names=NAMES)
'''


def write(netlist: Netlist) -> Emitted:
    """Raises PplError: it is no Ising model, or has no couplings (E709)."""
    given = from_netlist(netlist, "thrml")
    if not len(given.weights):
        raise no_words("thrml", "spins that nothing joins", "take the target `ising` or `bqm`")
    schedule = netlist.schedule
    if schedule is None or schedule.discipline != "chromatic":
        schedule = coloured(netlist).schedule
        assert schedule is not None
    about = json.dumps(
        f"Samples {netlist.name}, an Ising model of {netlist.size} spins, with thrml.", ensure_ascii=False
    )
    text = _PROGRAM.format(
        about=about[1:-1],
        beta=repr(last_beta(netlist)),
        offset=repr(given.offset),
        names=_shown(list(given.labels)),
        biases=_shown((0.0 - given.linear).tolist()),
        edges=_shown(given.pairs.tolist()),
        weights=_shown((0.0 - given.weights).tolist()),
        colours=_shown(schedule.colours.tolist()),
    )
    energy = "E = offset - Σ h s - Σ J s s, s = -1 or +1, as here; thrml's has no offset"
    return Emitted({"program.py": text.encode("utf-8")}, convention(energy, netlist))


def _shown(values: list[Any]) -> str:
    """A list, on lines of its own where it is long. A JSON text without infinities or truth values is Python's too."""
    text = json.dumps(values, ensure_ascii=False)
    if len(text) < 100:
        return text
    rows = [json.dumps(values[at : at + 8], ensure_ascii=False)[1:-1] for at in range(0, len(values), 8)]
    return "[\n" + "".join(f"    {row},\n" for row in rows) + "]"
