"""The commands that README and docs show: which there are, and what this directory runs of them.

A new line that builds or starts something fails `test_every_command_is_known` until it has a place here.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

# A line of a code block that builds or starts something, without its comment.
COMMAND = re.compile(
    r"^ {4,}(?:\$ )?((?:[A-Z_]+=\S+ )*(?:make|cargo|spin|docker|redis-server|larder-local|target/release/\S+|k8s/\S+)\b[^#]*)"
)

# Run by test_commands.py, as printed.
UP = {
    "make up",
    "SPIN_VARIABLE_MAX_VALUE_BYTES=65536 make up",
    "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 make up",
    "make up OBSERVE=1",
}
SPIN = {
    "redis-server --port 6379 --bind 127.0.0.1 --dir data --save '' \\",
    "cargo run --locked --release -p larder-worker",
    "spin up --build --runtime-config-file runtime-config.toml",
    "spin up --build --runtime-config-file runtime-config.toml -f spin-wasip2.toml",
}

# Run elsewhere: a pattern, and where.
ELSEWHERE = {
    r"make test": ".ci/run",
    r"larder-local up.*": "tests/tests/cli/up.rs",
    r"target/release/larder .*": "tests/tests/cli/up.rs",
    r"redis-server --save '' --appendonly yes .*": "every test: system/src/redis/server.rs starts Redis so",
    r"(LARDER_REDIS(_ADDRESS)?=\S+ )*k8s/(deploy|undeploy|secrets)\.sh.*": "k8s/tests, with stand-ins of kubectl and others",
    # They take a deployment, a Spin, a cluster or an hour, which `make test` has not.
    r"LARDER_URL=\S+ (LARDER_TOKEN=\S+ )?make test": "by hand, against a deployment",
    r"LARDER_RUNTIME=spin make test": "by hand, where there is a Spin",
    r"LARDER_POD_SECONDS=300 make manifests": "by hand: .ci/run does a minute of it",
    r"make test-k8s": "by hand, where there is k3d",
    r"make bench.*": "by hand: it takes up to 40 minutes",
    r"LARDER_(FAILOVERS=50|RESHARD=all) cargo test .*": "by hand: the whole of what `make test` does a part of",
}


def documents():
    """README and the pages of docs, but for the records of what once was done."""
    return [ROOT / "README.md", *(p for p in sorted((ROOT / "docs").glob("*.md")) if p.name != "performance-notes.md")]


def shown():
    """Each command that a document shows, with its place."""
    for document in documents():
        for number, line in enumerate(document.read_text().splitlines(), 1):
            if found := COMMAND.match(line):
                yield found[1].strip(), f"{document.relative_to(ROOT)}:{number}"


def block(document, first):
    """The code block of a document that begins with this line."""
    lines = (ROOT / document).read_text().splitlines()
    start = lines.index(first)
    end = next(n for n in range(start, len(lines) + 1) if n == len(lines) or not lines[n].startswith("    "))
    return "\n".join(line.removeprefix("    ") for line in lines[start:end])
