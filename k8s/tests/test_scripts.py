"""Every script of the repository passes shellcheck."""

import re
import subprocess

import pytest

from rendering import ENVIRONMENT, K8S, REPOSITORY

SKIPPED = {".git", "target", ".larder", "node_modules"}


def scripts():
    """Files with a shell in their first line."""
    found = []
    for path in sorted(REPOSITORY.rglob("*")):
        if SKIPPED & set(path.relative_to(REPOSITORY).parts) or not path.is_file():
            continue
        with path.open("rb") as file:
            if re.match(rb"#!.*\b(ba)?sh\b", file.readline(100)):
                found.append(path)
    return found


@pytest.mark.parametrize("script", scripts(), ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_shellcheck_finds_nothing(script):
    done = subprocess.run(["shellcheck", str(script)], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", [s for s in scripts() if K8S in s.parents], ids=lambda p: p.name)
def test_scripts_are_strict_and_executable(script):
    assert "set -euo pipefail" in script.read_text()
    assert script.stat().st_mode & 0o100


def test_shellcheck_can_fail(tmp_path):
    bad = tmp_path / "bad.sh"
    bad.write_text("#!/bin/bash\nrm $1\n")
    assert subprocess.run(["shellcheck", str(bad)], env=ENVIRONMENT, capture_output=True, check=False).returncode == 1
