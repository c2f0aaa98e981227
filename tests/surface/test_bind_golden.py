"""What is said of data that do not fit: `name.ppl` with `name.json`, expected words in `name.txt`."""

from __future__ import annotations

from pathlib import Path

import pytest

import ppl
from ppl.codes import CODES
from ppl.errors import PplError
from tests import golden

CASES = golden.cases("data")


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.stem)
def test_words(case: Path) -> None:
    model = ppl.compile(golden.read(case), case.name)
    with pytest.raises(PplError) as caught:
        model.bind(case.with_suffix(".json"))
    assert {d.code for d in caught.value.diagnostics} <= set(CODES)
    golden.check(case, str(caught.value))


def test_no_strays() -> None:
    assert not golden.strays("data")
