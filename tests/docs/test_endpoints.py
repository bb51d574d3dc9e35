"""docs/endpoints.md names every answer that the documents name, and tests that there are."""

import re
from pathlib import Path

from servicekit.testing.endpoints import documented

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/endpoints.md").read_text()
ROW = re.compile(r"^\| `(\w+) (\S+)` \| (\d+) \| (.+) \|$", re.MULTILINE)
HINT = "run: ./just endpoints"


def test_the_page_has_each_answer_of_each_document_once() -> None:
    documents = [(each.method, each.path, str(each.status)) for each in documented(ROOT)]
    assert [row[:3] for row in ROW.findall(PAGE)] == documents, HINT


def test_each_named_test_exists() -> None:
    named = {name for *_, tests in ROW.findall(PAGE) for name in re.findall("`([^`]+)`", tests)}
    assert named
    for test in named:
        file, *_, function = test.split("::")
        assert f"def {function}(" in (ROOT / _source(file, test)).read_text(), (test, HINT)


def _source(file: str, test: str) -> str:
    """Return the file of a test; servicekit has the conformance suite's, wherever they run."""
    shared = "services/servicekit/src/servicekit/testing/conformance.py"
    return shared if "::TestConformance::" in test else file
