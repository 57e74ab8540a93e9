"""What .dockerignore leaves, and that patterns are read as Docker reads them."""

import re

import pytest

from dockerignore import context
from repository import ROOT, git_files, packages, text


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ("", "a.md b/a.md b/c/a.md b/c/d"),
        ("*", ""),
        ("# a comment\n\nb", "a.md"),
        ("/b/", "a.md"),
        ("*.md", "b/a.md b/c/a.md b/c/d"),
        ("*/*.md", "a.md b/c/a.md b/c/d"),
        ("**/*.md", "b/c/d"),
        ("b/**", "a.md"),
        ("b/?", "a.md b/a.md"),
        ("[a-b]*", ""),
        ("*\n!b", "b/a.md b/c/a.md b/c/d"),
        ("*\n!b/c", "b/c/a.md b/c/d"),
        ("*\n!b\nb/c", "b/a.md"),
        ("!b\n*", ""),
        ("c", "a.md b/a.md b/c/a.md b/c/d"),
    ],
)
def test_patterns(patterns, left):
    assert context("a.md b/a.md b/c/a.md b/c/d".split(), patterns) == left.split()


def test_every_member_is_let_through_and_little_else():
    left = context(git_files(), text(".dockerignore"))
    folders = {package["manifest_path"].removeprefix(f"{ROOT}/").rpartition("/")[0] for package in packages().values()}
    assert {f"{folder}/Cargo.toml" for folder in folders} <= set(left)
    beside = [path for path in left if not any(path.startswith(f"{folder}/") for folder in folders)]
    assert sorted(beside) == [
        "Cargo.lock",
        "Cargo.toml",
        "k8s/components/prometheus/alerts.yaml",
        "runtime-config.toml",
        "spin-wasip2.toml",
        "spin.toml",
    ]


def test_what_sources_include_is_let_through():
    left = context(git_files(), text(".dockerignore"))
    # A test alone includes it.
    left.append("docs/cli.md")
    included = {
        (source, str((ROOT / source).parent.joinpath(name).resolve().relative_to(ROOT)))
        for source in left
        if source.endswith(".rs")
        for name in re.findall(r'include_(?:str|bytes)!\("([^"]+)"\)', text(source))
    }
    assert len(included) > 5
    assert not [pair for pair in included if pair[1] not in left]
