"""README's and docs' commands run as they are printed, and each alone.

What listens on a port that a document names has a network of its own (`unshare --net`), so that nothing else on the
machine is in its way. `make up` runs in this tree, the worker where it was built alone, with the features that it has
alone: the workspace's own build would hide one that is missing.
"""

import os
import re
import select
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from commands import ELSEWHERE, ROOT, SPIN, UP, block, shown

# Where the packages' test has built the worker alone.
BUILT = f"CARGO_TARGET_DIR={ROOT}/target/alone"

APART = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
can_be_apart = subprocess.run([*APART, "true"], capture_output=True).returncode == 0
apart = pytest.mark.skipif(not can_be_apart, reason="this system lets us have no network of our own (unshare --net)")


def test_every_command_is_known():
    commands = list(shown())
    known = [*map(re.escape, UP | SPIN), *ELSEWHERE]
    unknown = [f"{place}: {command}" for command, place in commands if not any(re.fullmatch(k, command) for k in known)]
    assert not unknown
    # And nothing is run here, or said to run elsewhere, that no document shows.
    gone = [k for k in known if not any(re.fullmatch(k, command) for command, _ in commands)]
    assert not gone


@contextmanager
def started(script, folder, **environment):
    """A process group that runs a script in a network of its own, and is gone afterwards."""
    loopback = "ip link set lo up 2>/dev/null || python3 -c '%s'; " % LOOPBACK_UP
    process = subprocess.Popen(
        [*APART, "bash", "-c", loopback + script],
        cwd=folder, env=os.environ | {"CARGO_NET_OFFLINE": "true"} | environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )
    try:
        yield process
    finally:
        with_group(process, signal.SIGKILL)
        process.wait()


# SIOCSIFFLAGS on lo with IFF_UP, for machines without iproute2.
LOOPBACK_UP = (
    "import fcntl, socket, struct; "
    'fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8914, struct.pack("16sh14x", b"lo", 1))'
)


def with_group(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def read_until(process, text, seconds):
    """What it prints until this text; an error where it ends or takes longer."""
    said, end = "", time.monotonic() + seconds
    while text not in said:
        ready, _, _ = select.select([process.stdout], [], [], 0.1)
        more = os.read(process.stdout.fileno(), 65536) if ready else b""
        assert more or not ready, f"it ended with {process.wait()}:\n{said}"
        assert time.monotonic() < end, f"not within {seconds} s: {text}\n{said}"
        said += more.decode()
    return said


@apart
@pytest.mark.parametrize("command", sorted(UP))
def test_up_runs_as_printed(command, tmp_path):
    # What a shell does to a command line in the foreground at Ctrl-C: the whole group gets the signal.
    with started(command, ROOT, DATA=str(tmp_path / "data")) as up:
        said = read_until(up, "Ctrl-C stops everything.", 300)
        assert "Larder is ready: http://127.0.0.1:3000" in said
        with_group(up, signal.SIGINT)
        # `make` ends by the signal, once all that it started has ended.
        assert up.wait(timeout=60) in (0, 130, -signal.SIGINT), up.stdout.read()


@pytest.fixture
def copy():
    """The worker's build context, in which the packages' test has built it alone, with the component where `spin build`
    puts it."""
    folder = ROOT / "target/context"
    assert folder.is_dir(), "run `make packages` first"
    built = Path("target/wasm32-wasip2/component")
    (folder / built).mkdir(parents=True, exist_ok=True)
    for component in (ROOT / built).glob("*.wasm"):
        shutil.copy(component, folder / built)
    return folder


WAIT_AND_TRY = """
until curl --silent --fail http://127.0.0.1:3000/health/ready; do sleep 0.1; done
curl --silent --include --request PUT http://127.0.0.1:3000/items/a --header 'Prefer: wait=5' --data hello
curl --silent http://127.0.0.1:3000/items/a
echo; echo TRIED
"""


@apart
@pytest.mark.parametrize("command", sorted(command for command in SPIN if command.startswith("spin up")))
def test_readme_runs_with_spin(command, copy):
    """Redis, the worker and the component, each as README prints it; without a Spin, `larder-local` is it."""
    redis = block("README.md", "    mkdir -p data")
    spin = command
    if not shutil.which("spin"):
        manifest = "spin-wasip2.toml" if "spin-wasip2" in command else "spin.toml"
        spin = f"{ROOT}/target/release/larder-local serve --from {manifest} --runtime-config-file runtime-config.toml"
    worker = "cargo run --locked --release -p larder-worker"
    script = f"({redis}) & ({BUILT} {worker}) & ({spin}) & {WAIT_AND_TRY} wait"
    try:
        with started(script, copy) as process:
            said = read_until(process, "TRIED", 300)
        assert "HTTP/1.1 201 Created" in said and "\nhello\n" in said, said
        ignored = subprocess.run(["git", "check-ignore", "--quiet", "data"], cwd=ROOT)
        assert ignored.returncode == 0, "git does not ignore data/, which README's Redis fills"
    finally:
        shutil.rmtree(copy / "data", ignore_errors=True)
