"""A cell of a table has one sentence: more is text or a list beside the table."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.reading import ROOT

LONGEST_CELL = 110  # characters: one line of a page
GENERATED = ("cli.md", "endpoints.md")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def cells(text: str) -> Iterator[str]:
    """Every cell of every table."""
    for line in re.findall(r"(?m)^\|(.+)\|$", re.sub(r"(?s)```.+?```", "", text)):
        yield from (cell.strip() for cell in re.split(r"(?<!\\)\|", line))


def is_more_than_a_sentence(cell: str) -> bool:
    """Whether it has two sentences, or more than LONGEST_CELL characters beside links and code."""
    words = re.sub(r"\[([^]]*)]\([^)]*\)", r"\1", re.sub(r"`[^`]*`", "`", cell))
    return len(words) > LONGEST_CELL or re.search(r"[.!?;] ", words) is not None


@pytest.mark.parametrize(
    "page",
    [path for path in PAGES if path.name not in GENERATED],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_cell_is_longer_than_a_sentence(page: Path) -> None:
    long = [cell for cell in cells(page.read_text()) if is_more_than_a_sentence(cell)]
    assert long == []


def test_a_cell_with_two_sentences_or_a_very_long_one_is_noticed() -> None:
    assert is_more_than_a_sentence("one thing; another")
    assert is_more_than_a_sentence("One thing. Another.")
    assert is_more_than_a_sentence("x" * (LONGEST_CELL + 1))
    assert not is_more_than_a_sentence("[one](a-page.md) thing: `a; b. c`, `... is full.`")
