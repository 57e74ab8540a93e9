"""How each server is asked for the same thing: wrk's arguments for a case."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from .plan import BULK, BULKS, ITEMS, SIZES

# Redis' benchmark puts twelve digits in place of this.
RANDOM = "__rand_int__"

# And load.lua in place of this.
NUMBER = "{n}"


def item(size: int, n: int | str) -> str:
    """The id of an item. All servers and `redis-benchmark` use the same, so no slashes: Webdis splits at them."""
    return f"bench:{size}:{n:012}" if isinstance(n, int) else f"bench:{size}:{n}"


def value(size: int) -> str:
    """What the items hold."""
    return "x" * size


@dataclass(frozen=True)
class Request:
    """One kind of request. In path and body, `{n}` stands for twelve digits, others in each request."""

    method: str
    path: str
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def members(size: int, n: int | str) -> list[str]:
    """The ids in a bulk request."""
    return [f"{item(size, n)}:{m:02}" for m in range(BULK)]


def ids(size: int) -> list[str]:
    """All items of this size that are there before anything is measured."""
    single = [item(size, n) for n in range(items(size))]
    return single + [id for n in range(BULKS) for id in members(size, n)] if size == SIZES[0] else single


def items(size: int) -> int:
    """How many items of this size there are, but for those of the bulk requests."""
    return ITEMS if size <= 4096 else ITEMS // 10


def numbers(case: str, size: int) -> int:
    """How many numbers `{n}` takes."""
    return BULKS if case.startswith("bulk") else items(size)


def _single(size: int) -> tuple[Request, Request]:
    """A read and a write of one item, which Larder and its peer take alike."""
    path = f"/items/{item(size, NUMBER)}"
    return Request("GET", path), Request("PUT", path, value(size), {"content-type": "text/plain"})


def _larder(case: str, size: int) -> list[tuple[int, Request]]:
    read, write = _single(size)
    if case == "bulk-write":
        lines = [json.dumps({"op": "put", "id": id, "value": value(size)}) for id in members(size, NUMBER)]
        return [(1, Request("POST", "/items", "\n".join(lines), {"content-type": "application/x-ndjson"}))]
    if case == "bulk-read":
        body = json.dumps(members(size, NUMBER))
        return [(1, Request("POST", "/items/get", body, {"content-type": "application/json"}))]
    return {
        "read": [(1, read)],
        "write": [(1, write)],
        "mix": [(9, read), (1, write)],
        "wait": [(1, Request(write.method, write.path, write.body, write.headers | {"prefer": "wait=5"}))],
        "list": [(1, Request("GET", f"/items?limit={BULK}"))],
        "live": [(1, Request("GET", "/health/live"))],
    }[case]


def _webdis(case: str, size: int) -> list[tuple[int, Request]]:
    read = Request("GET", f"/GET/{item(size, NUMBER)}.txt")
    write = Request("PUT", f"/SET/{item(size, NUMBER)}", value(size))
    pairs = [part for id in members(size, NUMBER) for part in (id, value(size))]
    return {
        "read": [(1, read)],
        "write": [(1, write)],
        "mix": [(9, read), (1, write)],
        "bulk-write": [(1, Request("POST", "/", "/".join(["MSET", *pairs])))],
        "bulk-read": [(1, Request("POST", "/", "/".join(["MGET", *members(size, NUMBER)])))],
    }[case]


def _fastapi(case: str, size: int) -> list[tuple[int, Request]]:
    read, write = _single(size)
    json_type = {"content-type": "application/json"}
    items = {id: value(size) for id in members(size, NUMBER)}
    return {
        "read": [(1, read)],
        "write": [(1, write)],
        "mix": [(9, read), (1, write)],
        "bulk-write": [(1, Request("POST", "/items", json.dumps(items), json_type))],
        "bulk-read": [(1, Request("POST", "/items/get", json.dumps(members(size, NUMBER)), json_type))],
    }[case]


def _bare(case: str, _size: int) -> list[tuple[int, Request]]:
    return [(1, Request("GET", {"read": "/get", "hello": "/hello"}[case]))]


DIALECTS: dict[str, Callable[[str, int], list[tuple[int, Request]]]] = {
    "larder": _larder,
    "spin": _larder,
    "webdis": _webdis,
    "fastapi": _fastapi,
    "bare": _bare,
    "hyper": _bare,
}


def of(contender: str, case: str, size: int) -> list[tuple[int, Request]]:
    """The kinds of request of a case, each with how many of all are of it."""
    return DIALECTS[contender.split("-")[0]](case, size)
