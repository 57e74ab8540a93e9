"""What Huey's consumer does: the writes."""

import os

import redis
from huey import RedisHuey

# Nobody asks for the results of tasks, so none are kept.
huey = RedisHuey("bench", url=os.environ["REDIS_URL"], results=False)
store = redis.Redis.from_url(os.environ["REDIS_URL"])


@huey.task()
def put(item: str, value: bytes) -> None:
    """Writes one item."""
    store.set(item, value)


@huey.task()
def put_many(items: dict[str, str]) -> None:
    """Writes many, in one command."""
    store.mset(items)
