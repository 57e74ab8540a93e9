"""The pods of the overlay `cluster`, as processes: each a real redis-server that the overlay's own scripts
start, at an address of its own within 127.0.0.0/8, with a folder as its volume. The names of the pods are
looked up in a file, by a double of getent. Where it is allowed, redis-server is PID 1 of a namespace of its
own, as in a pod, and probes and hooks enter that."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import yaml

from rendering import ENVIRONMENT, K8S

NODE = K8S / "overlays/cluster/node"
SERVICE = "larder-redis"
PASSWORD = "of-the-tests"
# Shorter than in the overlay, for the sake of the tests.
NODE_TIMEOUT_MS = 2000
# As a container is started. --kill-child: none outlives the tests.
CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def allowed(command):
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    return False


CONTAINED = os.geteuid() == 0 and allowed(CONTAINER)

GETENT = """#!/bin/bash
while read -r name address; do
    if [[ $name == "$2" ]]; then echo "$address STREAM $name"; exit; fi
done <{folder}/hosts
exit 2
"""


class RedisPods:
    """What Kubernetes would do to the pods: start them somewhere, end them, give them other addresses."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.network = f"127.{random.randint(10, 250)}.{random.randint(0, 250)}"
        self.next_host = 1
        self.processes, self.addresses, self.machines, self.passwords = {}, {}, {}, {}
        self.zombies, self.since = [], time.monotonic()
        self.secret(PASSWORD, f"requirepass {PASSWORD}\nmasterauth {PASSWORD}")
        (self.folder / "bin").mkdir()
        double = self.folder / "bin/getent"
        double.write_text(GETENT.format(folder=self.folder))
        double.chmod(0o755)
        self.publish()

    def secret(self, password, auth_conf):
        """What the Secret holds for pods that start from now on."""
        self.password = password
        (self.folder / "auth.conf").write_text(f"{auth_conf}\n")

    def publish(self):
        """What DNS knows."""
        lines = [f"{SERVICE}-{pod}.{SERVICE} {address}\n" for pod, address in self.addresses.items()]
        (self.folder / "hosts").write_text("".join(lines))

    def environment(self, pod, machine):
        return ENVIRONMENT | {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{ENVIRONMENT['PATH']}",
            "REDISCLI_AUTH": self.passwords[pod],
            "POD_NAME": f"{SERVICE}-{pod}",
            "POD_IP": self.addresses[pod],
            "NODE_NAME": machine,
            **settings(),
        }

    def start(self, pod, machine, address=None):
        """Starts a pod, with the volume that it had, and another address unless it is told which."""
        if address is None:
            address = f"{self.network}.{self.next_host}"
            self.next_host += 1
        self.addresses[pod], self.passwords[pod] = address, self.password
        self.publish()
        home, volume = self.folder / f"pod-{pod}", self.volume(pod)
        volume.mkdir(exist_ok=True)
        shutil.copytree(NODE, home, dirs_exist_ok=True)
        conf = (NODE.parent / "redis.conf").read_text()
        conf = conf.replace("/data", str(volume)).replace("/run/secrets/larder", str(self.folder))
        conf = conf.replace("cluster-node-timeout 5000", f"cluster-node-timeout {NODE_TIMEOUT_MS}")
        (home / "redis.conf").write_text(f"{conf}\nbind {address}\nenable-debug-command yes\n")
        log = (self.folder / f"pod-{pod}.log").open("w")
        command = [*(CONTAINER if CONTAINED else []), str(home / "start.sh")]
        self.processes[pod] = subprocess.Popen(
            command, env=self.environment(pod, machine), stdout=log, stderr=log
        )
        self.machines[pod] = machine

    def pid(self, pod):
        """That of redis-server, as it is outside of its namespace; unshare is its parent."""
        pid = self.processes[pod].pid
        return self.wait(lambda: [c for c, _, _ in children(pid)], 10)[0] if CONTAINED else pid

    def volume(self, pod):
        return self.folder / f"volume-{pod}"

    def log(self, pod):
        """What it has said since it was started."""
        return (self.folder / f"pod-{pod}.log").read_text()

    def end(self, *pods, how=signal.SIGTERM):
        for pod in (p for p in pods if self.processes[p].poll() is None):
            self.zombies += self.zombies_of(pod)
            os.kill(self.pid(pod), how)
        for pod in pods:
            self.processes.pop(pod).wait(timeout=20)
            del self.addresses[pod]
        self.publish()

    def close(self):
        self.end(*list(self.processes), how=signal.SIGKILL)

    def zombies_of(self, pod):
        """What has ended in a pod, and nobody waits for. Redis waits for its own copies."""
        return [
            (pod, name) for _, name, state in children(self.pid(pod)) if state == "Z" and name != "redis-server"
        ]

    def script(self, name, pod):
        """Runs a script of the overlay inside a pod, as a probe or a hook would."""
        inside = ["nsenter", "--pid", "--target", str(self.pid(pod))] if CONTAINED else []
        command = [*inside, str(self.folder / f"pod-{pod}" / name)]
        environment = self.environment(pod, self.machines[pod])
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    def ask(self, pod, *command, lines=None):
        """What redis-cli says to a command, or to many lines of them."""
        environment = ENVIRONMENT | {"REDISCLI_AUTH": self.passwords[pod]}
        line = ["redis-cli", "-h", self.addresses[pod], *command]
        done = subprocess.run(
            line, env=environment, input=lines, capture_output=True, text=True, timeout=120, check=False
        )
        return done.stdout.strip()

    def table(self, pod=None):
        """The nodes as a pod knows them: (name, address, flags, id of its master, slots)."""
        rows = []
        for line in self.ask(next(iter(self.processes)) if pod is None else pod, "cluster", "nodes").splitlines():
            ident, place, flags, master, _, _, epoch, link, *slots = line.split()
            where, _, name = place.partition(",")
            rows.append(
                {
                    "id": ident,
                    "pod": int(name.split(".")[0].rsplit("-", 1)[1]) if name else None,
                    "address": where.rsplit(":", 1)[0],
                    "flags": set(flags.split(",")),
                    "master": None if master == "-" else master,
                    "slots": sum(int(s.split("-")[-1]) - int(s.split("-")[0]) + 1 for s in slots if "[" not in s),
                    "epoch": int(epoch),
                    "link": link,
                }
            )
        return rows

    def shards(self):
        """Pods of masters, each with the pods of its replicas, as every pod agrees; None where not."""
        views = []
        for pod in self.processes:
            rows = [r for r in self.table(pod) if "fail" not in r["flags"]]
            if any(r["flags"] & {"handshake", "noaddr", "fail?"} or r["pod"] is None for r in rows):
                return None
            masters = {r["id"]: r["pod"] for r in rows if "master" in r["flags"]}
            view = {pod: set() for pod in masters.values()}
            for r in rows:
                if r["master"] is not None:
                    if r["master"] not in masters:
                        return None
                    view[masters[r["master"]]].add(r["pod"])
            views.append(view)
        return views[0] if views and all(v == views[0] for v in views) else None

    def wait(self, enough, seconds=120):
        """Waits until that is so, and returns what it returned."""
        deadline = time.monotonic() + seconds
        while not (found := enough()):
            assert time.monotonic() < deadline, self.story()
            time.sleep(0.3)
        return found

    def ready(self):
        return all(self.script("ready.sh", pod).returncode == 0 for pod in self.processes)

    def story(self):
        logs = [f"--- {f.name}\n{''.join(f.read_text().splitlines(True)[-25:])}" for f in self.folder.glob("*.log")]
        tables = [f"--- {pod}\n{self.ask(pod, 'cluster', 'nodes')}" for pod in self.processes]
        return "\n".join([*logs, *tables])


def children(pid):
    """(PID, name, state) of the children of a process."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            name, _, rest = entry.read_text().partition("(")[2].rpartition(")")
            state, parent = rest.split()[:2]
            if int(parent) == pid:
                found.append((int(entry.parent.name), name, state))
    return found


def settings():
    """The environment that the overlay gives to its pods, where it is a plain value."""
    documents = yaml.safe_load_all((NODE.parent / "redis.yaml").read_text())
    pod = next(d for d in documents if d["kind"] == "StatefulSet")["spec"]["template"]["spec"]
    return {e["name"]: e["value"] for e in pod["containers"][0]["env"] if "value" in e}
