"""backups.repository: what Barman lists, and which backups count."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cluster.tests.backups.conftest import Listing, backup
from tasktracker_cluster.backups import repository
from tasktracker_cluster.errors import BackupsOffError, NoSpaceError
from tasktracker_cluster.site import Site

NOON = datetime(2025, 11, 27, 12, tzinfo=UTC)


def test_backups_are_off_until_there_are_settings(site: Site) -> None:
    with pytest.raises(BackupsOffError):
        repository.must_be_on(site)


def test_the_newest_complete_backup_is_the_first(site: Site, listing: Listing) -> None:
    later = NOON + timedelta(hours=1)
    listing(backup(NOON), backup(later), backup(later + timedelta(hours=1), "FAILED"))
    first, second = repository.backups(site, "task-db")
    assert (first.end, second.end) == (later + timedelta(seconds=1), NOON + timedelta(seconds=1))


def test_a_backup_is_good_when_its_checksums_were_compared(site: Site, listing: Listing) -> None:
    later = NOON + timedelta(hours=1)
    listing(backup(NOON), backup(later))
    assert not any(each.is_good for each in repository.backups(site, "task-db"))
    (site.repository / "task-db" / "verified").write_text(f"{NOON:%Y%m%dT%H%M%S}\n")
    assert [each.is_good for each in repository.backups(site, "task-db")] == [False, True]


def test_a_log_that_began_anew_after_a_backup_has_a_hole(site: Site, listing: Listing) -> None:
    listing(backup(NOON))
    known = repository.backups(site, "task-db")[0]
    assert repository.is_unbroken(site, known)
    times = site.repository / "task-db" / "anew"
    times.write_text("2025-11-27T11:59:58Z\n2025-11-27T12:00:01Z\n")
    assert repository.is_unbroken(site, known)
    times.write_text("2025-11-27T11:59:58Z\n2025-11-27T12:00:02Z\n")
    assert not repository.is_unbroken(site, known)
    times.unlink()
    repository.begin_anew(site, "task-db")
    assert not repository.is_unbroken(site, known), "the data are about to be others"


def test_too_little_space_is_an_error_that_names_the_folder(tmp_path: Path) -> None:
    repository.must_have_space(tmp_path, 1, "a backup")
    with pytest.raises(NoSpaceError, match="a backup needs"):
        repository.must_have_space(tmp_path, 2**60, "a backup")


def test_a_backup_larger_than_the_free_space_does_not_fit_again(site: Site) -> None:
    site.repository.mkdir(parents=True)
    small = repository.Backup("task-db", "1", NOON, 1, True)
    large = repository.Backup("task-db", "2", NOON, 2**60, True)
    assert repository.has_space_for_another(site, [])
    assert repository.has_space_for_another(site, [small, large])
    assert not repository.has_space_for_another(site, [large, small])
