"""docs/architecture.md lists the files in which a service is named, and their number."""

import re

from tests.infra.reading import ROOT, run

SECTION = (ROOT / "docs" / "architecture.md").read_text().partition("## Add a service")[2]
MODEL = r"stats[-_]service|services/stats|\| stats \|"
# Tests and benchmarks have scenarios with it; the pages are not configuration.
ASIDE = (":!*tests/*", ":!docs", ":!bench", ":!README.md")


def test_a_new_service_is_added_where_the_model_is_named() -> None:
    aside = (*ASIDE, ":!services/stats")
    found = run("git", "grep", "-lE", MODEL, "--", ".", *aside).stdout.split()
    without_database = SECTION.partition("With a database")[0]
    names = re.findall(r"`([^`\n]+)`", without_database)
    assert {name for name in names if (ROOT / name).is_file()} == set(found)
    assert f"named in {len(found)} files" in without_database


def test_a_new_database_is_added_where_the_model_is_named() -> None:
    found = run("git", "grep", "-lE", "task[-_]db", "--", ".", *ASIDE).stdout.split()
    with_database = SECTION.partition("With a database")[2].partition("Then `./just test")[0]
    names = re.findall(r"`([^`\n]+)`", with_database)
    files = {str(path.relative_to(ROOT)) for name in names for path in ROOT.glob(name)}
    assert files == set(found)
    assert f"named in {len(found)} files" in with_database
