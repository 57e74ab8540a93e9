"""The load and the verdict of the test on a cluster: what is acknowledged is noted, what is lost is found."""

import signal
import time

import pytest

from doubles import TOKEN


def settings(bench, **more):
    return {"LARDER_URL": f"http://127.0.0.1:{bench.port}", "LARDER_TOKEN": TOKEN, **more}


def write_for_a_moment(bench, enough):
    """Runs write.sh until `enough` says so, and returns the ids that it noted."""
    noted = bench.folder / "acknowledged"
    process = bench.start("cluster-test/write.sh", "run", str(noted), **settings(bench))
    deadline = time.monotonic() + 20
    while not enough() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    return noted.read_text().split() if noted.exists() else []


def read_back(bench):
    return bench.run("cluster-test/read-back.sh", str(bench.folder / "acknowledged"), **settings(bench, PATIENCE="1"))


def test_what_was_acknowledged_is_noted_and_found(bench):
    noted = write_for_a_moment(bench, lambda: len(bench.store.items) >= 5)
    assert len(noted) >= 5 and {f"/items/{i}" for i in noted} <= bench.store.items.keys()
    done = read_back(bench)
    assert done.returncode == 0 and f"{len(noted)} acknowledged writes, 0 lost" in done.stdout


def test_what_was_refused_is_not_noted(bench):
    bench.store.failing = True
    assert write_for_a_moment(bench, lambda: len(bench.store.requests) >= 3) == []


@pytest.mark.parametrize("harm", [lambda items, key: items.pop(key), lambda items, key: items.update({key: b"other"})])
def test_a_lost_or_changed_write_is_found(bench, harm):
    noted = write_for_a_moment(bench, lambda: len(bench.store.items) >= 3)
    harm(bench.store.items, f"/items/{noted[1]}")
    done = read_back(bench)
    assert done.returncode == 1 and f"lost: {noted[1]}" in done.stderr and "1 lost" in done.stdout


def test_no_writes_at_all_prove_nothing(bench):
    (bench.folder / "acknowledged").write_text("")
    assert read_back(bench).returncode == 1
