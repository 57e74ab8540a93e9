"""The load: wrk for HTTP, redis-benchmark for Redis alone."""

import csv
import json
import subprocess
import tempfile
from pathlib import Path

from .plan import ITEMS
from .processes import REPOSITORY, Failed, tool
from .requests import RANDOM, Request, item, items, value

# wrk keeps its requests in memory.
PREPARED_BYTES = 32 << 20


def wrk(
    address: str,
    kinds: list[tuple[int, Request]],
    numbers: int,
    connections: int,
    seconds: int,
    pause_ms: float = 0,
) -> dict[str, float]:
    """Sends requests for some seconds; what came of it. One thread: wrk shares the machine with whom it measures."""
    longest = max(len(request.body) for _, request in kinds)
    count = min(numbers, ITEMS, max(200, PREPARED_BYTES // (longest + 200)))
    with tempfile.TemporaryDirectory(prefix="larder-bench-wrk-") as folder:
        script: list[str] = [str(count), str(numbers), str(pause_ms)]
        for number, (share, request) in enumerate(kinds):
            file = Path(folder) / str(number)
            head = "".join(f"{name}: {content}\n" for name, content in request.headers.items()) or "\n"
            file.write_text(f"{head}\n{request.body}")
            script += [str(share), request.method, request.path, str(file)]
        command = [tool("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
        command += ["-s", str(REPOSITORY / "bench/load.lua"), f"http://{address}", "--", *script]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        raise Failed(f"wrk failed on {address}:\n{done.stdout}{done.stderr}")
    told = json.loads(lines[-1])
    told["per_second"] = told["requests"] / told["seconds"]
    return told


def redis_benchmark(
    port: int, command: str, size: int, connections: int, requests: int, pipeline: int = 1
) -> dict[str, float]:
    """Sends as many commands; what came of it. It counts in requests, and knows no p99.9."""
    words = ["GET", item(size, RANDOM)] if command == "GET" else ["SET", item(size, RANDOM), value(size)]
    arguments = ["-p", str(port), "-c", str(connections), "-n", str(requests), "-P", str(pipeline)]
    arguments += ["-r", str(items(size)), "--csv", *words]
    done = subprocess.run([tool("redis-benchmark"), *arguments], capture_output=True, text=True, check=False)
    rows = list(csv.DictReader(done.stdout.splitlines()))
    if done.returncode != 0 or not rows:
        raise Failed(f"redis-benchmark failed:\n{done.stdout}{done.stderr}")
    row, per_second = rows[-1], float(rows[-1]["rps"])
    latency = {"p50_ms": float(row["p50_latency_ms"]), "p99_ms": float(row["p99_latency_ms"])}
    return {"requests": requests, "per_second": per_second, "seconds": requests / per_second, **latency}
