"""The alerts fire when they should and not otherwise, by Prometheus' own tool, and somebody who is woken by one finds
what to do."""

import shutil

import pytest
import yaml

from rendering import K8S, REPOSITORY, render, run

CASES = K8S / "tests/alerts-test.yaml"


def rules():
    return next(d for d in render("dev, everything") if d["kind"] == "PrometheusRule")["spec"]


def alerts():
    return [rule for group in rules()["groups"] for rule in group["rules"]]


def promtool(tmp_path, *arguments, changed=lambda text: text):
    (tmp_path / "rules.yaml").write_text(changed(yaml.safe_dump(rules())))
    shutil.copy(CASES, tmp_path / "cases.yaml")
    return run("promtool", *arguments[:-1], str(tmp_path / arguments[-1]))


def test_they_are_rules(tmp_path):
    assert f"{len(alerts())} rules found" in promtool(tmp_path, "check", "rules", "rules.yaml")


def test_each_fires_and_stops(tmp_path):
    promtool(tmp_path, "test", "rules", "cases.yaml")


@pytest.mark.parametrize(
    ("right", "wrong"), [("> 10", "> 1"), ("> 10", "> 1000"), ("0.8 *", "0.9 *"), ("== 0", "== 2"), ("for: 90s", "for: 0s")]
)
def test_a_rule_that_is_wrong_is_found(tmp_path, right, wrong):
    with pytest.raises(AssertionError, match="FAILED"):
        promtool(tmp_path, "test", "rules", "cases.yaml", changed=lambda text: text.replace(right, wrong))


def test_each_is_tried():
    tried = {}
    for case in yaml.safe_load(CASES.read_text())["tests"]:
        assert f'alertname="{case["name"]}"' in case["promql_expr_test"][0]["expr"]
        tried[case["name"]] = {len(check["exp_samples"]) for check in case["promql_expr_test"]}
    assert tried == {rule["alert"]: {0, 1} for rule in alerts()}


def test_each_has_a_section_in_the_manual():
    headings = [line.removeprefix("### ") for line in (REPOSITORY / "docs/operations.md").read_text().splitlines()]
    for rule in alerts():
        assert rule["alert"] in headings
        assert rule["annotations"]["runbook_url"].endswith(f"/docs/operations.md#{rule['alert'].lower()}")
