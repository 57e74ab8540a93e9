"""What several tests take."""

import pytest

from doubles import Bench


@pytest.fixture
def bench(tmp_path):
    """A folder with doubles of the tools, and a store behind the forwarded port."""
    bench = Bench(tmp_path)
    yield bench
    bench.close()
