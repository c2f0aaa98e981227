"""Real posteriors with known answers: means and standard deviations of long reference runs (posteriordb).

The data live outside the project: `../shared/posteriordb` beside a checkout, or `$PPL_POSTERIORDB`.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pytest

import ppl

HERE = Path(__file__).parent
FOLDER = Path(os.environ.get("PPL_POSTERIORDB", HERE.parents[1].parent / "shared" / "posteriordb"))

# posterior → model file, and the data entries that the model does not use
POSTERIORS = {
    "eight_schools-eight_schools_noncentered": ("eight_schools_noncentered", ()),
    "earnings-logearn_interaction": ("logearn_interaction", ()),
    "kidiq-kidscore_interaction": ("kidscore_interaction", ("mom_hs_new", "mom_iq_new")),
    "arK-arK": ("arK", ()),
    "gp_pois_regr-gp_regr": ("gp_regr", ("k",)),
    "sblrc-blr": ("blr", ()),
    "garch-garch11": ("garch11", ()),
    "hudson_lynx_hare-lotka_volterra": ("lotka_volterra", ()),
    "hmm_example-hmm_example": ("hmm_example", ()),
    "low_dim_gauss_mix-low_dim_gauss_mix": ("low_dim_gauss_mix", ()),
}

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="posteriordb is not here ($PPL_POSTERIORDB)"),
]


def scalar(posterior: object, name: str) -> np.ndarray:
    """Draws (chain, draw) of `theta[3]`, counted from 1 as the reference does."""
    match = re.fullmatch(r"(\w+)(?:\[([\d,]+)\])?", name)
    assert match is not None
    values = posterior[match[1]].values
    positions = tuple(int(i) - 1 for i in match[2].split(",")) if match[2] else ()
    return np.asarray(values[(..., *positions)])


def fitted(posterior: str, **how: Any) -> tuple[Any, dict[str, Any]]:
    """A fit by these arguments of `sample`, and the reference by names of scalars."""
    model_name, unused = POSTERIORS[posterior]
    data = json.loads((FOLDER / f"{posterior}.data.json").read_text())
    model = ppl.load(HERE / "models" / f"{model_name}.ppl")
    fit = model.sample({k: v for k, v in data.items() if k not in unused}, **how)
    return fit, json.loads((FOLDER / f"{posterior}.reference.json").read_text())


@pytest.mark.parametrize("posterior", POSTERIORS)
def test_reference_moments(posterior: str) -> None:
    fit, reference = fitted(posterior, chains=4, warmup=1000, draws=1000, seed=20)

    worst = 0.0
    for name, ref in reference.items():
        draws = scalar(fit.posterior, name)
        assert az.rhat(draws) < 1.01, name
        assert az.ess(draws, method="bulk") > 400, name
        assert az.ess(draws, method="tail") > 400, name
        z_mean = (draws.mean() - ref["mean"]) / np.hypot(az.mcse(draws, method="mean"), ref["mcse_mean"])
        z_sd = (draws.std(ddof=1) - ref["sd"]) / np.hypot(az.mcse(draws, method="sd"), ref["mcse_sd"])
        worst = max(worst, abs(z_mean), abs(z_sd))
    assert worst < 5
