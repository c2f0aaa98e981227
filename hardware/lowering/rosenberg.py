"""Products of many spins by ancillas that stand for pairs, with rejection.

Rosenberg 1975 ("Reduction of bivalent maximization to the quadratic case"): an ancilla z takes the place of x y, and
M (x y - 2 x z - 2 y z + 3 z) of its bits is 0 where z = x y and at least M elsewhere. In spins, a b = 2 z - a - b + 1
there. Readouts with another z are rejected, and the law of the others is exact for every M.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np

from ppl.errors import Diagnostic, PplError
from ppl.hardware.lowering.ancillas import of_order, with_units
from ppl.hardware.lowering.encoding import of_one_width
from ppl.hardware.lowering.products import Products
from ppl.hardware.netlist.netlist import Claim, Netlist, Patterns

MOST_TERMS = 10**6
# States of a, b and z in which z is not their product.
_WRONG = np.array([[1, 1, 0], [0, 0, 1], [0, 1, 1], [1, 0, 1]])
Units = tuple[int, ...]
Pair = tuple[int, int]


def reduced(netlist: Netlist, most: int, strength: float = 1.0) -> Netlist:
    """With products of at most so many spins, two at least.

    Raises:
        PplError: there would be too many (E720).
    """
    high = {tuple(row): -k for one in netlist.bodies for row, k in zip(one.units.tolist(), one.coupling, strict=True)}
    work = [(units, float(energy)) for units, energy in high.items() if len(units) > most]
    if not work:
        return netlist
    common = Counter(pair for units, _ in work for pair in combinations(units, 2))
    done: dict[Units, float] = {units: energy for units, energy in high.items() if len(units) <= most}
    ancillas: dict[Pair, int] = {}
    terms = 0
    while work:
        units, energy = work.pop()
        if len(units) <= most:
            done[units] = done.get(units, 0.0) + energy
            terms += 1
            continue
        if terms > MOST_TERMS:
            title = f"products of up to {max(map(len, high))} spins become more than {MOST_TERMS} of {most}"
            raise PplError([Diagnostic("E720", title, hints=("leave `--fabric` as it is: tables take them",))])
        a, b = max(combinations(units, 2), key=lambda pair: (common[pair], -pair[0], -pair[1]))
        z = ancillas.setdefault((a, b), netlist.size + len(ancillas))
        rest = tuple(u for u in units if u not in (a, b))
        more = (((*rest, z), 2 * energy), ((*rest, a), -energy), ((*rest, b), -energy), (rest, energy))
        work += [(tuple(sorted(new)), e) for new, e in more]
    names = list(netlist.names)
    for a, b in ancillas:  # of ancillas too, which come before
        names.append(f"and({names[a]}, {names[b]})")
    wide = with_units(netlist, names[netlist.size :])
    products = Products(wide.size)
    products.add_netlist(netlist, below=3)
    of_order(products, done)
    _penalise(products, ancillas, done, strength)
    rows = np.array([(a, b, z) for (a, b), z in ancillas.items()], np.int64)
    wrong = Patterns(np.repeat(rows, len(_WRONG), axis=0), np.tile(_WRONG, (len(rows), 1)))
    said = f"ancillas for products of two spins (Rosenberg), wrong ones rejected at readout: {len(ancillas)}"
    return replace(
        products.into(wide),
        invalid=of_one_width([*netlist.invalid, wrong]),
        provenance=(*netlist.provenance, Claim("reduce", said)),
    )


def _penalise(products: Products, ancillas: dict[Pair, int], terms: dict[Units, float], strength: float) -> None:
    """By log V + σ, where σ is of the field on each ancilla (see `encoding`)."""
    variance = dict.fromkeys(ancillas.values(), 0.0)
    for units, energy in terms.items():
        for unit in units:
            if unit in variance:
                variance[unit] += energy**2
    for (a, b), z in ancillas.items():
        m = strength * (math.log(3 * len(ancillas)) + 2 * math.sqrt(variance[z]))
        shares = {(): 0.75, (a,): -0.25, (b,): -0.25, (z,): 0.5, (a, b): 0.25, (a, z): -0.5, (b, z): -0.5}
        of_order(products, {units: m * share for units, share in shares.items()})
