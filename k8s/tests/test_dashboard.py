"""The dashboard is one that Grafana finds, and asks Prometheus what it understands. That its metrics exist shows
tests/tests/observe."""

import itertools
import json

import promql_parser
import pytest

from rendering import render


def dashboard():
    config = next(d for d in render("dev, everything") if d["metadata"]["name"] == "larder-dashboard")
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    return json.loads(config["data"]["larder.json"])


def panels():
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def as_asked(expression):
    """What Grafana makes of an expression."""
    return expression.replace("$__rate_interval", "1m").replace("$namespace", ".*")


def test_its_expressions_are_promql():
    asked = [target["expr"] for panel in panels() for target in panel["targets"]]
    asked += [annotation["expr"] for annotation in dashboard()["annotations"]["list"]]
    for expression in asked:
        assert 'namespace=~"$namespace"' in expression
        promql_parser.parse(as_asked(expression))
    with pytest.raises(ValueError):
        promql_parser.parse(as_asked("sum(rate(larder_commits_total[$__rate_interval])"))


def test_each_panel_has_a_place_and_a_source():
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(ids) == len(set(ids))
    for panel in panels():
        assert panel["title"] and panel["datasource"]["uid"] == "${datasource}"
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
    for a, b in itertools.combinations([panel["gridPos"] for panel in dashboard()["panels"]], 2):
        apart = (a["x"] + a["w"] <= b["x"], b["x"] + b["w"] <= a["x"], a["y"] + a["h"] <= b["y"], b["y"] + b["h"] <= a["y"])
        assert a["x"] + a["w"] <= 24 and any(apart), (a, b)
