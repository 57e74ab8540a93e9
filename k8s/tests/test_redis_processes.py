"""Redis is PID 1 in its pod, and waits for no children but its own copies: the scripts leave it none."""

import os
import re
import time

import pytest

from redis_pods import CONTAINED, NODE, children
from shards import NEEDS, well

pytestmark = NEEDS
# For how long the pods have run, at least, when their processes are counted.
SECONDS = float(os.environ.get("LARDER_POD_SECONDS", "60"))
# What bash starts and does not wait for: <(...), >(...), coproc, and & at the end of a command.
NOT_WAITED_FOR = re.compile(r"[<>]\(|\bcoproc\b|(?<![&<>|\d])&(?![&>\d])")


@pytest.mark.skipif(not CONTAINED, reason="redis-server is not PID 1 here: that takes root, and unshare --pid")
def test_pods_leave_no_processes_behind(pods):
    """What was done to these pods by other tests counts too."""
    for master, (replica,) in well(pods).items():
        assert pods.script("step-down.sh", master).returncode == 0
        assert pods.script("ready.sh", replica).returncode == 0
    well(pods)
    pods.wait(lambda: time.monotonic() > pods.since + SECONDS, SECONDS + 10)
    assert [zombie for pod in pods.processes for zombie in pods.zombies_of(pod)] + pods.zombies == []
    for pod in pods.processes:
        assert len(children(pods.pid(pod))) == 1, "the loop that runs join.sh, and nothing else"


@pytest.mark.parametrize("script", sorted(NODE.glob("*.sh")), ids=lambda p: p.name)
def test_scripts_of_pods_wait_for_what_they_start(script):
    code = [line for line in script.read_text().splitlines() if not line.lstrip().startswith("#")]
    found = [line for line in code if NOT_WAITED_FOR.search(line)]
    # It goes on as long as Redis does.
    assert found == ([line for line in code if "join.sh" in line] if script.name == "start.sh" else [])


@pytest.mark.parametrize("bad", ["read -r a < <(b)", "tee >(a)", "coproc a", "a &", "a & b", "a >/dev/null &", "{ a; }&"])
def test_what_is_not_waited_for_is_found(bad):
    assert NOT_WAITED_FOR.search(bad)


@pytest.mark.parametrize("good", ["a && b", "a 2>&1", "a >&2", "a &>b", "a || b", "b=$(a) c=$((1 << 2))", "[[ a < b ]]"])
def test_what_is_waited_for_is_not(good):
    assert not NOT_WAITED_FOR.search(good)
