"""backups.rebuilding: what is refused before anything is changed."""

import getpass
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from cluster.tests.backups.conftest import WALL
from tasktracker_cluster.backups import copying, disk, exchange, rebuilding, recovery, timelines
from tasktracker_cluster.backups.restic import Store
from tasktracker_cluster.errors import AdminError, BadRepositoryError, StaleStateError
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site

CHECKOUT = Path(__file__).parents[3]
QUIET = Steps(Console(quiet=True))


@pytest.mark.parametrize("folder", ["volumes/task-db/data", "consul/raft"])
def test_a_cluster_that_is_there_is_not_replaced(site: Site, tmp_path: Path, folder: str) -> None:
    copies = Store("anywhere", tmp_path)
    rebuilding.must_be_possible(site, copies)
    (site.home / folder).mkdir(parents=True)
    with pytest.raises(StaleStateError, match="There is a cluster already"):
        rebuilding.must_be_possible(site, copies)


def test_what_an_interrupted_rebuild_left_can_only_be_rebuilt(site: Site, tmp_path: Path) -> None:
    rebuilding.must_be_complete(site)
    site.rebuilding_file.touch()
    (site.volume("user-db") / "data").mkdir(parents=True)
    rebuilding.must_be_possible(site, Store("anywhere", tmp_path))
    with pytest.raises(StaleStateError, match="was interrupted"):
        rebuilding.must_be_complete(site)


def test_a_folder_that_is_no_repository_is_refused(site: Site, tmp_path: Path) -> None:
    with pytest.raises(BadRepositoryError, match="is no repository"):
        rebuilding.must_be_possible(site, tmp_path)


def test_a_copy_is_not_taken_for_a_repository(site: Site, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a key\n")
    Store(str(tmp_path / "store"), key).create()
    with pytest.raises(BadRepositoryError, match="is no repository"):
        rebuilding.must_be_possible(site, tmp_path / "store")


@pytest.fixture
def own(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return a site whose backups are of this user, without a wall and without a release."""
    for module in (disk, rebuilding):
        monkeypatch.setattr(module, "BACKUP_USER", getpass.getuser())
    site.bin.mkdir()
    (site.bin / "wall").write_text(WALL)
    (site.bin / "wall").chmod(0o755)
    return replace(site, checkout=CHECKOUT)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return copies of a repository: its task database has the file `base`."""
    linked, agents = tmp_path / "lost" / copying.LINKED, tmp_path / "lost" / copying.AGENTS
    (linked / "task-db").mkdir(parents=True)
    (linked / "task-db" / "base").write_text("of the copy")
    agents.mkdir()
    (tmp_path / "key").write_text("a key\n")
    store = Store(str(tmp_path / "store"), tmp_path / "key")
    store.create()
    store.add([linked, agents])
    return store


@pytest.mark.parametrize("is_linked", [False, True], ids=["named", "moved into the state folder"])
def test_a_copy_is_not_restored_over_a_repository(
    own: Site, store: Store, tmp_path: Path, is_linked: bool
) -> None:
    there = tmp_path / "repository"
    disk.create(own, there)
    if not is_linked:
        own.repository.unlink()
    (there / "task-db" / "base").write_text("newer than the copy")
    with pytest.raises(BadRepositoryError, match="is not empty"):
        rebuilding.rebuild(own, QUIET, store, None if is_linked else there, None)
    assert (there / "task-db" / "base").read_text() == "newer than the copy"


def test_an_interrupted_rebuild_from_a_copy_is_repeated_in_its_folder(
    own: Site, store: Store, tmp_path: Path
) -> None:
    there = tmp_path / "repository"
    # It ends after the copy: there is no Barman here.
    for left in ("copying", "user-db"):
        with pytest.raises(AdminError) as raised:
            rebuilding.rebuild(own, QUIET, store, there, None)
        assert not isinstance(raised.value, BadRepositoryError)
        assert (there / "task-db" / "base").read_text() == "of the copy"
        assert not (there / left).exists()
        (there / left).mkdir()
    with pytest.raises(BadRepositoryError, match="only a part of a copy"):
        rebuilding.rebuild(own, QUIET, there, None, None)


def test_after_a_rebuild_that_went_back_too_far_a_later_time_can_be_restored(
    own: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The recovery needs a server. What counts here is what is noted beside it.
    monkeypatch.setattr(recovery, "restored", lambda *_: nullcontext())
    monkeypatch.setattr(exchange, "place", lambda *_: None)
    there = tmp_path / "repository"
    disk.create(own, there)
    for database in ("user-db", "task-db"):
        (there / database / "streaming").mkdir(parents=True)
        (there / database / "streaming" / "000000040000000000000007.partial").touch()
    wanted = datetime.now(UTC)
    rebuilding.rebuild(own, QUIET, there, None, None)
    assert timelines.leading_to(own, "task-db", wanted) == "latest"  # it lost nothing
    rebuilding.rebuild(own, QUIET, there, None, wanted - timedelta(hours=1))
    for database in ("user-db", "task-db"):
        assert timelines.leading_to(own, database, wanted) == "4"
        assert timelines.leading_to(own, database, datetime.now(UTC)) == "latest"


def test_a_complete_rebuild_leaves_a_repository_that_the_next_one_does_not_replace(
    own: Site, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "_database", lambda *_: None)  # it needs a server
    there = tmp_path / "repository"
    rebuilding.rebuild(own, QUIET, store, there, None)
    disk.must_be_whole(there)
    with pytest.raises(BadRepositoryError, match="is not empty"):
        rebuilding.rebuild(own, QUIET, store, there, None)
    rebuilding.rebuild(own, QUIET, there, None, None)
    assert (there / "task-db" / "base").read_text() == "of the copy"
