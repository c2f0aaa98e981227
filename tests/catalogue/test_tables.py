"""The tables agree with themselves, with NumPyro's names and with the reference page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpyro.distributions

from ppl.catalogue.distributions import DISTRIBUTIONS
from ppl.catalogue.reference import page
from ppl.catalogue.supports import SUPPORTS

ROOT = Path(__file__).parents[2]


def test_rows_are_consistent() -> None:
    for name, spec in DISTRIBUTIONS.items():
        assert spec.name == name
        names = [p.name for p in spec.parameters]
        assert len(set(names)) == len(names)
        for support in (spec.support, spec.observable):
            assert SUPPORTS[support].event_rank == spec.event_rank
            assert SUPPORTS[support].discrete == spec.discrete
        for parameter in spec.parameters:
            assert SUPPORTS[parameter.domain].event_rank in (0, parameter.rank)
        for bound in (spec.lower, spec.upper):
            assert bound is None or bound in names
        assert (spec.lower or spec.upper) is None or SUPPORTS[spec.support].bounded
        for group in spec.one_of:
            assert set(group) <= set(names)
        assert spec.formula
        if spec.orderable:
            assert SUPPORTS[SUPPORTS[spec.support].ordered].event_rank == 1
        seen_default = False  # parameters without a default come first, but for those of which one is chosen
        for parameter in spec.parameters:
            assert not (seen_default and parameter.default is None), name
            seen_default = parameter.default is not None and not spec.one_of and spec.name != "VonMises"


def test_numpyro_has_the_classes() -> None:
    for spec in DISTRIBUTIONS.values():
        for name in re.findall(r"\w+", spec.numpyro):
            assert hasattr(numpyro.distributions, name), name


def test_reference_page_is_up_to_date() -> None:
    """Mend with: python -m ppl.catalogue.reference > docs/language/distributions.md"""
    assert (ROOT / "docs" / "language" / "distributions.md").read_text(encoding="utf-8") == page()


def test_tables_need_no_jax() -> None:
    code = (
        "import sys, ppl.catalogue.distributions, ppl.catalogue.membership, ppl.catalogue.reference\n"
        "print([m for m in ('jax', 'numpyro', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_densities_need_no_numpyro() -> None:
    """Importing NumPyro would cost every run half a second."""
    code = "import sys, ppl.compiler.distributions, ppl.compiler.density.transforms; print('numpyro' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "False"
