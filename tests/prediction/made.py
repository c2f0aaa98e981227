"""Fits with draws of our choice, so that predictions have closed forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ppl.model import Model
from ppl.results.container import Layout, to_arviz


def made_fit(model: Model, data: Any, draws: Mapping[str, Any]) -> Any:
    """A container as `sample` returns it. draws: (chains, draws, *shape) of each latent, or one value for all draws
    if there is a single one with `repeat` draws."""
    dataset = model.bind(data).dataset
    layout = Layout.of(model.graph, dataset)
    dims = {latent.name: latent.dims for latent in model.graph.latents}
    inputs = {declared.name: declared.dims for declared in model.graph.inputs}
    groups = {
        "posterior": layout.dataset({name: np.asarray(values) for name, values in draws.items()}, dims),
        "constant_data": layout.dataset(dict(dataset.arrays), inputs, leading=()),
    }
    return to_arviz(groups, {"model": model.text, "model_name": "made.ppl"})


def constant(value: Any, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The same value for each draw of one chain."""
    array = np.asarray(value, np.float64)
    return np.broadcast_to(array, (1, count, *array.shape)).copy()


def close(found: Any, expected: Any, count: int, spread: Any, sigmas: float = 4.5) -> None:
    """Whether means of `count` independent draws with this standard deviation are the expected ones."""
    error = np.abs(np.asarray(found) - np.asarray(expected))
    limit = sigmas * np.asarray(spread) / np.sqrt(count)
    assert (error <= limit).all(), (found, expected, limit)


def moments(draws: Any, mean: Any, covariance: Any) -> None:
    """Whether Gaussian draws, (count, n), have this mean, (n,), and covariance, (n, n)."""
    count = len(draws)
    mean, covariance = np.asarray(mean), np.asarray(covariance)
    scale = np.sqrt(np.diagonal(covariance))
    close(draws.mean(axis=0), mean, count, scale)
    spread = np.sqrt(covariance**2 + np.outer(scale**2, scale**2))  # of a product of two Gaussians
    close(np.cov(draws, rowvar=False, ddof=0).reshape(covariance.shape), covariance, count, spread)
