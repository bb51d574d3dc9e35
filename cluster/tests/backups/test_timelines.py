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


def test_the_newest_timeline_of_a_repository_is_found_in_all_parts_of_its_log(
    site: Site, listing: Listing
) -> None:
    folder, before = site.repository / "task-db", datetime.now(UTC) - HOUR
    timelines.note_newest_end(site, "task-db")
    assert not (folder / "ended").exists()
    for name, newest in (
        ("wals/0000000900000000/000000090000000000000003", "9"),
        ("wals/0000000A.history", "10"),
        ("streaming/0000000B0000000000000004.partial", "11"),
        ("wals/xlog.db", "11"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
        (folder / "ended").unlink(missing_ok=True)
        timelines.note_newest_end(site, "task-db")
        assert timelines.leading_to(site, "task-db", before) == newest


def test_of_a_database_without_data_no_end_is_noted(site: Site, listing: Listing) -> None:
    timelines.note_end(site, "task-db")
    assert not (site.repository / "task-db" / "ended").exists()
