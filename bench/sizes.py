"""What a store really takes for each write, in memory and on disk."""

import http.client
import json
import random
import string
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import islice

from . import contenders
from .bulk import batches
from .contenders import Contender
from .formula import Write
from .processes import Failed, Processes
from .report import replaced
from .sizing import BEGIN, CASES, DOCUMENT, END, FILE, Case, Sizes, generated
from .store import Store

LETTERS = string.ascii_letters + string.digits + "-_"
CONNECTIONS, BULK_WRITES, BULK_BYTES, TTL_SECONDS = 4, 200, 4 << 20, 36_000

# In which tables that have grown are moved, and what is not needed any more is freed.
REST_SECONDS = 2


def run(first_port: int) -> int:
    """Measures all cases, keeps what came out in `FILE`, and puts it into the documentation."""
    rows = []
    for case in CASES:
        with Processes(first_port) as processes:
            rows.append({"case": case.name, **measure(case, processes)})
        print(json.dumps(rows[-1]), flush=True)
    FILE.write_text(json.dumps(rows, indent=1) + "\n")
    DOCUMENT.write_text(replaced(DOCUMENT.read_text(), generated(rows), BEGIN, END))
    return 0


def measure(case: Case, processes: Processes) -> dict:
    """What a new store takes for the writes of a case, and how many of them its scripts accept or commit at once."""
    store = Store(processes, ["--changes-kept", "10000" if case.write.feed else "0"])
    # It may take Redis longer to write large values down than clients should wait.
    contender = contenders.start("larder-wasip3", processes, store, {"SPIN_VARIABLE_REDIS_TIMEOUT_MS": "60000"})
    # The first writes bring the scripts, and a key of each kind.
    _send(contender, Case("warm", 500, Write(20, 1, ttl=case.write.ttl)))
    store.settle()
    memory, file, calls = _memory(store), _file(store), _commit_calls(store)
    if case.pending:
        store.worker.pause()
    requests, committed = _send(contender, case), 0.0
    if not case.pending:
        store.settle()
        committed = case.count / (_commit_calls(store) - calls)
    time.sleep(REST_SECONDS)
    memory, file = _memory(store) - memory, _file(store) - file
    store.rewrite()
    measured = Sizes(memory / case.count, file / case.count, _file(store) / case.count)
    return {"measured": asdict(measured), "accepted": case.count / requests, "committed": committed}


def _memory(store: Store) -> float:
    """Without what the buffers of connections and of the file hold."""
    told = store.client.info("memory")
    return told["used_memory"] - told["mem_clients_normal"] - told["mem_aof_buffer"]


def _file(store: Store) -> float:
    return store.client.info("persistence")["aof_current_size"]


def _commit_calls(store: Store) -> float:
    with urllib.request.urlopen(f"http://{store.admin}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("larder_commit_calls_total ")))


def _send(contender: Contender, case: Case) -> int:
    """Makes the writes of a case; how many calls of a script accepted them."""
    items = _items(random.Random(case.name), case)
    if case.alone:
        connection = http.client.HTTPConnection(contender.address)
        for id, value in items:
            connection.request("PUT", f"/items/{id}", value, {"content-type": "text/plain"})
            connection.getresponse().read()
        return case.count
    calls, groups = 0, batches(items, min(BULK_WRITES, BULK_BYTES // case.write.value))
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        while window := list(islice(groups, 4 * CONNECTIONS)):
            calls += sum(threads.map(lambda group: _post(contender.address, case.write, group), window))
    return calls


def _items(chosen: random.Random, case: Case) -> Iterator[tuple[str, str]]:
    """Ids and values, in which there is nothing to compress."""
    for _ in range(case.count):
        id, value = ("".join(chosen.choices(LETTERS, k=length)) for length in (case.write.id, case.write.value))
        yield id, value


def _post(address: str, write: Write, items: list[tuple[str, str]]) -> int:
    more = {"content_type": "text/plain"} | ({"ttl": TTL_SECONDS} if write.ttl else {})
    operations = [{"op": "put", "id": id, "value": value, **more} for id, value in items]
    headers = {"content-type": "application/json"}
    if write.key:
        headers["idempotency-key"] = f'"{items[0][0]:k<{write.key}}"'
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("POST", "/items", json.dumps(operations), headers)
    results = json.load(connection.getresponse())
    connection.close()
    refused = [result for result in results if result["status"] != 202]
    if refused:
        raise Failed(f"{len(refused)} writes were refused: {refused[0]}")
    # One call for each partition, with which a revision begins.
    return len({result["revision"].partition("-")[0] for result in results})
