"""What several tests take."""

from contextlib import closing

import pytest

import shards
from doubles import Bench
from redis_pods import RedisPods


@pytest.fixture
def bench(tmp_path):
    """A folder with doubles of the tools, and a store behind the forwarded port."""
    bench = Bench(tmp_path)
    yield bench
    bench.close()


@pytest.fixture(scope="session")
def pods(tmp_path_factory):
    """Six pods on four machines, and keys in all shards. A test leaves six pods that are well."""
    with closing(RedisPods(tmp_path_factory.mktemp("pods"))) as pods:
        shards.form(pods)
        yield pods
