"""releases.installed: the releases on disk, and the current one."""

import os
from pathlib import Path

import pytest
from rich.console import Console

from tasktracker_cluster.progress import Step
from tasktracker_cluster.releases import installed, sources
from tasktracker_cluster.site import Site


@pytest.fixture
def site(site: Site) -> Site:
    """Return a checkout without any service, whose releases are there already."""
    lock = site.checkout / sources.LOCK
    lock.parent.mkdir()
    lock.write_text("")
    (site.checkout / "services").mkdir()
    site.releases.mkdir()
    return site


def build(site: Site, name: str, age: int) -> Path:
    """Put a release on the disk; `age` in seconds."""
    folder = site.releases / name
    folder.mkdir()
    made = folder.stat().st_mtime - age
    os.utime(folder, (made, made))
    return folder


def install(site: Site) -> str:
    return installed.install(site, Step("release", Console(quiet=True), status=None))


def test_an_existing_release_becomes_current_and_is_not_built_again(site: Site) -> None:
    name = sources.digest(site.checkout)
    build(site, name, age=10)
    assert install(site) == installed.current(site) == name
    assert site.release.is_symlink()
    assert site.release.resolve() == site.releases / name


def test_another_release_takes_the_place_of_the_current_one(site: Site) -> None:
    site.release.symlink_to(build(site, "old", age=10).name)
    build(site, sources.digest(site.checkout), age=0)
    install(site)
    assert installed.current(site) == sources.digest(site.checkout)
    assert not [path for path in site.releases.iterdir() if path.name == ".current"]


def test_the_newest_releases_stay_and_the_one_that_is_installed_counts_as_newest(
    site: Site,
) -> None:
    name = sources.digest(site.checkout)
    ages = {"a": 1, "b": 2, "c": 3, "d": 4, name: 100}
    for each, age in ages.items():
        build(site, each, age)
    install(site)
    kept = {path.name for path in site.releases.iterdir() if not path.is_symlink()}
    assert kept == {name, "a", "b"}
    assert len(kept) == installed.KEPT


def test_a_writable_lock_file_of_a_release_becomes_read_only_for_others(site: Site) -> None:
    lock = build(site, sources.digest(site.checkout), age=0) / ".lock"
    lock.touch()
    lock.chmod(0o666)
    install(site)
    assert lock.stat().st_mode & 0o777 == 0o644
