"""The program that tells how much is free on each disk (nomad/jobs/metrics/disks.py)."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import pytest

from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import DATABASES, STORING_JOBS
from tests.infra import reading
from tests.infra.reading import ROOT

PROGRAM = ROOT / "nomad" / "jobs" / "metrics" / "disks.py"
LIMIT_SECONDS = 180
SHM = Path("/dev/shm")  # nosec B108 - a file system of its own on each Linux


@pytest.fixture(scope="module")
def program() -> ModuleType:
    """Return the program as a module."""
    return reading.program(PROGRAM)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Return a state folder whose repository of backups is on another disk."""
    (tmp_path / "volumes" / "task-db").mkdir(parents=True)
    (tmp_path / "backup").mkdir()
    with TemporaryDirectory(dir=SHM) as other:
        assert os.stat(other).st_dev != tmp_path.stat().st_dev
        (tmp_path / "backup" / "repository").symlink_to(other)
        yield tmp_path


def test_each_disk_is_told_once_by_the_first_folder_on_it(program: ModuleType, home: Path) -> None:
    found = program.disks(home)
    repository = home / "backup" / "repository"
    assert list(found) == [str(home), str(repository)]
    free = shutil.disk_usage(repository).free
    assert abs(found[str(repository)] - free) < free / 2 + 2**20


def test_a_disk_that_is_not_there_has_no_figure(program: ModuleType, home: Path) -> None:
    repository = home / "backup" / "repository"
    repository.unlink()
    repository.symlink_to(home / "not-mounted")
    assert list(program.disks(home)) == [str(home)]


def test_it_knows_every_folder_of_data(program: ModuleType, site: Site) -> None:
    volumes = {f"volumes/{each}" for each in (*(d.name for d in DATABASES), *STORING_JOBS)}
    repository = str(site.repository.relative_to(site.home))
    assert set(program.FOLDERS) == {".", *volumes, repository}


def test_it_goes_on_when_the_store_breaks_a_connection(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as store:
        store.settimeout(LIMIT_SECONDS)
        url = f"http://127.0.0.1:{store.getsockname()[1]}"
        command = [sys.executable, "-I", "-S", str(PROGRAM), url, "node-2", str(home)]
        with subprocess.Popen(command) as teller:
            try:
                store.accept()[0].close()
                connection, _ = store.accept()
                with connection:
                    assert connection.recv(4096).startswith(b"POST /api/v1/import/prometheus")
            finally:
                teller.terminate()
