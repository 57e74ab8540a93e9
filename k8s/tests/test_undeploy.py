"""undeploy.sh against doubles of the cluster: what it takes away, and what it keeps."""

import re

import pytest
import yaml

from rendering import render


def removed(bench):
    return [[d["kind"] for d in yaml.safe_load_all(text)] for text in bench.inputs("delete") if text]


@pytest.mark.parametrize("overlay", ["dev", "cluster"])
def test_it_removes_what_was_applied_the_app_first_and_keeps_the_data(bench, overlay):
    done = bench.run("undeploy.sh", "--overlay", overlay, "--namespace", "elsewhere")
    assert done.returncode == 0, done.stderr
    first, rest = removed(bench)
    assert first == ["SpinApp"]
    assert sorted(first + rest) == sorted(d["kind"] for d in render(overlay) if d["kind"] != "Namespace")
    deletes = [c for c in bench.calls if " delete " in c]
    assert all("--namespace elsewhere" in c and "--ignore-not-found" in c for c in deletes)
    assert all(c.endswith("--filename -") for c in deletes)
    assert "kept the volumes" in done.stderr


def test_with_the_data_goes_everything(bench):
    done = bench.run("undeploy.sh", "--delete-data")
    assert done.returncode == 0, done.stderr
    deletes = [c.split("--namespace larder ")[1] for c in bench.calls if " delete " in c]
    assert deletes[2:] == [
        "persistentvolumeclaim,secret --selector app.kubernetes.io/part-of=larder",
        "secret spin-ca",
        "namespace larder",
    ]
    assert "there is more in it" not in done.stderr


def test_it_waits_for_its_own_pods_and_not_for_ever(bench):
    assert bench.run("undeploy.sh", "--delete-data").returncode == 0
    waits = [c for c in bench.calls if " wait " in c]
    assert len(waits) == 2 and all(re.search(r"--timeout=\d+s", c) for c in waits)
    assert "pod --selector app.kubernetes.io/part-of=larder" in waits[1]
    assert bench.calls.index(waits[1]) < next(i for i, c in enumerate(bench.calls) if "get pods," in c)


def test_a_namespace_with_something_of_somebody_else_stays(bench):
    bench.rules(["get pods,", {"out": "pod/other"}])
    done = bench.run("undeploy.sh", "--delete-data")
    assert done.returncode == 0 and "the namespace larder stays" in done.stderr
    assert not any(
        "delete" in c and "namespace larder" in c.split("--namespace larder")[1] for c in bench.calls if " delete " in c
    )


def test_a_dry_run_says_so_to_kubectl(bench):
    done = bench.run("undeploy.sh", "--delete-data", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert all("--dry-run=server" in c for c in bench.calls if " delete " in c)
    assert bench.calls[-1].endswith("--dry-run=server namespace larder")
    assert not any(" wait " in c for c in bench.calls), "for what goes on running"
