"""Stand-ins for what the scripts call: a kubectl (and docker, spin, make) that notes each call and
answers by rules, and a store behind the forwarded port, which the real curl talks to."""

import os
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from rendering import ENVIRONMENT, K8S

TOKEN = "larder_of-the-tests"

# Does what the first rule says that matches: [pattern, {"exit", "out", "err", "times", "sleep", "until"}],
# `until` a call was noted that matches that pattern; then notes the call and its standard input. Rendering is
# left to the real kubectl. In bash, as there are thirty calls in a deployment, and without a fork.
FIELDS = ("exit", "out", "err", "times", "sleep", "until")
DOUBLE = """#!/bin/bash
line="${{0##*/}} $*"
if [[ $line == "kubectl kustomize "* ]]; then exec {kubectl} "$@"; fi
stdin=
if [[ $line == *"--filename -" ]]; then IFS= read -r -d '' stdin; fi
mapfile -d '' calls <{folder}/calls
printf '%s\\0%s\\0' "$line" "$stdin" >>{folder}/calls
mapfile -d '' rules <{folder}/rules
for ((i = 0; i < ${{#rules[@]}}; i += 7)); do
    [[ $line =~ ${{rules[i]}} ]] || continue
    if [[ -n ${{rules[i + 6]}} && ${{calls[*]}} =~ ${{rules[i + 6]}} ]]; then continue; fi
    if [[ -n ${{rules[i + 4]}} ]]; then
        mapfile -d '' used <{folder}/used.$i
        [[ ${{#used[@]}} -lt ${{rules[i + 4]}} ]] || continue
        printf '\\0' >>{folder}/used.$i
    fi
    printf %s "${{rules[i + 2]}}"
    printf %s "${{rules[i + 3]}}" >&2
    if [[ -n ${{rules[i + 5]}} ]]; then exec sleep "${{rules[i + 5]}}"; fi
    exit "${{rules[i + 1]:-0}}"
done
"""

# What a cluster answers where all is well and nothing is deployed yet.
WELL = [
    ["get secret larder-(redis|tokens|client)$", {"exit": 1}],
    ["get secret larder-client --output", {"out": "bGFyZGVyX29mLXRoZS10ZXN0cw=="}],
    [
        "get deployment larder --output jsonpath",
        {"out": "ghcr.io/larder-store/larder-api:0.1.0 ghcr.io/larder-store/larder-api-wasi03:0.1.0"},
    ],
    ["get statefulset", {"out": "statefulset.apps/larder-redis\n"}],
    ["config current-context", {"out": "test\n"}],
    ["port-forward", {"out": "Forwarding from 127.0.0.1:3000 -> 80\n", "sleep": 60}],
    # Its pods end when the SpinApp and the Deployments are gone, and take their time.
    ["get pods,", {"out": "pod/larder-6c9d7-x2k8v\npod/larder-redis-0\n", "until": "wait --for=delete [^ ]+ pod "}],
    ["^kubectl", {}],
]


class Store(BaseHTTPRequestHandler):
    """As much of Larder as the scripts ask for."""

    def do_any(self):
        server = self.server
        server.requests.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # Whoever asks is told.
        if self.path == "/health/ready":
            return self.answer(503, b"workers: none has reported") if server.unready else self.answer(200)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(401, b"who are you?")
        if self.command == "PUT":
            if server.failing:
                return self.answer(503)
            server.items[self.path] = server.corrupt or body
            return self.answer(201 if "Prefer" in self.headers else 202)
        if self.path not in server.items:
            return self.answer(404)
        if self.command == "DELETE":
            del server.items[self.path]
            return self.answer(204)
        return self.answer(200, server.items[self.path])

    do_GET = do_PUT = do_DELETE = do_any

    def answer(self, status, body=b""):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Bench:
    """A folder with the doubles, a store, and what the scripts did."""

    def __init__(self, folder, tools=("kubectl", "docker", "spin", "make", "cargo")):
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        kubectl = shutil.which("kubectl", path=ENVIRONMENT["PATH"])
        for tool in tools:
            double = self.bin / tool
            double.write_text(DOUBLE.format(folder=folder, kubectl=kubectl))
            double.chmod(0o755)
        self.rules()
        (folder / "calls").touch()
        self.store = ThreadingHTTPServer(("127.0.0.1", 0), Store)
        self.store.requests, self.store.items, self.store.corrupt = [], {}, None
        self.store.failing = self.store.unready = False
        serve = threading.Thread(target=self.store.serve_forever, args=[0.01], daemon=True)
        serve.start()
        self.port = str(self.store.server_port)
        self.path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"

    def close(self):
        """Nobody answers at the port any more."""
        self.store.shutdown()
        self.store.server_close()

    def rules(self, *first):
        """The cluster answers `first`, and else as one where all is well."""
        rules = [*first, *WELL]
        fields = [field for pattern, answer in rules for field in (pattern, *(answer.get(f, "") for f in FIELDS))]
        (self.folder / "rules").write_text("".join(f"{field}\0" for field in fields))
        for index in range(0, len(fields), 1 + len(FIELDS)):
            (self.folder / f"used.{index}").write_text("")

    def environment(self, settings):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("LARDER_")}
        return clean | {"PATH": self.path} | settings

    def run(self, script, *arguments, **settings):
        return subprocess.run(
            [str(K8S / script), *arguments],
            env=self.environment(settings),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, script, *arguments, **settings):
        command = [str(K8S / script), *arguments]
        return subprocess.Popen(command, env=self.environment(settings), stderr=subprocess.PIPE, text=True)

    @property
    def noted(self):
        """(command line, standard input) of each call so far."""
        fields = (self.folder / "calls").read_text().split("\0")[:-1]
        return list(zip(fields[::2], fields[1::2], strict=True))

    @property
    def calls(self):
        return [line for line, _ in self.noted]

    def inputs(self, pattern):
        return [stdin for line, stdin in self.noted if pattern in line]


def tools_without(folder, *left_out):
    """A PATH that has what the scripts use of the system, but not those tools."""
    folder = Path(folder)
    folder.mkdir()
    for tool in ("bash", "env", "dirname", "cat", "sed", "awk", "grep", "curl", "kubectl", "date", "seq", "tail"):
        if tool not in left_out:
            (folder / tool).symlink_to(shutil.which(tool, path=ENVIRONMENT["PATH"]))
    return str(folder)


def deploy(bench, *arguments, **settings):
    return bench.run("deploy.sh", "--no-forward", "--port", bench.port, "--timeout", "2", *arguments, **settings)


def changes(calls):
    return [c for c in calls if re.search(r"kubectl.* (apply|create|delete|patch) |^(spin|docker|make)", c)]
