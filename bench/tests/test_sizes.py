"""What is told of memory and disk is what was measured, and what the formula says."""

import json

import pytest

from bench import report, sizing

ROWS = json.loads(sizing.FILE.read_text())


def test_the_documentation_has_what_was_measured():
    text = sizing.DOCUMENT.read_text()
    told = report.replaced(text, sizing.generated(ROWS), sizing.BEGIN, sizing.END)
    assert told == text, "run make sizes"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["case"])
def test_the_formula_is_right(row):
    case = next(case for case in sizing.CASES if case.name == row["case"])
    expected = sizing.expected(case, row["accepted"], row["committed"])
    for what, size in row["measured"].items():
        if getattr(expected, what):
            assert getattr(expected, what) == pytest.approx(size, rel=0.05), what


def test_every_case_was_measured():
    assert [row["case"] for row in ROWS] == [case.name for case in sizing.CASES]
