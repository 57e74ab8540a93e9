"""Six pods of the overlay `cluster` that are well, with keys in all shards: what tests of it find and leave."""

import shutil
import sys

import pytest

NEEDS = [
    pytest.mark.skipif(sys.platform != "linux", reason="every pod takes an address of its own within 127.0.0.0/8"),
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="there is no redis-server"),
]
# Not the easiest: two pods each on two machines, one each on two others.
MACHINES = "aabcdc"
KEYS = [f"key-{n}" for n in range(40)]


def form(pods):
    pods.start(0, MACHINES[0])
    pods.wait(lambda: pods.ask(0, "ping") == "PONG")
    assert pods.script("ready.sh", 0).returncode != 0
    # As a run that was interrupted leaves it behind.
    assert pods.ask(0, "cluster", "addslotsrange", "0", "5460") == "OK"
    assert pods.ask(0, "cluster", "set-config-epoch", "1") == "OK"
    for pod in range(1, 6):
        pods.start(pod, MACHINES[pod])
    well(pods)
    lines = "".join(f"set {key} {key}\n" for key in KEYS)
    said = [line for pod in pods.shards() for line in pods.ask(pod, lines=lines).splitlines()]
    assert said.count("OK") == len(KEYS)


def well(pods, masters=3):
    """Waits until every master has its replica, in the eyes of all pods, and all are ready."""

    def formed():
        shards = pods.shards()
        return shards if shards and len(shards) == masters and all(len(r) == 1 for r in shards.values()) else None

    pods.wait(formed)
    pods.wait(pods.ready)
    return pods.wait(formed)


def everything_is_there(pods):
    asked = "".join(f"get {key}\n" for key in KEYS)
    found = {line for pod in pods.shards() for line in pods.ask(pod, lines=asked).splitlines()}
    assert set(KEYS) <= found


def ids(pods):
    return {row["pod"]: row["id"] for row in pods.table() if "fail" not in row["flags"]}
