"""Summary and diagnosis of a whole fit, in memory or read from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ppl.compiler.check import check
from ppl.errors import PplError
from ppl.grammar.parser import parse
from ppl.graph import ModelGraph
from ppl.results.container import OF_A_FIT, OF_A_PRIOR, Groups, from_arviz
from ppl.results.diagnosis import Diagnosis
from ppl.results.diagnosis import diagnose as diagnose_groups
from ppl.results.summary import Summary, joined
from ppl.results.summary import summarise as summarise_group
from ppl.results.wording import Say, in_python
from ppl.running.record import decode_attrs
from ppl.source import Source


def diagnose(fit: Any) -> Diagnosis:
    """Whether the draws of an ArviZ container can be trusted, in words with remedies.

    Raises:
        TypeError: it is no container with draws of `sample`.
    """
    groups, attrs = from_arviz(fit)
    reason = nothing_to_judge(groups, attrs)
    if reason is not None:
        raise TypeError(f"expected what `model.sample` returns. {reason}")
    return judge(groups, attrs)[1]


def nothing_to_judge(groups: Groups, attrs: Mapping[str, Any]) -> str | None:
    """Why there is no convergence to judge; None if there is."""
    if "posterior" not in groups and "predictions" not in groups:
        return "These are independent draws from a prior: there is no convergence to judge."
    if "posterior" not in groups or "fit_created_at" in attrs:
        return "These are predictions: the fit that they come from says whether its draws can be trusted."
    return None


def summarise(fit: Any) -> Summary:
    """Statistics of every scalar of the posterior and of the predictions of an ArviZ container, or of the prior and its
    predictions.

    Raises:
        TypeError: it is no container with draws.
    """
    return summarise_groups(from_arviz(fit)[0])


def summarise_groups(groups: Groups, only: Sequence[str] = ()) -> Summary:
    """Of the quantities in `only`, if any are named."""
    shown = [g for g in OF_A_FIT if g in groups] or [g for g in OF_A_PRIOR if g in groups]
    wanted = {group: [n for n in only if n in groups[group]] for group in shown}
    parts = [summarise_group(groups[g], names) for g, names in wanted.items() if names or not only]
    return joined(*parts)


def judge(
    groups: Groups, attrs: Mapping[str, Any], graph: ModelGraph | None = None, say: Say = in_python
) -> tuple[Summary, Diagnosis]:
    """Both at once; the graph is made again from the model's text in the attributes if it is not given."""
    posterior = summarise_group(groups["posterior"])
    parts = [posterior, *(summarise_group(groups[group]) for group in OF_A_FIT[1:] if group in groups)]
    # Predictions follow from the posterior: they have nothing of their own to say of convergence.
    diagnosis = diagnose_groups(groups, posterior, graph or _graph(attrs), decode_attrs(attrs), say)
    return joined(*parts), diagnosis


def _graph(attrs: Mapping[str, Any]) -> ModelGraph | None:
    text = attrs.get("model")
    if not isinstance(text, str):
        return None
    try:
        return check(parse(Source(Path(str(attrs.get("model_name", "<model>"))).name, text))).graph
    except PplError:
        return None  # written by another version of the language
