"""backups.timelines: which timeline a restore follows."""

import re
from datetime import UTC, datetime, timedelta

from cluster.tests.backups.conftest import Listing
from tasktracker_cluster.backups import timelines
from tasktracker_cluster.site import Site

NOON = datetime(2025, 11, 27, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def ended(site: Site, *lines: str) -> None:
    (site.repository / "task-db" / "ended").write_text("".join(f"{line}\n" for line in lines))


def test_without_an_earlier_restore_it_is_the_latest(site: Site, listing: Listing) -> None:
    assert timelines.leading_to(site, "task-db", NOON) == "latest"
    assert timelines.leading_to(site, "task-db", None) == "latest"


def test_a_time_before_a_restore_is_on_the_timeline_that_it_ended(
    site: Site, listing: Listing
) -> None:
    ended(site, f"{NOON.isoformat()} 4", f"{(NOON + 2 * HOUR).isoformat()} 7")
    found = [timelines.leading_to(site, "task-db", NOON + n * HOUR) for n in (-1, 1, 3)]
    assert found == ["4", "7", "latest"]
    assert timelines.leading_to(site, "task-db", None) == "latest"


def test_in_a_repository_of_an_earlier_version_earlier_times_are_on_the_backups_own(
    site: Site, listing: Listing
) -> None:
    before = datetime.now(UTC) - HOUR
    timelines.begin(site, "task-db")
    timelines.begin(site, "task-db")  # the next `up`
    text = (site.repository / "task-db" / "ended").read_text()
    assert re.fullmatch(r"\S+ current\n", text)
    assert timelines.leading_to(site, "task-db", before) == "current"
    assert timelines.leading_to(site, "task-db", datetime.now(UTC)) == "latest"


def test_of_a_database_without_data_no_end_is_noted(site: Site, listing: Listing) -> None:
    timelines.note_end(site, "task-db")
    assert not (site.repository / "task-db" / "ended").exists()
