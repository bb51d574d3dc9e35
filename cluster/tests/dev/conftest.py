"""A session's site, in a folder with special characters of shells and of the supervisor."""

from pathlib import Path

import pytest

from tasktracker_cluster.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a site in a folder with special characters in its name."""
    home = tmp_path / "100% mine; 'really'"
    home.mkdir()
    return Site(home, tmp_path)
