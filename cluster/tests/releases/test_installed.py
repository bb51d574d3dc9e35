"""releases.installed: what this machine knows of its releases."""

from pathlib import Path

import pytest

from tasktracker_cluster.releases import installed, sources
from tasktracker_cluster.site import Site

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


def test_a_release_that_is_not_complete_is_not_installed(site: Site) -> None:
    (complete(site) / "complete").unlink()
    release = installed.newest(site)
    assert release.artifacts == ()
    assert not installed.is_installed(site, release.name)
