"""A session's site, in a folder whose name a shell and the supervisor may misread."""

from pathlib import Path

import pytest

from tasktracker_cluster.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a site in a folder with a strange name."""
    home = tmp_path / "100% mine; 'really'"
    home.mkdir()
    return Site(home, tmp_path)
