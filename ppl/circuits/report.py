"""The fidelity report, in words and as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ppl.hardware.fidelity import Fidelity
from ppl.hardware.netlist.netlist import Netlist


def to_text(netlist: Netlist, found: Fidelity, more: Sequence[tuple[str, str]] = ()) -> str:
    """more: rows that a target adds."""
    rows = [
        ("units", _listed([(found.pbits, "p-bits"), (found.pdits, "pdits")])),
        ("of these ancillas", str(found.ancillas)),
        ("couplings", _listed([(count, name) for name, count in found.couplings.items()])),
        ("largest degree", str(found.degree)),
        ("parts that nothing joins", str(found.parts)),
        ("colours", str(found.colours)),
        ("words", _words(netlist)),
        ("KL, predicted", f"{found.predicted_kl:.2g} nats at most" if found.predicted_kl else "0: exact"),
    ]
    if found.exact_kl is not None:
        rows.append(("KL of weights, by enumeration", f"{found.exact_kl:.2g} nats"))
    if found.valid is not None and found.valid < 1 - 1e-12:
        rows.append(("readouts that are valid", f"{100 * found.valid:.3g} %"))
    rows.extend(more)
    passes = [f"  {claim.name}: {claim.said}" for claim in netlist.provenance]
    return "\n".join([table(rows), "", "passes", *passes])


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Names and what is said of each."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def to_data(found: Fidelity) -> dict[str, Any]:
    return asdict(found)


def _listed(parts: list[tuple[int, str]]) -> str:
    return ", ".join(f"{count} {name}" for count, name in parts if count) or "none"


def _words(netlist: Netlist) -> str:
    p = netlist.precision
    if p is None:
        return "floating point"
    return f"weights of {p.fraction_bits} bits after the point, thresholds of {p.threshold_bits} bits"
