"""What a release holds for Spin: a manifest and its component in one folder."""

import tomllib

import pytest

from repository import ROOT, run, text


@pytest.fixture(scope="module", autouse=True)
def laid_out():
    done = run("release/components.sh")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["spin.toml", "spin-wasip2.toml"])
def test_a_manifest_names_the_component_beside_it_and_is_else_the_same(name):
    own, released = tomllib.loads(text(name)), tomllib.loads(text(f"dist/{name}"))
    source = released["component"]["api"]["source"]
    assert (ROOT / "dist" / source).read_bytes() == (ROOT / own["component"]["api"]["source"]).read_bytes()
    own["component"]["api"]["source"] = source
    del own["component"]["api"]["build"]
    assert released == own
