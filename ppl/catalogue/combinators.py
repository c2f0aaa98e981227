"""The combinators of the language, as a table: distributions made from others. No JAX here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class CombinatorSpec:
    """One row.

    signature: as a reader writes it. meaning: one clause. formula: its density, in plain mathematics, where p, F and S
    are the density, distribution function and survival function of `d`. numbers: its own parameters, by name; those
    in `leading` come before the distributions, the others after them.
    """

    name: str
    signature: str
    meaning: str
    formula: str
    numbers: tuple[str, ...] = ()
    leading: tuple[str, ...] = ()


COMBINATORS: Mapping[str, CombinatorSpec] = {
    spec.name: spec
    for spec in (
        CombinatorSpec(
            "truncated",
            "truncated(d, lower=, upper=)",
            "d restricted to a range and normalised there",
            "p(x) / P(lower <= X <= upper) from lower to upper",
            numbers=("lower", "upper"),
        ),
        CombinatorSpec(
            "censored",
            "censored(d, lower=, upper=)",
            "data of which values beyond a bound are known only to be beyond it",
            "p(x) between the bounds; P(X <= lower) at the lower one, P(X >= upper) at the upper one",
            numbers=("lower", "upper"),
        ),
        CombinatorSpec(
            "ordered",
            "ordered(d)",
            "independent draws from d, put in increasing order",
            "n! prod p(x[k]) where x increases",
        ),
        CombinatorSpec(
            "zerosum",
            "zerosum(d)",
            "independent draws from a Normal of mean 0, given that they sum to zero",
            "prod p(x[k]) / P0 where sum x = 0, on that hyperplane, with P0 = 1 / (scale sqrt(2 pi)) for each sum",
        ),
        CombinatorSpec(
            "mixture",
            "mixture(w, d1, d2, ...)",
            "a draw from one of several distributions, chosen by weight",
            "sum w[k] p_k(x), with p_k the density of the k-th",
            numbers=("weights",),
            leading=("weights",),
        ),
        CombinatorSpec(
            "zeroinflated",
            "zeroinflated(p, d)",
            "zero with probability p, else a draw from d",
            "probability (x = 0) + (1 - probability) p(x); of a continuous d, probability at 0 and "
            "(1 - probability) p(x) elsewhere",
            numbers=("probability",),
            leading=("probability",),
        ),
    )
}
