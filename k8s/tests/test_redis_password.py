"""The password of the overlay `cluster` is rotated by the commands that docs/kubernetes.md prints."""

import base64
import re
import subprocess
import textwrap

import pytest
import yaml

from redis_pods import SERVICE
from rendering import ENVIRONMENT, K8S, REPOSITORY, run
from shards import MACHINES, NEEDS, everything_is_there, ids, well

pytestmark = NEEDS
TOKENS = base64.b64encode(b'[{"name": "ci"}]').decode()

# Of the StatefulSet it notes that it shall restart, and waits for that.
KUBECTL = """#!/bin/bash
set -euo pipefail
case $* in
    "-n larder get pods "*) printf 'pod/{service}-%d\\n' {{0..5}} ;;
    "-n larder exec -i pod/"*" -- redis-cli")
        name=${{5#pod/}} address=$(sed -n "s/^$name[.][^ ]* //p" {folder}/hosts)
        REDISCLI_AUTH={password} exec redis-cli -h "$address" ;;
    "-n larder get secret larder-redis -o jsonpath={{.data.nodes}}")
        sed -n 's/^  nodes: "\\(.*\\)"/\\1/p' {folder}/secret ;;
    "-n larder delete secret larder-redis") rm {folder}/secret ;;
    "--namespace larder get secret larder-redis") test -f {folder}/secret ;;
    "--namespace larder get secret larder-tokens --output "*) printf %s {tokens} ;;
    "--namespace larder get secret "*) ;;
    "create --filename -") cat >{folder}/secret ;;
    "-n larder rollout restart statefulset/{service}") touch {folder}/restart ;;
    "-n larder rollout status statefulset/{service}") until [ -e {folder}/restarted ]; do sleep 0.1; done ;;
    "-n larder rollout "*) [ -f {folder}/secret ] ;;
    *) echo "what is kubectl $*?" >&2 && exit 1 ;;
esac
"""


def printed():
    """The commands for `cluster`, as they are in the manual."""
    manual = (REPOSITORY / "docs/kubernetes.md").read_text()
    chapter = re.search(r"\n## Rotating the password of Redis\n(.*?)\n## ", manual, re.DOTALL)[1]
    block = re.search(r"\nIn `cluster`.*?\n\n((?:    [^\n]*\n)+)", chapter, re.DOTALL)[1]
    return textwrap.dedent(block)


@pytest.fixture
def folder(pods):
    """With a kubectl, and with the Secret that the pods have."""
    hosts = ",".join(f"{SERVICE}-{pod}.{SERVICE}" for pod in range(6))
    settings = {"LARDER_REDIS": f"redis://:{pods.password}@{hosts}"}
    made = run(str(K8S / "secrets.sh"), "--overlay", "cluster", "--print", **settings)
    (pods.folder / "secret").write_text(made.partition("---")[0])
    double = pods.folder / "bin/kubectl"
    double.write_text(KUBECTL.format(folder=pods.folder, service=SERVICE, password=pods.password, tokens=TOKENS))
    double.chmod(0o755)
    return pods.folder


def test_the_printed_steps_change_the_password_and_no_shard_is_away(pods, folder):
    before, old = ids(pods), pods.password
    well(pods)
    path = f"{folder / 'bin'}:{ENVIRONMENT['PATH']}"
    with (folder / "said").open("w") as said:
        shell = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", printed()],
            cwd=REPOSITORY,
            env=ENVIRONMENT | {"PATH": path},
            stdout=said,
            stderr=said,
        )
        pods.wait(lambda: (folder / "restart").exists() or shell.poll() is not None, 30)
        assert shell.poll() is None, (folder / "said").read_text()
        secret = yaml.safe_load((folder / "secret").read_text().partition("---")[0])
        data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
        assert data["password"] not in ("", old) and data["nodes"].count(",") == 5
        pods.secret(data["password"], data["auth.conf"])
        restart(pods)
        (folder / "restarted").touch()
        assert shell.wait(timeout=10) == 0, (folder / "said").read_text()
    well(pods)
    assert ids(pods) == before
    everything_is_there(pods)
    for pod in pods.processes:
        pods.passwords[pod] = old
        assert "NOAUTH" in pods.ask(pod, "ping")
        pods.passwords[pod] = data["password"]
        assert pods.ask(pod, "ping") == "PONG"


def restart(pods):
    """As a StatefulSet does it: one after the other, each when that before is ready, and a master hands over first."""
    for pod in sorted(pods.processes, reverse=True):
        done = pods.script("step-down.sh", pod)
        assert "role:slave" in pods.ask(pod, "info", "replication"), f"{pod} ends as a master: {done.stderr}"
        pods.end(pod)
        pods.start(pod, MACHINES[pod])
        pods.wait(lambda pod=pod: pods.script("ready.sh", pod).returncode == 0)
