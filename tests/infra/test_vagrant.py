"""The virtual machine that the Vagrantfile describes (none is started)."""

import re
import shutil
from pathlib import Path

import pytest

from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import RELEASE_JOBS
from tests.infra.reading import ROOT, Json, only_group, read_job, run

VAGRANTFILE = (ROOT / "Vagrantfile").read_text()


def test_vagrant_accepts_the_file(tmp_path: Path) -> None:
    assert shutil.which("vagrant"), "the tests need Vagrant: run tools/test-packages as root"
    # The test needs no hypervisor: only the file is checked.
    result = run(
        *("vagrant", "validate", "--ignore-provider"),
        VAGRANT_HOME=str(tmp_path / "home"),
        VAGRANT_DOTFILE_PATH=str(tmp_path / "state"),
        VAGRANT_CHECKPOINT_DISABLE="1",  # Vagrant asks no server for a newer version
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_address_that_a_browser_opens_is_forwarded_to_the_hosts_loopback() -> None:
    ports = re.findall(r"^\s+(\d+) => ", VAGRANTFILE, re.MULTILINE)
    assert sorted(map(int, ports)) == [4646, 8000, 8080, 8500]
    assert 'host_ip: "127.0.0.1"' in VAGRANTFILE


@pytest.fixture
def reserved_mib(site: Site, jobs: dict[str, Json]) -> int:
    """Return the memory that Nomad reserves for one instance of every job."""
    return sum(
        map(_reserved_mib, [*jobs.values(), *(read_job(site, each) for each in RELEASE_JOBS)])
    )


def _reserved_mib(job: Json) -> int:
    # Tasks that end before the others start use the same memory.
    before = others = beside = 0
    for task in only_group(job)["Tasks"]:
        memory, lifecycle = task["Resources"]["MemoryMB"], task["Lifecycle"]
        if not lifecycle:
            others += memory
        elif lifecycle["Sidecar"]:
            beside += memory
        else:
            before += memory
    return max(before, others) + beside


def test_the_machine_has_twice_the_memory_that_the_jobs_reserve(reserved_mib: int) -> None:
    (memory,) = map(int, re.findall(r"memory = (\d+)", VAGRANTFILE))
    assert memory >= 2 * reserved_mib


@pytest.mark.parametrize("file", ["Vagrantfile", "docs/operations/reference.md"])
def test_the_memory_that_the_jobs_reserve_is_the_sum_of_their_files(
    reserved_mib: int, file: str
) -> None:
    (said,) = re.findall(r"The jobs reserve ([\d.]+) GiB", (ROOT / file).read_text())
    assert said == f"{reserved_mib / 1024:.1f}"
