"""docs/security.md names tests that exist, for each thing that somebody cannot do."""

from tests.docs.naming import defined_tests, named_tests
from tests.infra.reading import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
HEADING = "| Cannot "


def test_every_test_that_is_named_exists() -> None:
    assert named_tests(PAGE) - defined_tests() == set()


def test_every_line_of_a_table_names_a_test() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("|")]
    claims = [line for line in lines if not line.startswith(("|---", HEADING))]
    assert len(claims) > 40
    assert [line for line in claims if not named_tests(line.rsplit("|", 2)[1])] == []
