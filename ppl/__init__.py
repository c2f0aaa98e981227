"""A probabilistic programming language with physics-based inference.

    model = ppl.compile(text)                 # or ppl.load("model.ppl")
    fit = model.sample(data, seed=1)          # an ArviZ container
    print(ppl.diagnose(fit).text())

Importing this package imports nothing else: names are looked up when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ppl.circuits.files import load_netlist
    from ppl.circuits.simulate import simulate
    from ppl.errors import PplError
    from ppl.model import Model, ModelWarning, compile, load
    from ppl.results.judge import diagnose, summarise

__version__ = "0.1.0"

_HOMES = {
    "compile": "ppl.model",
    "load": "ppl.model",
    "Model": "ppl.model",
    "ModelWarning": "ppl.model",
    "PplError": "ppl.errors",
    "diagnose": "ppl.results.judge",
    "load_netlist": "ppl.circuits.files",
    "simulate": "ppl.circuits.simulate",
    "summarise": "ppl.results.judge",
}

__all__ = ["Model", "ModelWarning", "PplError", "compile", "diagnose", "load", "load_netlist", "simulate", "summarise"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ppl' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
