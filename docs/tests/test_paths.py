"""Files that documents and comments name are there, and links lead where they say."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Not in the repository: what is built, what a store keeps, and what Git keeps.
PASSED_OVER = re.compile(r"target|data|dist|\.larder.*|\.git|__pycache__")


def walk(folder):
    """All that is in a folder, and in the folders in it."""
    for path in sorted(folder.iterdir()):
        if not PASSED_OVER.fullmatch(path.name) and not path.is_symlink():
            yield path
            if path.is_dir():
                yield from walk(path)


def name_of(path):
    """A path, from the root of the repository."""
    return path.relative_to(ROOT).as_posix()


NAMES = {name_of(path): path for path in walk(ROOT)}
DOCUMENTS = [path for path in NAMES.values() if path.suffix == ".md"]
FOLDERS = "|".join(re.escape(name) for name, path in NAMES.items() if path.is_dir() and "/" not in name)

# A path from the root of the repository.
PATH = re.compile(rf"(?<![\w./$-])(?:{FOLDERS})/[\w./-]*[\w/]")
# Where it is clear which folder is meant, the end of one: `items/read.rs`.
SOURCE = re.compile(r"`([\w./-]+\.(?:rs|lua|py|sh))`")
COMMENT = re.compile(r"^\s*(?://|#|--|\*).*", re.MULTILINE)
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ (.*)", re.MULTILINE)


def missing(text):
    """The paths in a text that lead nowhere."""
    return {path for path in PATH.findall(text) if path.rstrip("/") not in NAMES}


def anchors(document):
    """What GitHub makes of the headings."""
    told = {}
    for heading in HEADING.findall(document.read_text()):
        shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        number = told[anchor] = told.get(anchor, -1) + 1
        yield f"{anchor}-{number}" if number else anchor


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_files_that_a_document_names_are_there(document):
    text = document.read_text()
    wrong = missing(text)
    wrong |= {end for end in SOURCE.findall(text) if not any(f"/{name}".endswith(f"/{end}") for name in NAMES)}
    assert not wrong


def test_files_that_comments_name_are_there():
    wrong = {}
    for name, path in NAMES.items():
        try:
            text = path.read_text() if path.is_file() and path not in DOCUMENTS else ""
        except UnicodeDecodeError:
            continue
        if paths := missing("\n".join(COMMENT.findall(text))):
            wrong[name] = paths
    assert not wrong


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_where_they_say(document):
    broken = set()
    for link in LINK.findall(document.read_text()):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        is_elsewhere = re.match(r"https?://", link)
        if not is_elsewhere and not (target.exists() and (not anchor or anchor in anchors(target))):
            broken.add(link)
    assert not broken
