"""How one unit is updated: where its thresholds stand for each state of the others.

The address of a row of thresholds is Σ weight · term, and a term is the state of a neighbour, or of p-bits whether an
odd number of them is 1, turned round or not:

- style `table`: the states of the neighbours side by side, a row for each state of the neighbourhood;
- style `adder`, of p-bits without tables: what the terms of I = h + Σ J m + Σ K Π m weigh that pull towards +1, a row
  for each value of I.

The style with the smaller estimate of area is taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ppl.errors import Diagnostic, PplError
from ppl.hardware.netlist.netlist import Floats, Integers, Netlist, Precision
from ppl.hardware.rtl.neighbourhoods import (
    Others,
    Terms,
    Thresholds,
    bit_positions,
    from_energies,
    from_field,
    grid,
    width,
)

Style = Literal["table", "adder"]
MOST_ADDRESS_BITS = 16
MOST_MEMORY_BITS = 2**26
# What a logic cell remembers, and how many of the p-bits of a product it takes besides the first.
_BITS, _INPUTS = 16, 3


@dataclass(frozen=True, eq=False)
class Cell:
    """terms: the units of each; weights: (d,); flips: (d,), 1 where a term is turned round; thresholds: (stages,
    2^address_bits, k - 1), 0 at addresses that do not occur."""

    style: Style
    terms: tuple[Others, ...]
    weights: Integers
    flips: Integers
    address_bits: int
    thresholds: Thresholds


def cell_of(
    netlist: Netlist, joined: Terms, unit: int, betas: Floats, precision: Precision, row: int, left: int
) -> Cell:
    """row: bits of a row of memory, of all stages; left: bits that there may be.

    Raises:
        PplError: it takes more (E712).
    """
    around = joined.neighbours(unit)
    table_bits = max(sum(width(k) for k in netlist.states[around]), 1)
    products = joined.products(unit)
    integers, step = _integers(products or {}, precision)
    adder_bits = max(sum(abs(j) for j in integers.values()).bit_length(), 1)
    areas: dict[Style, tuple[int, float]] = {"table": (table_bits, _memory(table_bits, row))}
    if integers:
        odd = sum(-(-(len(others) - 1) // _INPUTS) for others in integers)
        areas["adder"] = (adder_bits, _memory(adder_bits, row) + (len(integers) - 1) * adder_bits + odd)
    style = min(areas, key=lambda one: areas[one][1])
    bits, _ = areas[style]
    if bits > MOST_ADDRESS_BITS:
        said = f"`{netlist.names[unit]}` has {len(around)} neighbours, whose states or weights need 2^{bits} thresholds"
        coded = "" if products else "`--encoding domain-wall` makes p-bits without tables; "
        hint = f"{coded}`--fabric pairwise --degree 8` bounds neighbours; a larger KL makes weights coarse"
        raise refused(said, hint)
    if row << bits > left:
        raise too_much_memory()
    if style == "adder":
        return _adder(integers, step, float(netlist.bias[unit]), bits, betas, precision)
    return _table(netlist, joined, unit, around, bits, betas, precision)


def refused(said: str, hint: str) -> PplError:
    return PplError([Diagnostic("E712", f"this netlist cannot be written as hardware: {said}", hints=(hint,))])


def too_much_memory() -> PplError:
    said = f"it needs more than {MOST_MEMORY_BITS >> 20} Mbit of thresholds"
    return refused(said, "take fewer neighbours, or fewer values of β in its schedule, which each have thresholds")


def _memory(bits: int, row: int) -> float:
    """Logic cells that remember so many rows."""
    return math.ldexp(row, min(bits, 900)) / _BITS


def _integers(products: dict[Others, float], precision: Precision) -> tuple[dict[Others, int], float]:
    """Couplings as multiples of a step, the largest that there is."""
    scale = 2**precision.fraction_bits
    found = {others: round(k * scale) for others, k in products.items()}
    found = {others: k for others, k in found.items() if k}
    common = math.gcd(*found.values()) or 1
    return {others: k // common for others, k in found.items()}, common / scale


def _adder(
    integers: dict[Others, int], step: float, bias: float, bits: int, betas: Floats, precision: Precision
) -> Cell:
    weights = np.abs(np.array(list(integers.values()), np.int64))
    most = int(weights.sum())
    # Σ K Π m is twice what the terms weigh that are +1, less what all weigh.
    field = np.asarray(bias + step * (2.0 * np.arange(most + 1) - most), np.float64)
    thresholds = np.zeros((len(betas), 2**bits, 1), np.uint64)
    thresholds[:, : most + 1] = from_field(field, betas, precision.threshold_bits)
    # Π m of r p-bits is +1 where the number of ones among them is odd, if r is, and even, if r is.
    flips = np.array([int(k < 0) ^ (len(others) % 2 == 0) for others, k in integers.items()], np.int64)
    return Cell("adder", tuple(integers), weights, flips, bits, thresholds)


def _table(
    netlist: Netlist, joined: Terms, unit: int, around: Integers, bits: int, betas: Floats, precision: Precision
) -> Cell:
    counts = [int(k) for k in netlist.states[around]]
    states, rows = grid(counts)
    energy, violated = joined.conditional(unit, around, states)
    thresholds = np.zeros((len(betas), 2**bits, energy.shape[1] - 1), np.uint64)
    thresholds[:, rows] = from_energies(energy, violated, betas, precision.threshold_bits)
    weights = np.array([1 << at for at in bit_positions(counts)], np.int64)
    terms = tuple((int(other),) for other in around)
    return Cell("table", terms, weights, np.zeros(len(terms), np.int64), bits, thresholds)
