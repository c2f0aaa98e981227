"""Engines by name, with their settings."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ppl.errors import Diagnostic, Exit, PplError
from ppl.inference.settings import SettingsError, settings_of

# What Stan, PyMC, NumPyro and emcee call the same things.
_FAMILIAR = {
    "adapt_delta": "target_acceptance",
    "delta": "target_acceptance",
    "target_accept": "target_acceptance",
    "target_accept_prob": "target_acceptance",
    "iter": "draws",
    "iter_sampling": "draws",
    "num_samples": "draws",
    "samples": "draws",
    "iter_warmup": "warmup",
    "num_warmup": "warmup",
    "tune": "warmup",
    "burn": "warmup",
    "burnin": "warmup",
    "burn_in": "warmup",
    "max_treedepth": "max_depth",
    "max_tree_depth": "max_depth",
    "num_chains": "chains",
    "nchains": "chains",
    "cores": "chains",
    "random_seed": "seed",
    "rng_key": "seed",
    "out": "output",
    "overwrite": "force",
    "iterations": "draws",
}


def familiar(name: str) -> str | None:
    """Our name for a setting that other tools call `name`, with `-` or `_`; None if it is not one that we know."""
    return _FAMILIAR.get(name.lower().replace("-", "_"))


def engine_class(name: str) -> type[Any]:
    """The engine of that name.

    Raises:
        PplError: there is none.
    """
    from ppl.inference.registry import ENGINES

    if name in ENGINES:
        return ENGINES[name]
    close = difflib.get_close_matches(name, ENGINES, n=1, cutoff=0.4)
    hints = (f"did you mean `{close[0]}`?",) if close else (f"engines: {', '.join(ENGINES)}",)
    raise PplError([Diagnostic("E607", f"there is no engine `{name}`", hints=hints)], exit_code=Exit.USAGE)


def make_engine(name: str, settings: Mapping[str, Any]) -> Any:
    """An engine with these settings; the others have their defaults.

    Raises:
        PplError: no such engine or setting, or a value that a setting does not take.
    """
    cls = engine_class(name)
    known = [one.name for one in settings_of(cls)]
    errors = []
    for given in settings:
        if given not in known:
            close = [n for n in (familiar(given),) if n in known] or difflib.get_close_matches(given, known, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"its settings: {', '.join(known)}"
            errors.append(Diagnostic("E608", f"the engine `{name}` has no setting `{given}`", hints=(hint,)))
    for one in settings_of(cls):
        if one.name in settings:
            try:
                one.check(settings[one.name])
            except SettingsError as error:
                errors.append(Diagnostic("E608", str(error)))
    if errors:
        raise PplError(errors, exit_code=Exit.USAGE)
    return cls(**settings)
