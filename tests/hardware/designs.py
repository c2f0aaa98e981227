"""Models that become hardware, and runs of what is written of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import ppl
from ppl.circuits.compiling import ready
from ppl.hardware.netlist.netlist import Netlist
from ppl.hardware.rtl.emit import PARTS, TESTBENCH, TOP, emitted, unpacked
from ppl.hardware.rtl.machine import Machine
from ppl.hardware.tools.running import Oversight, run
from tests.hardware import eda

AND = "var a : spin, b : spin, c : spin\nenergy gate: 0.4 * (a*b - 2*a*c - 2*b*c - a - b + 2*c)"
# s is the product of three spins, a sum of bits; co is their majority.
ADDER = """\
var a : spin, b : spin, ci : spin, s : spin, co : spin
energy sum: -0.8 * a * b * ci * s
energy carry: 0.3 * (a*b + b*ci + a*ci) - 0.6 * co * (a + b + ci)
"""
LATTICE = """\
dim bond, site
data left[bond] : site, right[bond] : site, coupling[bond]
var s[site] : spin
energy bonds: -0.5 * coupling[bond] * s[left[bond]] * s[right[bond]]
"""
# Three colours, which neighbours like to share, and a pair of them that never meets.
POTTS = """\
dim site = 5 ordered, k = 3
data p[k], move[k, k]
z[0] ~ Categorical(p)
z[t] ~ Categorical(move[z[t-1]]) for t in site[1:]
"""
RBM = """\
dim v = 6, h = 4
data w[v, h], a[v], b[h]
var s[v] : spin, u[h] : spin
energy joined: -w[v, h] * s[v] * u[h]
energy visible: -a[v] * s[v]
energy hidden: -b[h] * u[h]
"""
NAMES = ("and", "adder", "multiplier", "lattice", "categorical", "rbm")


@cache
def design(name: str) -> Netlist:
    """In words, with an order of updates."""
    text, data, clamps = _given(name)
    return ready(ppl.compile(text).netlist(data, set=clamps), 1e-3, words=True)


def _given(name: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    rng = np.random.default_rng(5)
    match name:
        case "and":
            return AND, {}, {}
        case "adder":
            return ADDER, {}, {}
        case "multiplier":
            return multiplier(35)
        case "lattice":
            side = 8
            at = np.arange(side * side).reshape(side, side)
            left = np.concatenate([at[:, :-1].ravel(), at[:-1].ravel()])
            right = np.concatenate([at[:, 1:].ravel(), at[1:].ravel()])
            coupling = rng.choice([-1.0, 1.0], len(left))
            sites = [f"s{i}" for i in range(side * side)]
            return (
                LATTICE,
                {
                    "site": sites,
                    "left": [sites[i] for i in left],
                    "right": [sites[i] for i in right],
                    "coupling": coupling.tolist(),
                },
                {},
            )
        case "categorical":
            move = [[0.7, 0.3, 0.0], [0.2, 0.5, 0.3], [0.25, 0.25, 0.5]]
            return POTTS, {"p": [0.2, 0.5, 0.3], "move": move}, {}
        case _:
            w, a, b = rng.normal(size=(6, 4)), rng.normal(size=6) / 2, rng.normal(size=4) / 2
            return RBM, {"w": w.tolist(), "a": a.tolist(), "b": b.tolist()}, {}


def multiplier(product: int) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Three bits times three, run backwards: gates that prefer consistent states, with the product held."""
    names: list[str] = []
    gates: list[str] = []

    def wire() -> str:
        names.append(f"n[{len(names)}]")
        return names[-1]

    def both(a: str, b: str) -> str:
        c = wire()
        gates.append(f"0.5 * ({a}*{b} - 2*{a}*{c} - 2*{b}*{c} - {a} - {b} + 2*{c})")
        return c

    def half(a: str, b: str) -> tuple[str, str]:
        s = wire()
        gates.append(f"{a} * {b} * {s}")
        return s, both(a, b)

    def full(a: str, b: str, c: str) -> tuple[str, str]:
        s, carry = wire(), wire()
        gates.append(f"-{a} * {b} * {c} * {s} + 0.5 * ({a}*{b} + {b}*{c} + {a}*{c}) - {carry} * ({a} + {b} + {c})")
        return s, carry

    x, y = [wire() for _ in range(3)], [wire() for _ in range(3)]
    p = [[both(one, other) for other in y] for one in x]
    out1, c1 = half(p[0][1], p[1][0])
    t2, c2 = full(p[0][2], p[1][1], p[2][0])
    out2, d2 = half(t2, c1)
    t3, c3 = full(p[1][2], p[2][1], c2)
    out3, d3 = half(t3, d2)
    out4, out5 = full(p[2][2], c3, d3)
    outs = [p[0][0], out1, out2, out3, out4, out5]
    statements = [f"energy gate{i}: {gate}" for i, gate in enumerate(gates)]
    text = "\n".join([f"dim node = {len(names)}", "var n[node] : spin", *statements])
    return text, {}, {name: 2 * (product >> i & 1) - 1 for i, name in enumerate(outs)}


def written(made: Machine, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in emitted(made).files.items():
        (folder / name).write_bytes(image)
    return folder


def icarus(made: Machine, folder: Path, sweeps: int, seed: int = 0) -> np.ndarray:
    """(sweeps, n): states after each, of what was written in a folder."""
    eda.need("iverilog")
    run(("iverilog", "-g2012", "-o", "tb", TESTBENCH, TOP, *PARTS), folder, Oversight(60))
    run(("vvp", "tb", f"+sweeps={sweeps}", f"+seed={seed}"), folder, Oversight(120))
    return _shown(made, folder)


def verilator(made: Machine, folder: Path, sweeps: int, seed: int = 0) -> np.ndarray:
    """As `icarus`."""
    eda.need("verilator")
    optimised = ("-O3", "-CFLAGS", "-O1") if sweeps > 5000 else ("-CFLAGS", "-O0")
    files = (TESTBENCH, TOP, *PARTS)
    run(("verilator", "--binary", "--timing", *optimised, "--top-module", "tb", *files), folder, Oversight(200))
    run(("obj_dir/Vtb", f"+sweeps={sweeps}", f"+seed={seed}"), folder, Oversight(120))
    return _shown(made, folder)


def _shown(made: Machine, folder: Path) -> np.ndarray:
    lines = (folder / "states.txt").read_text().splitlines()
    return unpacked(made, np.array([[int(word, 16) for word in line.split()] for line in lines]))
