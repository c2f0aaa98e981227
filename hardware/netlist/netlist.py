"""Coupled stochastic units: what a model is lowered to, and what simulators and targets take.

    E(m) = offset - Σ_(i<j) J_ij m_i m_j - Σ_i h_i m_i - Σ_b K_b Π_(i in b) m_i + Σ_t T_t(states)

and p(m) ∝ exp(-β E(m)). A p-bit has two states, 0 and 1, and the value m = 2 state - 1 (Camsari, Faria, Sutton & Datta
2017). A pdit has k states and takes part in tables alone. Tables hold energies, whose infinities forbid.

Everything is by position: unit i is the i-th of `names`. Arrays are never changed once a netlist is made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ppl.hardware.laws.readout import Readout

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

Encoding = Literal["direct", "one-hot", "domain-wall", "binary"]
ENCODINGS: tuple[Encoding, ...] = ("direct", "one-hot", "domain-wall", "binary")
Discipline = Literal["chromatic", "sequential", "synchronous"]
DISCIPLINES: tuple[Discipline, ...] = ("chromatic", "sequential", "synchronous")


@dataclass(frozen=True, eq=False)
class Bodies:
    """Couplings of r p-bits each. units: (b, r), all different within a row; coupling: (b,), J of pairs, else K."""

    units: Integers
    coupling: Floats

    @property
    def order(self) -> int:
        return int(self.units.shape[1])


@dataclass(frozen=True, eq=False)
class Tables:
    """Energies by the states of r units each. units: (t, r); energy: (t, k_1, ..., k_r), inf where forbidden."""

    units: Integers
    energy: Floats


@dataclass(frozen=True, eq=False)
class Patterns:
    """States that make a readout invalid: all units of a row at once. units, states: (p, r)."""

    units: Integers
    states: Integers


@dataclass(frozen=True, eq=False)
class Variable:
    """A quantity of the model as units show it.

    shape: of its elements, over `dims`; element: its type (`spin`, `bool`, `int`, or the name of a dim); values: (k,),
    what its states mean; units: (elements, w), the units of each element, in their code; fixed: (elements,), the state
    of elements that are given and have no units, else -1.

    Codes of state z among k: `direct`, one unit in state z; `one-hot`, k p-bits of which the z-th is 1; `domain-wall`,
    k - 1 p-bits of which the first z are 1 (Chancellor 2019); `binary`, the digits of z, lowest first. Other states of
    the units are invalid. strength: the least energy of an invalid code; None: there is none, or nothing was added.
    """

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    element: str
    values: Integers
    encoding: Encoding
    units: Integers
    fixed: Integers
    strength: float | None = None

    @property
    def size(self) -> int:
        return int(self.fixed.shape[0])


@dataclass(frozen=True, eq=False)
class Schedule:
    """In which order units are updated. colours: (n,), of `chromatic`: those of one colour are updated at once;
    betas: (s,), β of one sweep after the other, the last of which stays; burn_in, thin: sweeps before the first readout
    and from one to the next."""

    discipline: Discipline
    colours: Integers
    betas: Floats
    burn_in: int
    thin: int


@dataclass(frozen=True)
class Precision:
    """Words of a digital target. fraction_bits: of weights, after the binary point; threshold_bits: of what random
    words are compared with."""

    fraction_bits: int
    threshold_bits: int


@dataclass(frozen=True)
class Claim:
    """What a pass did, and how far it can be off. kl: nats at most between the law before and after; 0 where exact."""

    name: str
    said: str
    kl: float = 0.0


def no_bodies(order: int) -> Bodies:
    return Bodies(np.zeros((0, order), np.int64), np.zeros(0))


@dataclass(frozen=True, eq=False)
class Netlist:
    """names, states: (n,), how many states each unit has; bias: (n,), h, 0 of pdits; bodies: of three p-bits or more,
    one for each order, ascending; clamped: (n,), the state of units that are held, else -1; invalid: which readouts are
    rejected, besides those that are no codes of the variables; computed: what the model computes from the values of all
    elements of its variables, one after the other."""

    name: str
    names: tuple[str, ...]
    states: Integers
    bias: Floats
    pairs: Bodies
    bodies: tuple[Bodies, ...]
    tables: tuple[Tables, ...]
    offset: float
    clamped: Integers
    variables: tuple[Variable, ...]
    invalid: tuple[Patterns, ...] = ()
    computed: Readout | None = None
    schedule: Schedule | None = None
    precision: Precision | None = None
    budget: float | None = None
    provenance: tuple[Claim, ...] = ()
    source: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many units there are."""
        return len(self.names)

    @cached_property
    def scopes(self) -> tuple[Integers, ...]:
        """The units that couplings and tables join, (f, r) each."""
        return (self.pairs.units, *(b.units for b in self.bodies), *(t.units for t in self.tables))

    @property
    def is_pairwise(self) -> bool:
        """Whether it is an Ising model: p-bits, biases and pairs."""
        return not self.bodies and not self.tables and bool((self.states == 2).all())
