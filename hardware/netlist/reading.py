"""A netlist from its JSON text, with everything in it checked: what is wrong is said with its place in the file."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ppl.errors import Diagnostic, PplError
from ppl.hardware.laws.files import read_readout
from ppl.hardware.netlist.entry import Entry
from ppl.hardware.netlist.netlist import (
    DISCIPLINES,
    ENCODINGS,
    Bodies,
    Claim,
    Netlist,
    Patterns,
    Precision,
    Schedule,
    Tables,
    Variable,
    no_bodies,
)
from ppl.hardware.netlist.problem import Wrong
from ppl.hardware.netlist.validity import check
from ppl.hardware.netlist.writing import FORMAT, VERSION

MOST_UNITS = 10_000_000
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def from_text(text: str, name: str) -> Netlist:
    """name: of the file, for messages.

    Raises:
        PplError: it is no netlist (E702), one of a newer version (E703), or contradicts itself (E704).
    """
    return from_data(contents(text, name), name)


def from_data(data: Mapping[str, Any], name: str) -> Netlist:
    """From `contents`.

    Raises:
        PplError: it contradicts itself (E704).
    """
    with placed(name):
        if data.get("kind") is not None:
            raise Wrong(f"kind is {data['kind']!r}, and this takes p-bits and pdits, which have none")
        netlist = _netlist(Entry(data, ""))
        check(netlist)
    return netlist


def parsed(text: str) -> Any:
    """What a JSON text says. Raises Wrong."""
    try:
        data = json.loads(text)
        # Half a character, which JSON can write and no file can hold.
        if _HALF.search(text) is not None:
            json.dumps(data, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise Wrong("it has a text that is not Unicode, `\\ud800` or the like alone") from None
    except (ValueError, RecursionError) as error:
        raise Wrong(f"it is cut off or no JSON: {error}") from None
    return data


def contents(text: str, name: str) -> Mapping[str, Any]:
    """What a netlist of any kind says.

    Raises:
        PplError: it is no netlist (E702), or one of a newer version (E703).
    """
    try:
        data = parsed(text)
    except Wrong as wrong:
        hint = "it may have been cut off; write it anew with `ppl compile`"
        raise _refused("E702", f"{name} is no netlist: {wrong}", hint) from None
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        raise _refused("E702", f'{name} is no netlist: it does not begin with "format": "{FORMAT}"')
    version = data.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _refused("E702", f"{name} is no netlist: its version is {version!r}")
    if version > VERSION:
        hint = f"this ppl reads up to version {VERSION}; take the one that wrote it, or a newer one"
        raise _refused("E703", f"{name} is a netlist of version {version}", hint)
    return data


@contextlib.contextmanager
def placed(name: str) -> Iterator[None]:
    """What is wrong inside is told of the file of this name (E704)."""
    try:
        yield
    except Wrong as wrong:
        raise _refused("E704", f"{name}: {wrong}") from None


def _netlist(entry: Entry) -> Netlist:
    units = entry.of("units").each()
    if len(units) > MOST_UNITS:
        raise entry.of("units").wrong(f"has more than {MOST_UNITS} units")
    states = np.array([_states(unit) for unit in units], np.int64)
    pairs, bodies, tables = _couplings(entry.of("couplings").each())
    clamped = np.full(len(units), -1, np.int64)
    for clamp in entry.of("clamps").each():
        at = clamp.of("unit").whole()
        if at >= len(units):
            raise clamp.of("unit").wrong(f"is {at}, but there are {len(units)} units")
        clamped[at] = clamp.of("state").whole()
    variables = tuple(_variable(one) for one in entry.of("variables").each())
    invalid, computed = entry.maybe("invalid"), entry.maybe("computed")
    budget, schedule, precision = entry.maybe("budget"), entry.maybe("schedule"), entry.maybe("precision")
    return Netlist(
        name=entry.of("name").text(),
        names=tuple(unit.of("name").text() for unit in units),
        states=states,
        bias=entry.of("biases").numbers(1),
        pairs=pairs,
        bodies=bodies,
        tables=tables,
        offset=entry.of("offset").number(),
        clamped=clamped,
        variables=variables,
        computed=None if computed is None else read_readout(computed, sum(one.size for one in variables)),
        invalid=() if invalid is None else tuple(_patterns(one) for one in invalid.each()),
        schedule=None if schedule is None else _schedule(schedule),
        precision=None if precision is None else _precision(precision),
        budget=None if budget is None else budget.number(),
        provenance=tuple(claim(one) for one in entry.of("provenance").each()),
        source=dict(entry.of("source").value) if isinstance(entry.of("source").value, Mapping) else {},
    )


def _states(unit: Entry) -> int:
    return 2 if unit.of("kind").one_of(("pbit", "pdit")) == "pbit" else unit.of("states").whole(2)


def _couplings(entries: list[Entry]) -> tuple[Bodies, tuple[Bodies, ...], tuple[Tables, ...]]:
    pairs, bodies, tables = no_bodies(2), [], []
    for entry in entries:
        kind = entry.of("kind").one_of(("pair", "kbody", "table"))
        units = entry.of("units").integers(2)
        if kind == "table":
            tables.append(Tables(units, entry.of("energy").numbers(units.shape[1] + 1, forbidding=True)))
            continue
        found = Bodies(units, entry.of("coupling").numbers(1))
        if kind == "pair":
            pairs = found
        else:
            bodies.append(found)
    return pairs, tuple(bodies), tuple(tables)


def _patterns(entry: Entry) -> Patterns:
    return Patterns(entry.of("units").integers(2), entry.of("states").integers(2))


def _variable(entry: Entry) -> Variable:
    strength = entry.maybe("strength")
    return Variable(
        name=entry.of("name").text(),
        dims=tuple(one.text() for one in entry.of("dims").each()),
        shape=tuple(one.whole() for one in entry.of("shape").each()),
        element=entry.of("element").text(),
        values=entry.of("values").integers(1),
        encoding=entry.of("encoding").one_of(ENCODINGS),
        units=entry.of("units").integers(2),
        fixed=entry.of("fixed").integers(1),
        strength=None if strength is None else strength.number(),
    )


def _schedule(entry: Entry) -> Schedule:
    return Schedule(
        discipline=entry.of("discipline").one_of(DISCIPLINES),
        colours=entry.of("colours").integers(1),
        betas=entry.of("betas").numbers(1),
        burn_in=entry.of("burn_in").whole(),
        thin=entry.of("thin").whole(1),
    )


def _precision(entry: Entry) -> Precision:
    return Precision(entry.of("fraction_bits").whole(), entry.of("threshold_bits").whole(1))


def claim(entry: Entry) -> Claim:
    kl = entry.of("kl")
    if not isinstance(kl.value, int | float) or not 0 <= kl.value < math.inf:
        raise kl.wrong("is no number of nats")
    return Claim(entry.of("pass").text(), entry.of("claim").text(), float(kl.value))


def _refused(code: str, title: str, *hints: str) -> PplError:
    return PplError([Diagnostic(code, title, hints=hints)])
