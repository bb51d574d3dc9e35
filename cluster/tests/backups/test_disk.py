"""backups.disk: where the repository is, and a disk that is not there."""

import getpass
import os
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cluster.tests.backups.conftest import WALL
from cluster.tests.fake_cluster import FakeCluster
from cluster.tests.http_server import Agent, Request
from cluster.tests.nomad_server import Nomad, allocation
from tasktracker_cluster.backups import disk, health, keeping, repository
from tasktracker_cluster.errors import BadRepositoryError, NotReadyError
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import BACKUP

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def own(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return a site whose backups are of this user, without a wall."""
    monkeypatch.setattr(disk, "BACKUP_USER", getpass.getuser())
    site.bin.mkdir()
    wall(site, WALL)
    return replace(site, checkout=CHECKOUT)


def wall(site: Site, text: str) -> None:
    (site.bin / "wall").write_text(text)
    (site.bin / "wall").chmod(0o755)


def unmount(folder: Path) -> None:
    """Leave the empty folder that is there when a disk is not mounted."""
    folder.rename(folder.with_name("unmounted"))
    folder.mkdir()


def test_a_folder_that_the_user_cannot_enter_can_be_corrected(own: Site, tmp_path: Path) -> None:
    wall(own, "#!/bin/sh\nexit 1\n")
    with pytest.raises(BadRepositoryError, match="cannot enter"):
        disk.create(own, tmp_path / "closed" / "wrong")
    assert not (tmp_path / "closed").exists()
    assert not own.repository.is_symlink()
    assert not repository.is_on(own)
    wall(own, WALL)
    disk.create(own, tmp_path / "right")
    assert own.repository.resolve() == tmp_path / "right"
    assert repository.is_on(own)


@pytest.mark.parametrize("what", ["the folder", "its parent"])
def test_a_disk_that_is_not_mounted_is_not_replaced_by_a_folder(
    own: Site, nomad: Nomad, consul: Agent, tmp_path: Path, what: str
) -> None:
    folder = tmp_path / "mnt" / "backups"
    disk.create(own, folder)
    assert not disk.is_missing(own)
    unmount(folder if what == "the folder" else folder.parent)
    with pytest.raises(BadRepositoryError, match="disk of the backups is not there"):
        disk.create(own)
    with pytest.raises(BadRepositoryError, match="disk of the backups is not there"):
        disk.create(own, folder)
    assert not folder.exists() or not any(folder.iterdir())
    assert health.of(FakeCluster(own, nomad, consul), "task-db").fault == disk.GONE


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")
def test_a_folder_whose_owner_has_no_name_here_is_refused_if_it_has_files(
    own: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "foreign"
    folder.mkdir()
    (folder / "file").touch()
    os.chown(folder, 54321, 54321)
    with pytest.raises(BadRepositoryError, match="files that are no backups"):
        disk.create(own, folder)
    (folder / "file").unlink()
    disk.create(own, folder)
    assert folder.owner() == getpass.getuser()


def test_another_folder_takes_the_place_of_a_lost_disk_unless_it_fails(
    own: Site, tmp_path: Path
) -> None:
    disk.create(own, tmp_path / "lost")
    unmount(tmp_path / "lost")
    wall(own, "#!/bin/sh\nexit 1\n")
    with pytest.raises(BadRepositoryError, match="cannot enter"):
        disk.create(own, tmp_path / "new")
    assert repository.is_on(own)
    assert own.repository.readlink() == tmp_path / "lost"
    wall(own, WALL)
    disk.create(own, tmp_path / "new")
    assert own.repository.resolve() == tmp_path / "new"


def test_up_stops_the_job_while_the_disk_is_not_there(
    own: Site, nomad: Nomad, consul: Agent, tmp_path: Path
) -> None:
    stopped = []

    def job(request: Request) -> object:
        stopped.append(request.method)
        return {"Version": 1}

    nomad.has_job(BACKUP, allocation(status="complete"))
    nomad.answers[f"/v1/job/{BACKUP}"] = job
    cluster, console = FakeCluster(own, nomad, consul), Console(record=True, quiet=False)
    assert not keeping.go_on(cluster, Steps(console), {})
    assert stopped == []  # backups are off

    disk.create(own, tmp_path / "backups")
    unmount(tmp_path / "backups")
    assert not keeping.go_on(cluster, Steps(console), {})
    assert "DELETE" in stopped
    assert disk.GONE in console.export_text()
    with pytest.raises(BadRepositoryError, match="disk of the backups is not there"):
        keeping.back_up(cluster, "task-db")


def test_backups_are_not_switched_off_while_the_cluster_is_down(
    own: Site, nomad: Nomad, consul: Agent
) -> None:
    disk.create(own)
    with pytest.raises(NotReadyError, match="no running cluster"):
        keeping.switch_off(FakeCluster(own, nomad, consul), Steps(Console(quiet=True)))
    assert repository.is_on(own)
