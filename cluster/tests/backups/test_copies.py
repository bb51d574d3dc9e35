"""backups.copies: the place, the key, and what is known of the last copy."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasktracker_cluster.backups import copies
from tasktracker_cluster.backups.copies import Copied
from tasktracker_cluster.backups.restic import Store
from tasktracker_cluster.errors import BadPlaceError, CopiesOffError, WrongKeyError
from tasktracker_cluster.site import Site


@pytest.fixture
def site(site: Site) -> Site:
    """Return a site that keeps backups."""
    for folder in (site.backup, site.secrets):
        folder.mkdir()
    site.barman_conf.touch()
    return site


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(tmp_path / "place")


def copied(age: timedelta) -> Copied:
    at = (datetime.now(UTC) - age).isoformat()
    return Copied("1a2b3c4d", at, at)


def test_a_new_place_gets_a_store_and_a_key_that_only_root_reads(site: Site, place: str) -> None:
    copies.prepare(site, place, None)
    assert copies.store(site).is_there()
    assert site.copies_key.stat().st_mode & 0o777 == 0o600
    key = site.copies_key.read_text()
    assert len(key.strip()) == 64
    copies.prepare(site, place, None)
    assert site.copies_key.read_text() == key


def test_copies_of_another_cluster_need_its_key(site: Site, place: str, tmp_path: Path) -> None:
    copies.prepare(site, place, None)
    copies.write_key(site, tmp_path / "kept.key")
    site.copies_key.unlink()
    with pytest.raises(WrongKeyError):
        copies.prepare(site, place, None)
    (tmp_path / "wrong.key").write_text("wrong\n")
    with pytest.raises(WrongKeyError):
        copies.prepare(site, place, tmp_path / "wrong.key")
    copies.prepare(site, place, tmp_path / "kept.key")
    assert site.copies_key.read_text() == (tmp_path / "kept.key").read_text()


def test_the_key_of_the_place_before_is_kept(site: Site, place: str, tmp_path: Path) -> None:
    assert copies.prepare(site, place, None) is None
    old = site.copies_key.read_text()
    key = tmp_path / "other.key"
    key.write_text("another key\n")
    other = Store(f"{place}-2", key)
    other.create()
    kept = copies.prepare(site, other.place, key)
    assert kept is not None
    assert kept.stat().st_mode & 0o777 == 0o600
    assert (kept.read_text(), site.copies_key.read_text()) == (old, "another key\n")
    assert Store(place, kept).is_there()
    assert copies.prepare(site, other.place, key) is None
    assert list(site.secrets.glob("copies.key.*")) == [kept]


def test_a_key_without_its_copies_is_refused(site: Site, place: str, tmp_path: Path) -> None:
    (tmp_path / "kept.key").write_text("a key\n")
    with pytest.raises(BadPlaceError):
        copies.prepare(site, place, tmp_path / "kept.key")
    assert not copies.is_on(site)


def test_the_key_is_written_to_a_new_file_that_only_root_reads(
    site: Site, place: str, tmp_path: Path
) -> None:
    file = tmp_path / "safe.key"
    with pytest.raises(CopiesOffError):
        copies.write_key(site, file)
    copies.prepare(site, place, None)
    copies.write_key(site, file)
    assert file.read_text() == site.copies_key.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BadPlaceError):
        copies.write_key(site, file)


def test_the_health_says_how_old_the_last_good_copy_is_and_why_the_next_one_failed(
    site: Site,
) -> None:
    assert copies.health(site).fault == "no copy yet"
    copies.remember(site, copied(timedelta(minutes=5)))
    assert copies.health(site).told == "5 min old"
    site.copies_fault.write_text("restic backup failed in /mnt\n")
    assert copies.health(site).told == (
        "5 min old, the last copy failed: restic backup failed in /mnt"
    )
    copies.remember(site, copied(timedelta(hours=27)))
    assert copies.health(site).told == "27 h old, the last good copy is too old"


def test_what_is_known_of_a_copy_is_forgotten_with_its_place(site: Site, place: str) -> None:
    copies.prepare(site, place, None)
    copies.remember(site, copied(timedelta(0)))
    copies.prepare(site, place, None)
    assert copies.last(site)
    copies.prepare(site, f"{place}-2", None)
    assert copies.last(site) is None
    assert json.loads(site.copies_file.read_text()) == {"place": f"{place}-2"}


def test_copies_are_off_without_backups(site: Site, place: str) -> None:
    copies.prepare(site, place, None)
    assert copies.is_on(site)
    site.barman_conf.unlink()
    assert not copies.is_on(site)
    with pytest.raises(CopiesOffError):
        copies.store(site)


def test_a_copy_of_a_clock_that_goes_ahead_is_new(site: Site) -> None:
    copies.remember(site, copied(timedelta(seconds=-5)))
    assert copies.health(site).told == "0 min old"
