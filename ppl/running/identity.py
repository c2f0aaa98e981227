"""What makes two runs the same: everything that their draws depend on, as a checkpoint keeps it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import jax
import numpy as np

from ppl import __version__
from ppl.dataset import Dataset
from ppl.graph import ModelGraph
from ppl.inference.engines.shared import Settings
from ppl.inference.placing import here
from ppl.running.checkpoint import DATA, TEXT
from ppl.running.options import RunOptions
from ppl.running.record import clamped_attrs


def identity(graph: ModelGraph, dataset: Dataset, engine: Settings, options: RunOptions) -> dict[str, str]:
    """Names in words, with values as text."""
    settings = {f"`{name}`": json.dumps(value) for name, value in dataclasses.asdict(engine).items()}
    until = None if options.until is None else dataclasses.asdict(options.until)
    return {
        "the version of ppl": __version__,
        "the version of jax": jax.__version__,
        "the kind of device": here().devices[0].platform,
        TEXT: hashlib.sha256(graph.source.text.encode("utf-8", "surrogatepass")).hexdigest(),
        DATA: _digest(dataset),
        "`engine`": engine.name,
        **settings,
        "`chains`": str(options.chains),
        "`seed`": str(options.seed),
        "`set`": str(clamped_attrs(options.clamped).get("set")),
        "`centre`": json.dumps(options.centre),
        "`noncentre`": json.dumps(options.noncentre),
        "`save_warmup`": json.dumps(options.save_warmup),
        "`until`": json.dumps(until),
        "`initial`": options.initial,
    }


def _digest(dataset: Dataset) -> str:
    digest = hashlib.sha256()

    def add(*words: Any) -> None:
        digest.update(json.dumps(words).encode())

    for name, size in sorted(dataset.sizes.items()):
        add(name, size, dataset.labels.get(name))
    for kind, arrays in (("data", dataset.arrays), ("missing", dataset.missing)):
        for name, values in sorted(arrays.items()):
            add(kind, name, values.dtype.str, values.shape)
            digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
