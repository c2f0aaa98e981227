"""The order of updates: units of one colour at once, colours one after the other.

Updating neighbours at once would sample another law; the ends of every coupling therefore have different colours
(Gonzalez, Low, Gretton & Guestrin 2011, section 3.1).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ppl.hardware.netlist.netlist import Claim, Netlist, Schedule
from ppl.inference.discrete.colouring import colouring

BURN_IN = 100


def coloured(netlist: Netlist) -> Netlist:
    """With a chromatic schedule at β = 1."""
    colours = colouring(netlist.size, netlist.scopes)
    count = int(colours.max(initial=-1)) + 1
    schedule = Schedule("chromatic", colours, np.ones(1), BURN_IN, 1)
    claim = Claim("colour", f"colours, of which no two joined units have the same: {count}")
    return replace(netlist, schedule=schedule, provenance=(*netlist.provenance, claim))
