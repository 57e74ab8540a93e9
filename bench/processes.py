"""Starts programs, waits until they answer, and ends every one of them, whatever happens."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import psutil

REPOSITORY = Path(__file__).resolve().parent.parent

# A cold cache: the component is compiled first, on a machine that may be busy.
READY_SECONDS = 120


class Failed(Exception):
    """What cannot go on, in words for whoever called `make bench`."""


def tool(name: str, package: str = "") -> str:
    """The path of a program that has to be there."""
    found = shutil.which(name)
    if found is None:
        raise Failed(f"{name} is missing: local/setup.sh bench, or apt-get install {package or name}")
    return found


def built(path: str) -> Path:
    """A file that `make build` makes."""
    if not (REPOSITORY / path).exists():
        raise Failed(f"{path} is missing: make build")
    return REPOSITORY / path


class Process:
    """A program that runs in a session of its own, with all that it starts."""

    def __init__(self, name: str, arguments: Sequence[str | Path], log: Path, environment: Mapping[str, str] = {}):
        self.name, self.log = name, log
        with log.open("wb") as output:
            self._popen = subprocess.Popen(
                [str(argument) for argument in arguments],
                cwd=REPOSITORY,
                env=os.environ | dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._process = psutil.Process(self._popen.pid)

    def all(self) -> list[psutil.Process]:
        """The process, and those that descend from it."""
        try:
            return [self._process, *self._process.children(recursive=True)]
        except psutil.NoSuchProcess:
            raise Failed(f"{self.name} has ended. {self.said()}") from None

    def check(self) -> None:
        """Raises where it has ended."""
        if self._popen.poll() is not None:
            raise Failed(f"{self.name} ended with {self._popen.returncode}. {self.said()}")

    def said(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-15:]
        return "Its log ends:\n" + "\n".join(f"  {line}" for line in lines) if lines else "Its log is empty."

    def pause(self) -> None:
        """Lets it stand still until `resume`."""
        os.killpg(self._popen.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it go on."""
        os.killpg(self._popen.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Ends it: asks first, and kills what has not gone after three seconds."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        try:
            self._popen.wait(3)
        except subprocess.TimeoutExpired:
            pass
        self._signal(signal.SIGKILL)
        self._popen.wait()

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._popen.pid, number)
        except ProcessLookupError:
            pass


class Processes:
    """All programs of a run, a folder for their files, and ports for them."""

    def __init__(self, first_port: int):
        self._next_port = first_port
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="larder-bench-")))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def port(self) -> int:
        """A port of this machine that nobody listens on; each is given once."""
        while True:
            port, self._next_port = self._next_port, self._next_port + 1
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            return port

    def start(self, name: str, arguments: Sequence[str | Path], environment: Mapping[str, str] = {}) -> Process:
        """Starts a program, which the end of the run ends too."""
        number = len(list(self.folder.glob("*.log")))
        process = Process(name, arguments, self.folder / f"{number:03}-{name}.log", environment)
        self._stack.callback(process.stop)
        return process


def wait_for(process: Process, address: str, path: str, interval: float = 0.05) -> None:
    """Waits until a program answers this path with 200."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        process.check()
        connection = http.client.HTTPConnection(address, timeout=READY_SECONDS)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(interval)
    raise Failed(f"{process.name} does not answer {path} on {address}. {process.said()}")
