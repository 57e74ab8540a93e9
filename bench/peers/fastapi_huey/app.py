"""A key-value store of FastAPI and Redis, whose writes Huey applies later: what Larder replaces."""

import os

import redis.asyncio as redis
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool

import tasks

app = FastAPI(openapi_url=None)
store = redis.from_url(os.environ["REDIS_URL"])


@app.get("/health/live")
async def live() -> dict[str, str]:
    """That the process answers."""
    return {"status": "ok"}


@app.get("/items/{item}")
async def read(item: str) -> Response:
    """The bytes of an item."""
    value = await store.get(item)
    if value is None:
        raise HTTPException(404)
    return Response(value, media_type="text/plain")


@app.put("/items/{item}", status_code=202)
async def write(item: str, request: Request) -> Response:
    """Accepts a write: its task is in Redis."""
    value = await request.body()
    # Huey speaks to Redis over blocking sockets.
    await run_in_threadpool(tasks.put, item, value)
    return Response(status_code=202)


@app.post("/items", status_code=202)
async def write_many(items: dict[str, str]) -> Response:
    """Accepts many writes as one task."""
    await run_in_threadpool(tasks.put_many, items)
    return Response(status_code=202)


@app.post("/items/get")
async def read_many(ids: list[str]) -> dict[str, str | None]:
    """The values of many items."""
    values = await store.mget(ids)
    return {item: value and value.decode() for item, value in zip(ids, values, strict=True)}
