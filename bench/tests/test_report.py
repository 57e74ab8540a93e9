"""What is told of the benchmark is what was measured."""

import json
from pathlib import Path

import pytest

from bench import names, plan, report, requests, results, summary, tables, targets

FILE = results.newest(Path(results.__file__).parent / "results")


def test_the_documentation_is_what_the_newest_result_file_says():
    text = report.DOCUMENT.read_text()
    assert report.replaced(text, report.generated(results.load(FILE), FILE.name)) == text, "run make bench-report"


@pytest.mark.parametrize("chart", report.CHARTS)
def test_the_charts_are_of_the_newest_result_file(chart):
    drawn = (report.DOCUMENT.parent / f"benchmarks/{chart}.svg").read_text()
    assert FILE.name in drawn, "run make bench-report"
    assert report.CHARTS[chart] in drawn


def test_a_result_file_is_read_as_it_was_written(tmp_path):
    copy = tmp_path / "copy.json"
    results.save(results.load(FILE), copy)
    assert copy.read_text() == FILE.read_text()


def test_a_run_that_was_cut_short_can_be_told_of(tmp_path):
    run = results.load(FILE)
    run.finished, run.samples = None, run.samples[: len(run.samples) // 3]
    results.save(run, tmp_path / "short.json")
    told = report.generated(results.load(tmp_path / "short.json"), "short.json")
    assert "cut short" in told


def test_every_table_is_as_wide_as_its_head():
    for table in tables.all_of(results.load(FILE)):
        assert {len(row) for row in table.rows} == {len(table.head)}, table.title


def sample(round, case, contender, per_second, connections=64):
    """One measurement, as a result file has it."""
    metrics = {"per_second": per_second}
    place = {"round": round, "case": case, "contender": contender, "size": 100, "connections": connections}
    return {**place, "metrics": metrics}


def test_a_ratio_is_of_figures_of_one_round():
    # The second round was on a machine twice as slow; the third has nothing to compare with.
    told = summary.Summary(
        [
            sample(1, "read", "larder-wasip3", 300),
            sample(1, "read", "webdis", 400),
            sample(2, "read", "larder-wasip3", 160),
            sample(2, "read", "webdis", 200),
            sample(3, "read", "webdis", 1),
        ]
    )
    ours, theirs = ("read", "larder-wasip3", 100, 64), ("read", "webdis", 100, 64)
    ratio = told.ratio(ours, theirs)
    assert (ratio.least, ratio.most) == (0.75, 0.8)
    assert ratio.median == pytest.approx(0.775)
    assert told.ratio(ours, ("read", "fastapi", 100, 64)) is None


def test_an_aim_that_is_missed_is_told_as_missed():
    aim = next(target for target in targets.TARGETS if target.limit == 0.75)
    reads = [sample(1, "read", "larder-wasip3", 74), sample(1, "read", "webdis", 100)]
    assert aim.verdict(aim.figure(summary.Summary(reads))) == "missed"
    reads[0]["metrics"]["per_second"] = 75
    assert aim.verdict(aim.figure(summary.Summary(reads))) == "met"


def test_everybody_who_is_measured_has_a_name_and_every_case_a_title():
    for case in plan.CASES:
        assert set(case.contenders) <= names.CONTENDERS.keys()
        assert case.name in tables.TITLES


@pytest.mark.parametrize("case", plan.CASES, ids=lambda case: case.name)
def test_everybody_can_be_asked_for_what_they_are_measured_with(case):
    for name in case.contenders:
        for size in case.sizes if not name.startswith("redis") else ():
            kinds = requests.of(name, case.name, size)
            assert kinds
            asked = "".join(request.path + request.body for _, request in kinds)
            # Items of the size that is told, and none but those that are there.
            assert f":{size}:" in asked or case.name in ("list", "live", "hello") or name == "bare"
            assert max(len(request.body) for _, request in kinds) >= size or case.name not in ("write", "wait", "mix")


def test_the_medians_in_the_file_are_those_of_its_samples():
    told = json.loads(FILE.read_text())
    assert told["medians"] == results.load(FILE).summary.rows()
