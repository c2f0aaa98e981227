"""Quantities as units, one each: of two values a p-bit, of more a pdit. Exact."""

from __future__ import annotations

from ppl.hardware.factors import FactorGraph
from ppl.hardware.lowering.encoding import encoded
from ppl.hardware.netlist.netlist import Netlist


def direct(graph: FactorGraph) -> Netlist:
    """The netlist with the same law as the factor graph, unit i for site i."""
    return encoded(graph, "direct")
