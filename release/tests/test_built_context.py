"""The Dockerfiles build from what .dockerignore leaves, and each with the features that its packages have alone. Docker
is not needed: their own build commands run in a folder that holds what Docker would get."""

import os
import shlex
import shutil
import subprocess

import pytest

from dockerfile import cargo_builds
from dockerignore import context
from repository import ROOT, git_files, text

TARGET = ROOT / "target"
# Always the same folder, and times as they are, so that cargo builds nothing twice.
CONTEXT = TARGET / "context"
# What is built ends here: target/alone/release/larder-worker. It shares nothing with the workspace's own build, whose
# crates have the same names to cargo: each would build them anew after the other.
BUILT = TARGET / "alone"


@pytest.fixture(scope="module")
def folder():
    """The build context as Docker would get it."""
    shutil.rmtree(CONTEXT, ignore_errors=True)
    for path in context(git_files(), text(".dockerignore")):
        (CONTEXT / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, CONTEXT / path)
    return CONTEXT


def build(folder, command):
    environment = os.environ | {"CARGO_TARGET_DIR": str(BUILT)}
    done = subprocess.run(shlex.split(command), cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# The worker is what README builds by itself too.
@pytest.mark.parametrize("dockerfile", ["worker/Dockerfile"])
def test_a_dockerfile_builds_from_its_context(folder, dockerfile):
    commands = cargo_builds(dockerfile)
    assert commands
    for command in commands:
        build(folder, command)
    assert subprocess.run([BUILT / "release/larder-worker", "--version"], check=True, timeout=10).returncode == 0
