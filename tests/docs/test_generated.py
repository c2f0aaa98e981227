"""The pages that are written from tables are up to date: `python docs/generate.py` writes them."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = runpy.run_path(str(DOCS / "generate.py"))["PAGES"]


@pytest.mark.parametrize("name", PAGES)
def test_page_is_up_to_date(name: str) -> None:
    assert (DOCS / "language" / name).read_text("utf-8") == PAGES[name]()


def test_every_code_has_its_place() -> None:
    from ppl.codes import CODES

    text = PAGES["errors.md"]()
    assert all(f"`{code}`" in text for code in CODES)


def test_every_model_is_on_its_page() -> None:
    page = (DOCS / "models.md").read_text("utf-8")
    assert {p.stem for p in (DOCS.parent / "models").glob("*.ppl")} == set(re.findall(r"models/(\w+)\.ppl", page))
