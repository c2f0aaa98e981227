"""Graphs of the models that the tests of lowering share, with data of any size."""

from __future__ import annotations

import numpy as np

from ppl.dataset import Dataset
from ppl.graph import Axis, ModelGraph
from ppl.types import IndexOf, Scalar
from tests.density.build import (
    add,
    call,
    data,
    dataset,
    dist,
    graph,
    latent,
    mul,
    number,
    observe,
    read,
    sum_over,
    term,
)


def radon() -> ModelGraph:
    """A varying intercept, gathered by the county of each home."""
    o, c = Axis("obs", "obs"), Axis("county", "county")
    home = read("county_of", o, element=IndexOf("county"))
    floor = read("floor", o, element=Scalar.BOOL)
    level = add(read("a"), mul(read("g"), read("uranium", c)))
    mean = add(read("alpha", home), mul(read("b"), floor))
    return graph(
        ["obs", "county"],
        data("y", "obs"),
        data("floor", "obs", element=Scalar.BOOL),
        data("uranium", "county"),
        data("county_of", "obs", element=IndexOf("county")),
        *(n for name in "abg" for n in (latent(name), term(read(name), dist("Normal", mean=0, scale=5)))),
        latent("tau", support="positive"),
        term(read("tau"), dist("HalfNormal", scale=1)),
        latent("sigma", support="positive"),
        term(read("sigma"), dist("HalfNormal", scale=1)),
        latent("alpha", "county"),
        term(read("alpha", c), dist("Normal", mean=level, scale=read("tau"))),
        observe(read("y", o), dist("Normal", mean=mean, scale=read("sigma"))),
    )


def radon_data(homes: int, counties: int, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    where = rng.choice(counties, homes, p=rng.dirichlet(np.full(counties, 0.7)))
    return dataset(
        {"obs": homes, "county": counties},
        y=rng.normal(size=homes),
        floor=rng.random(homes) < 0.3,
        uranium=rng.normal(size=counties),
        county_of=where,
    )


def items() -> ModelGraph:
    """A two-parameter item response model: two gathers, one of them read twice."""
    o, p, i = Axis("obs", "obs"), Axis("p", "person"), Axis("i", "item")
    person = read("person_of", o, element=IndexOf("person"))
    item = read("item_of", o, element=IndexOf("item"))
    logit = mul(read("slope", item), call("subtract", read("ability", person), read("difficulty", item)))
    return graph(
        ["obs", "person", "item"],
        data("right", "obs", element=Scalar.BOOL),
        data("person_of", "obs", element=IndexOf("person")),
        data("item_of", "obs", element=IndexOf("item")),
        latent("ability", "person"),
        term(read("ability", p), dist("Normal", mean=0, scale=1)),
        latent("difficulty", "item"),
        term(read("difficulty", i), dist("Normal", mean=0, scale=2)),
        latent("slope", "item", support="positive"),
        term(read("slope", i), dist("LogNormal", location=0, scale=0.5)),
        observe(read("right", o, element=Scalar.BOOL), dist("BernoulliLogit", logit=logit)),
    )


def items_data(persons: int, count: int, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    n = persons * count
    return dataset(
        {"obs": n, "person": persons, "item": count},
        right=rng.random(n) < 0.5,
        person_of=np.repeat(np.arange(persons), count),
        item_of=np.tile(np.arange(count), persons),
    )


def regression() -> ModelGraph:
    """A logistic regression on a matrix of features, on the positive ones of a filter."""
    o, k, j = Axis("obs", "obs"), Axis("k", "feature"), Axis("j", "feature")
    logit = add(read("a"), sum_over(mul(read("X", o, k), read("b", k)), k))
    kept = read("kept", o, element=Scalar.BOOL)
    return graph(
        ["obs", "feature"],
        data("X", "obs", "feature"),
        data("y", "obs", element=Scalar.BOOL),
        data("kept", "obs", element=Scalar.BOOL),
        latent("a"),
        term(read("a"), dist("Normal", mean=0, scale=number(5))),
        latent("b", "feature"),
        term(read("b", j), dist("Normal", mean=0, scale=1)),
        observe(read("y", o, element=Scalar.BOOL), dist("BernoulliLogit", logit=logit), where=kept),
    )


def regression_data(rows: int, features: int, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    return dataset(
        {"obs": rows, "feature": features},
        X=rng.normal(size=(rows, features)),
        y=rng.random(rows) < 0.5,
        kept=rng.random(rows) < 0.8,
    )
