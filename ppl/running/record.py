"""What a file of results says about the run that made it.

Two things in it are measured and differ between any two runs: when it was made, and how long it took. Where the
environment has SOURCE_DATE_EPOCH, as builds do that are to be the same bytes each time, the first is that time and the
second is left out.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from ppl import __version__
from ppl.errors import Diagnostic, Exit, PplError
from ppl.graph import ModelGraph
from ppl.inference.contract import Remark
from ppl.inference.engines.shared import Settings
from ppl.running.until import Until
from ppl.source import Source


def make_attrs(graph: ModelGraph, engine: Settings, chains: int, seed: int) -> dict[str, Any]:
    """What is known before a run: plain strings and numbers, as netCDF takes them; mappings as JSON."""
    settings = json.dumps(dataclasses.asdict(engine))
    chosen = {"engine": engine.name, "settings": settings, "draws_are": engine.draws_are}
    return {**provenance(graph.source, seed), **chosen, "chains": chains}


def provenance(source: Source, seed: int) -> dict[str, Any]:
    """The model, the seed and the versions that made a container."""
    from ppl.inference.placing import here  # imports JAX

    return {
        "inference_library": "ppl",
        "inference_library_version": __version__,
        "created_at": (_given_time() or datetime.now(UTC)).isoformat(timespec="seconds"),
        "model": source.text,
        "model_name": source.name,
        "seed": seed,
        "versions": json.dumps(
            {
                "python": platform.python_version(),
                **{name: _version(name) for name in ("jax", "numpy", "xarray", "arviz")},
            }
        ),
        "platform": f"{sys.platform} {platform.machine()}",
        "device": here().devices[0].device_kind,
    }


def clamped_attrs(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """What was clamped from outside; nothing if nothing was."""
    if not given:
        return {}
    return {"set": json.dumps({name: np.asarray(value).tolist() for name, value in given.items()})}


def centring_attrs(forms: Mapping[str, str]) -> dict[str, Any]:
    """In which coordinates latents with a location and a scale were sampled."""
    return {"centring": json.dumps(dict(forms))} if forms else {}


def remark_attrs(remarks: Sequence[Remark]) -> dict[str, Any]:
    """What the engine said of its draws."""
    read = [
        {
            "name": remark.name,
            "verdict": remark.verdict,
            "title": remark.title,
            "details": list(remark.details),
            "remedies": [(remedy.text, dict(remedy.settings)) for remedy in remark.remedies],
            "values": dict(remark.values),
        }
        for remark in remarks
    ]
    return {"remarks": json.dumps(read)} if read else {}


def until_attrs(until: Until | None, remarks: Sequence[Remark]) -> dict[str, Any]:
    """What the draws should have been like, and whether they were when the run ended."""
    if until is None:
        return {}
    asked = {name: value for name, value in dataclasses.asdict(until).items() if value is not None}
    found = next((remark.values for remark in remarks if remark.name == "until"), {})
    return {"until": json.dumps({"asked": asked, "found": dict(found)})}


def ended(stopped: str | None, timings: Mapping[str, float]) -> dict[str, Any]:
    """What is known after it. stopped: why it ended early, if it did; timings: seconds by phase."""
    attrs: dict[str, Any] = {"partial": int(stopped is not None)}
    if _given_time() is None:
        attrs["timings"] = json.dumps(rounded(timings))
    return attrs if stopped is None else {**attrs, "stopped": stopped}


def rounded(timings: Mapping[str, float]) -> dict[str, float]:
    """Seconds as they are shown."""
    return {name: round(seconds, 4) for name, seconds in timings.items()}


def _given_time() -> datetime | None:
    """Seconds since 1970 in SOURCE_DATE_EPOCH (reproducible-builds.org, «SOURCE_DATE_EPOCH specification»).

    Raises:
        PplError: it is set, and no such number (E608).
    """
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if text is None:
        return None
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        title = f"the environment's `SOURCE_DATE_EPOCH` is {text!r}, but it takes whole seconds since 1970"
        raise PplError([Diagnostic("E608", title)], exit_code=Exit.USAGE) from None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def decode_attrs(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes with their JSON read; what is no JSON object, in a file of others, is empty."""
    decoded = dict(attrs)
    for name in ("settings", "versions", "timings", "set", "centring", "until"):
        try:
            value = json.loads(str(attrs.get(name)))
        except ValueError:
            value = None
        decoded[name] = value if isinstance(value, dict) else {}
    return decoded
