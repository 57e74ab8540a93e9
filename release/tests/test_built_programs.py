"""What the workflow does with the programs of a release, done with those that are built here."""

import socket

from repository import ENVIRONMENT, ROOT, run


def test_they_run_where_nothing_else_is():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = run("release/try.sh", ROOT / "target/release", env=ENVIRONMENT | {"LISTEN": f"127.0.0.1:{port}"}, timeout=120)
    assert done.returncode == 0 and "try: it works" in done.stdout, done.stdout + done.stderr


def test_programs_that_are_missing_are_not_tried(tmp_path):
    assert run("release/try.sh", tmp_path, timeout=10).returncode != 0
