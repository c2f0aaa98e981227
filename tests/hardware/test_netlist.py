"""Netlists as text: what is written is read back, and what is wrong is told with its place."""

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
from ppl.hardware.energies import energies
from ppl.hardware.exact import product
from ppl.hardware.lowering.direct import direct
from ppl.hardware.netlist.netlist import Claim, Precision, Schedule
from ppl.hardware.netlist.reading import from_text
from ppl.hardware.netlist.writing import to_data, to_text
from tests.hardware.random_graphs import random_graph


def netlist(seed: int = 2) -> Any:
    made = direct(random_graph(seed, most_states=200, hard=True))
    return replace(
        made,
        schedule=Schedule("chromatic", np.arange(made.size), np.array([0.5, 1.0]), 10, 2),
        precision=Precision(8, 16),
        budget=1e-3,
        clamped=np.where(np.arange(made.size) == 1, 0, -1),
        provenance=(*made.provenance, Claim("quantise", "8 bits after the point", 2.5e-4)),
        source={"model": "q0 ~ …"},
    )


@pytest.mark.parametrize("seed", range(10))
def test_what_is_written_is_read_back(seed: int) -> None:
    made = netlist(seed)
    text = to_text(made)
    again = from_text(text, "n.json")
    assert to_text(again) == text
    states = product(range(k) for k in made.states)
    np.testing.assert_array_equal(energies(again, states), energies(made, states))
    np.testing.assert_array_equal(again.clamped, made.clamped)


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


# How a good netlist is spoilt, the code, and what is said of it.
WRONG = {
    "another format": (_set("format", "other"), "E702", 'does not begin with "format"'),
    "no version": (_set("version", "1"), "E702", "its version is '1'"),
    "a newer version": (_set("version", 99), "E703", "version 99"),
    "no units": (_set("units", ...), "E704", "there is no `units`"),
    "two units of one name": (_set("units", 1, "name", "q0"), "E704", "2 units are called `q0`"),
    "another kind of unit": (_set("units", 0, "kind", "qubit"), "E704", "units[0].kind is 'qubit'"),
    "too few biases": (_set("biases", [0.0]), "E704", "biases has 1 elements"),
    "a weight that is not finite": (_set("offset", math.inf), "E704", "offset has an element that is not finite"),
    "text as a weight": (_set("biases", 0, "much"), "E704", "biases has an element that is no number"),
    "an unknown unit": (_set("couplings", 0, "units", 0, [0, 77]), "E704", "names unit 77, but there are"),
    "a unit with itself": (_set("couplings", 0, "units", 0, [0, 0]), "E704", "joins `q0` with itself"),
    "a coupling too many": (_set("couplings", 0, "coupling", [1.0] * 50), "E704", "but 50 numbers"),
    "a clamp beyond the states": (_set("clamps", 0, "state", 5), "E704", "has no state 5"),
    "a clamp of no unit": (_set("clamps", 0, "unit", 500), "E704", "clamps[0].unit is 500"),
    "an edge inside a colour": (
        _set("schedule", "colours", [0] * 20),
        "E704",
        "schedule.colours needs a colour of each",
    ),
    "no temperature": (_set("schedule", "betas", []), "E704", "schedule.betas needs at least one number"),
    "an unknown discipline": (_set("schedule", "discipline", "all"), "E704", "schedule.discipline is 'all'"),
    "a variable without units": (_set("variables", 0, "units", []), "E704", "the variable `q0`"),
    "a rejection of an unknown unit": (
        _set("invalid", [{"units": [[0, 77]], "states": [[0, 0]]}]),
        "E704",
        "invalid names unit 77",
    ),
    "a rejection of no state": (
        _set("invalid", [{"units": [[0, 1]], "states": [[0, 9]]}]),
        "E704",
        "invalid: `q1` has no state 9",
    ),
    "a rejection of too few states": (
        _set("invalid", [{"units": [[0, 1]], "states": [[0]]}]),
        "E704",
        "invalid: units and states have different shapes",
    ),
    "a strength of no number": (_set("variables", 0, "strength", "much"), "E704", "variables[0].strength has"),
    "a claim of no number": (_set("provenance", 0, "kl", "none"), "E704", "provenance[0].kl is no number of nats"),
    "a bad word length": (_set("precision", "threshold_bits", 0), "E704", "precision.threshold_bits is 0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_its_place(name: str) -> None:
    change, code, said = WRONG[name]
    data = copy.deepcopy(to_data(netlist()))
    change(data)
    with pytest.raises(PplError) as error:
        from_text(json.dumps(data), "n.json")
    assert error.value.diagnostics[0].code == code
    assert said in error.value.diagnostics[0].title


def test_units_that_are_joined_may_not_have_one_colour() -> None:
    made = netlist()
    first, second = made.pairs.units[0]
    colours = np.arange(made.size)
    colours[second] = colours[first]
    data = to_data(made)
    data["schedule"]["colours"] = colours.tolist()
    with pytest.raises(PplError, match="are joined, and two of them have one colour"):
        from_text(json.dumps(data), "n.json")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.999])
def test_a_file_that_was_cut_off_is_no_netlist(share: float) -> None:
    text = to_text(netlist())
    with pytest.raises(PplError) as error:
        from_text(text[: int(share * (len(text) - 3))], "n.json")
    assert error.value.diagnostics[0].code == "E702"


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("variables", 0), 1, "variables[0] is no object"),
        (("units", 0, "name"), "\ud800", "is not Unicode"),
        (("schedule", "burn_in"), 10**30, "which is too large"),
        (("biases", 0), 10**30, "has a whole number that is too large"),
        (("biases", 0), 1e31, "beyond ±1e+30"),
        (("offset",), -1e31, "beyond ±1e+30"),
        (("schedule", "betas", 0), 1e300, "or above 1e+06"),
        (("couplings", 0), {"kind": "pair", "units": [[1, 3], [3, 1]], "coupling": [1.0, 2.0]}, "more than once"),
    ],
)
def test_numbers_and_texts_that_nothing_can_hold(place: tuple[str | int, ...], value: object, said: str) -> None:
    data = json.loads(to_text(netlist()))
    within = data
    for step in place[:-1]:
        within = within[step]
    within[place[-1]] = value
    with pytest.raises(PplError) as error:
        from_text(json.dumps(data), "n.json")
    assert error.value.diagnostics[0].code in ("E702", "E704")
    assert said in str(error.value)
