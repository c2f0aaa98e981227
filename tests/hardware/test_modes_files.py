"""Netlists of modes as text: what is written is read back, and what is wrong is told with its place."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ppl.errors import PplError
from ppl.hardware.analogue.dynamics import Overdamped, Regulator, Underdamped
from ppl.hardware.analogue.modes import Modes
from ppl.hardware.analogue.reading import from_text
from ppl.hardware.analogue.writing import to_data, to_text
from ppl.hardware.laws.law import Builder
from ppl.hardware.laws.readout import Reading, Readout
from ppl.hardware.netlist.netlist import Claim


def made() -> Modes:
    """E = x² + y² / 2 + x y / 2 - x + e^y, of which y = log s is shown as s."""
    builder = Builder(2)
    grown = builder.apply("exp", 1)
    bounded = builder.apply("max", grown, builder.constant(-math.inf))
    force = builder.law([builder.constant(0.0), builder.combine([(-1.0, bounded)])])
    products = [builder.apply("multiply", *pair) for pair in ((0, 0), (1, 1), (0, 1))]
    terms = [(1.0, products[0]), (0.5, products[1]), (0.5, products[2]), (-1.0, 0), (1.0, grown)]
    return Modes(
        name="m",
        names=("x", "s"),
        precision=np.array([[2.0, 0.5], [0.5, 1.0]]),
        bias=np.array([1.0, 0.0]),
        offset=0.25,
        force=force,
        energy=builder.law([builder.combine(terms)]),
        readout=Readout((Reading("x", (), ()), Reading("s", (), ())), builder.law([0, grown])),
        dynamics=Underdamped(np.array([1.0, 2.0]), 0.5),
        regulator=Regulator(0.1, 0.05),
        provenance=(Claim("modes", "2 modes"),),
        source={"model": "x ~ …"},
    )


VARIANTS = {
    "a force": made(),
    "a Gaussian": replace(made(), force=None, energy=None, dynamics=Overdamped(np.array([0.1, 1 / 3])), regulator=None),
    "nothing said": replace(made(), dynamics=None, regulator=None),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_what_is_written_is_read_back(name: str) -> None:
    modes = VARIANTS[name]
    text = to_text(modes)
    again = from_text(text, "m.json")
    assert to_text(again) == text
    assert (again.force, again.energy, again.readout, again.regulator) == (
        modes.force,
        modes.energy,
        modes.readout,
        modes.regulator,
    )
    np.testing.assert_array_equal(again.precision, modes.precision)
    np.testing.assert_array_equal(again.bias, modes.bias)
    assert type(again.dynamics) is type(modes.dynamics)
    for key, value in vars(modes.motion).items():
        np.testing.assert_array_equal(getattr(again.motion, key), value)


def _set(*path: Any) -> Callable[[dict[str, Any]], None]:
    *where, name, value = path

    def change(data: dict[str, Any]) -> None:
        entry: Any = data
        for step in where:
            entry = entry[step]
        if value is ...:
            del entry[name]
        else:
            entry[name] = value

    return change


# How a good netlist is spoilt, and what is said of it.
WRONG = {
    "no units": (_set("units", []), "units has 0 units"),
    "two units of one name": (_set("units", 1, "name", "x"), "2 units that are called `x`"),
    "a p-bit": (_set("units", 0, "kind", "pbit"), "units[0].kind is 'pbit'"),
    "another kind": (_set("kind", "spins"), "kind is 'spins'"),
    "too few biases": (_set("biases", [0.0]), "biases has 1 elements"),
    "an entry below the diagonal": (_set("precision", 1, "columns", [0]), "precision[1] has a place"),
    "an entry beyond": (_set("precision", 0, "columns", [0, 2]), "precision[0] has a place"),
    "a column twice": (_set("precision", 0, "columns", [1, 1]), "precision[0] needs one value"),
    "no energy": (_set("energy", ...), "needs `force` and `energy`"),
    "an unknown operation": (_set("force", "steps", 0, ["cosh", 0]), "force.steps[0][0] is 'cosh'"),
    "a node that is not there yet": (_set("force", "steps", 0, ["exp", 9]), "force.steps[0][1] is 9"),
    "an argument too many": (_set("energy", "steps", 0, ["exp", 0, 1]), "`exp` takes 1"),
    "a weight too many": (_set("readout", "steps", 0, ["combine", 0.0, [0], [1.0, 2.0]]), "one weight for each node"),
    "an output too few": (_set("readout", "outputs", [0]), "readout.outputs has 1 nodes"),
    "an output of no node": (_set("readout", "outputs", [0, 99]), "readout.outputs[1] is 99"),
    "a force on other modes": (_set("force", "inputs", 3), "force.inputs is 3"),
    "no mass": (_set("dynamics", "mass", [1.0, 0.0]), "dynamics.mass has an element"),
    "no friction": (_set("dynamics", "friction", 0), "dynamics.friction is 0"),
    "a latency below 0": (_set("regulator", "latency", -1), "regulator.latency is below 0"),
    "a regulator of something else": (_set("regulator", "driven", "noise"), "regulator.driven is 'noise'"),
    "a shape without dims": (_set("readout", "readings", 0, "shape", [1]), "readings[0] has dims and a shape"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_its_place(name: str) -> None:
    change, said = WRONG[name]
    data = copy.deepcopy(to_data(made()))
    change(data)
    with pytest.raises(PplError) as error:
        from_text(json.dumps(data), "m.json")
    assert error.value.diagnostics[0].code == "E704"
    assert said in error.value.diagnostics[0].title
