"""releases.installed: what this machine knows of its releases."""

import hashlib
import os
import threading
from pathlib import Path

import pytest

from cluster.tests.releases import packages
from tasktracker_cluster.releases import artifact, installed, sources, wheels
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import SERVICES

SHA256 = "0123456789abcdef" * 4


@pytest.fixture
def site(site: Site) -> Site:
    """Return a checkout without any service, and a state folder without a release."""
    lock = site.checkout / sources.LOCK
    lock.parent.mkdir()
    lock.write_text("")
    (site.checkout / "services").mkdir()
    site.releases.mkdir()
    return site


def complete(site: Site) -> Path:
    """Put the checkout's release on the disk, as the installer does."""
    folder = site.releases / sources.digest(site.checkout)
    folder.mkdir()
    (folder / "complete").write_text(f"{SHA256}\n")
    return folder


def test_the_release_of_the_checkout_has_the_artifacts_that_it_was_installed_from(
    site: Site,
) -> None:
    name = complete(site).name
    assert installed.newest(site) == installed.Release(name, (SHA256,))
    assert installed.is_installed(site, name)


def test_artifacts_are_built_once_for_all_state_folders_and_unused_ones_are_deleted(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (site.checkout / wheels.BUILD_LOCK).touch()
    for service in SERVICES:
        packages.write(site.checkout, service.folder, service.module)
    for program in artifact.PROGRAMS:
        packages.write(site.checkout, program, program.replace("-", "_"), name=program)
    unused = tmp_path / "cache" / "tasktracker" / "artifacts" / "unused"
    unused.mkdir(parents=True)
    os.utime(unused, (0, 0))
    first = installed.built(site.checkout, "a1b2c3")
    assert [file.stem for file in first] == ["programs", *(each.name for each in SERVICES)]
    times = [file.stat().st_mtime_ns for file in first]
    assert installed.built(site.checkout, "a1b2c3") == first
    assert [file.stat().st_mtime_ns for file in first] == times
    assert list(unused.parent.iterdir()) == [first[0].parent]


def test_artifacts_that_two_commands_need_at_the_same_time_are_built_once(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for service in SERVICES:
        packages.write(site.checkout, service.folder, service.module)
    builds, again = 0, threading.Event()
    other = threading.Thread(target=installed.built, args=(site.checkout, "a1b2c3"))

    def build(_checkout: Path, folder: Path) -> None:
        nonlocal builds
        builds += 1
        folder.mkdir()
        if builds > 1:
            again.set()
        else:
            other.start()
            again.wait(1)

    monkeypatch.setattr(installed, "_build", build)
    installed.built(site.checkout, "a1b2c3")
    other.join()
    assert builds == 1


def test_a_release_that_is_not_complete_is_not_installed(site: Site) -> None:
    (complete(site) / "complete").unlink()
    release = installed.newest(site)
    assert release.artifacts == ()
    assert not installed.is_installed(site, release.name)


def test_of_the_programs_that_were_offered_only_the_last_one_stays(
    site: Site, tmp_path: Path
) -> None:
    site.artifacts.mkdir()
    for contents in (("one", "two"), ("one", "three")):
        programs = [tmp_path / content for content in contents]
        for program in programs:
            program.write_text(program.name)
        offered = installed.offer(site, programs)
        assert offered == [hashlib.sha256(content.encode()).hexdigest() for content in contents]
        assert tuple(installed.file(site, each).read_text() for each in offered) == contents
        listed = (site.artifacts / installed.OFFERED).read_text()
        assert listed == "".join(f"{each}\n" for each in offered)
