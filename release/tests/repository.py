"""What git has, what cargo makes of it, and the facts of a release."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

# actionlint, shellcheck and kubectl of the pinned versions, which are beside this Python.
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def run(*command, **options):
    """Runs a command at the root and returns what it did; its output is text."""
    options = {"cwd": ROOT, "env": ENVIRONMENT, "check": False} | options
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)


@cache
def git_files():
    listed = run("git", "ls-files", "-z", check=True).stdout
    return [path for path in listed.split("\0") if path and (ROOT / path).is_file()]


def text(path):
    return (ROOT / path).read_text()


@cache
def packages():
    """The members of the workspace by name, as `cargo metadata` has them."""
    told = run("cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version", "1", check=True).stdout
    return {package["name"]: package for package in json.loads(told)["packages"]}


def targets(kind):
    """Which packages have a target of that kind, by the target's name."""
    return {
        target["name"]: package["name"]
        for package in packages().values()
        for target in package["targets"]
        if kind in target["kind"]
    }


@cache
def facts():
    return dict(line.split("=", 1) for line in run("release/facts.sh", check=True).stdout.splitlines())
