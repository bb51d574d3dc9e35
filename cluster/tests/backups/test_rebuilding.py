"""backups.rebuilding: what is refused before anything is changed."""

from pathlib import Path

import pytest
from rich.console import Console

from tasktracker_cluster.backups import rebuilding
from tasktracker_cluster.backups.restic import Store
from tasktracker_cluster.errors import BadRepositoryError, StaleStateError
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site

QUIET = Steps(Console(quiet=True))


@pytest.mark.parametrize("folder", ["volumes/task-db/data", "consul/raft"])
def test_a_cluster_that_is_there_is_not_replaced(site: Site, folder: str) -> None:
    rebuilding.must_be_possible(site)
    (site.home / folder).mkdir(parents=True)
    with pytest.raises(StaleStateError, match="There is a cluster already"):
        rebuilding.must_be_possible(site)


def test_what_an_interrupted_rebuild_left_can_only_be_rebuilt(site: Site) -> None:
    rebuilding.must_be_complete(site)
    site.rebuilding_file.touch()
    (site.volume("user-db") / "data").mkdir(parents=True)
    rebuilding.must_be_possible(site)
    with pytest.raises(StaleStateError, match="was interrupted"):
        rebuilding.must_be_complete(site)


def test_a_folder_that_is_no_repository_is_refused(site: Site, tmp_path: Path) -> None:
    with pytest.raises(BadRepositoryError, match="is no repository"):
        rebuilding.rebuild(site, QUIET, tmp_path, None, None)
    rebuilding.must_be_complete(site)


def test_a_copy_is_not_taken_for_a_repository(site: Site, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a key\n")
    Store(str(tmp_path / "store"), key).create()
    with pytest.raises(BadRepositoryError, match="is no repository"):
        rebuilding.rebuild(site, QUIET, tmp_path / "store", None, None)
