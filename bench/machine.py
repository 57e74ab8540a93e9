"""What a run ran on, and with what."""

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

from .processes import REPOSITORY

PACKAGES = ("fastapi", "uvicorn", "huey", "redis", "hiredis")


def facts() -> dict[str, object]:
    """The machine, the versions, and the state of the repository."""
    changed = _said("git", "-C", str(REPOSITORY), "status", "--porcelain", "--untracked-files=no")
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "kernel": platform.release(),
        "load_before": round(os.getloadavg()[0], 1),
        "redis": _version("redis-server", "--version"),
        "wrk": _version("wrk", "-v"),
        "webdis": _said("dpkg-query", "-W", "-f", "${Version}", "webdis") or "?",
        "spin": _version("spin", "--version"),
        "rust": _version("rustc", "--version"),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "commit": _said("git", "-C", str(REPOSITORY), "rev-parse", "--short=12", "HEAD") + ("+changes" * bool(changed)),
    }


def _cpu() -> str:
    try:
        info = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*: (.*)$", info, re.MULTILINE)
    return found[1] if found else platform.machine()


def _version(*command: str) -> str:
    found = re.search(r"\d+\.\d+(\.\d+)?", _said(*command))
    return found[0] if found else "-"


def _said(*command: str) -> str:
    """What a program prints, whatever it returns: wrk tells its version and fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return (done.stdout + done.stderr).strip() if command[0] == "wrk" else done.stdout.strip()
