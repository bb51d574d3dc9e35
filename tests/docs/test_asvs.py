"""The list of OWASP ASVS 5.0's level 1 is whole, and names tests that exist."""

import re

from tests.docs.naming import defined_tests, named_tests
from tests.infra.reading import ROOT

# How many items of level 1 each section of 5.0.0 has.
ITEMS = {
    "1.2": 5, "1.3": 2, "1.5": 1, "2.1": 1, "2.2": 2, "2.3": 1, "3.2": 2, "3.3": 1, "3.4": 2,
    "3.5": 3, "4.1": 1, "4.4": 1, "5.2": 2, "5.3": 2, "6.1": 1, "6.2": 8, "6.3": 2, "6.4": 2,
    "7.2": 4, "7.4": 2, "8.1": 1, "8.2": 2, "8.3": 1, "9.1": 3, "9.2": 1, "10.4": 5, "11.3": 2,
    "11.4": 1, "12.1": 1, "12.2": 2, "13.4": 1, "14.2": 1, "14.3": 1, "15.1": 1, "15.2": 1,
    "15.3": 1,
}  # fmt: skip
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


def rows() -> list[tuple[str, str]]:
    return ROW.findall((ROOT / "docs" / "asvs.md").read_text())


def test_every_item_of_level_one_has_a_line() -> None:
    expected = [f"{section}.{n}" for section, items in ITEMS.items() for n in range(1, items + 1)]
    assert [item for item, _ in rows()] == expected
    assert len(expected) == 70


def test_every_test_that_is_named_exists() -> None:
    named = {name for _, proof in rows() for name in named_tests(proof)}
    assert named
    assert named - defined_tests() == set()
