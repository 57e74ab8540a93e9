"""Many writes through Larder's bulk requests, as fast as it takes them."""

import http.client
import json
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from . import requests
from .contenders import Contender
from .plan import FILLING
from .processes import Failed

# Requests at a time.
CONNECTIONS = 4

# Values in one request, in bytes: half of what Larder takes.
MOST_BYTES = 4 << 20

# With more unapplied writes than this, the next have to wait: a partition takes 10,000, and there are 64.
MOST_PENDING = 200_000

# A disk that is busy for longer than the component waits costs an attempt; the same writes again do no harm.
ATTEMPTS = 5

_local = threading.local()

T = TypeVar("T")


def put(contender: Contender, ids: Iterable[str], value: str) -> int:
    """Writes items, each accepted; how many."""
    tail = f'","value":{json.dumps(value)}}}\n'
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        # A window of them at a time, so that ten million ids are never in memory at once.
        most = max(1, min(FILLING, MOST_BYTES // len(value)))
        count, rest = 0, batches(iter(ids), most)
        while window := list(islice(rest, 4 * CONNECTIONS)):
            count += sum(threads.map(lambda batch: _post(contender.address, batch, tail), window))
    return count


def fill_large(contender: Contender, items: int) -> float:
    """Writes that many items, and waits until they are applied; how many a second.

    Meanwhile Redis writes no file: filling the store is not what is measured.
    """
    store, start = contender.store, time.monotonic()
    store.keep_file(False)
    for first in range(0, items, MOST_PENDING):
        while first and store.pending() > MOST_PENDING:
            time.sleep(0.05)
        put(
            contender,
            (requests.item(100, n) for n in range(first, min(first + MOST_PENDING, items))),
            requests.value(100),
        )
    store.settle()
    seconds = time.monotonic() - start
    store.keep_file(True)
    return items / seconds


def batches(all_of_them: Iterator[T], most: int) -> Iterator[list[T]]:
    """Groups of so many, and of the rest."""
    while batch := list(islice(all_of_them, most)):
        yield batch


def _post(address: str, ids: list[str], tail: str) -> int:
    connection = getattr(_local, "connection", None)
    if connection is None or _local.address != address:
        connection = _local.connection = http.client.HTTPConnection(address, timeout=60)
        _local.address = address
    body = "".join(f'{{"op":"put","id":"{id}{tail}' for id in ids)
    for _ in range(ATTEMPTS):
        connection.request("POST", "/items", body, {"content-type": "application/x-ndjson"})
        answer = connection.getresponse().read()
        if answer.count(b'"status":202') == len(ids):
            return len(ids)
        time.sleep(1)
    raise Failed(f"{address} did not accept a bulk of writes: {answer[:500].decode(errors='replace')}")
