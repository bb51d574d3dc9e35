"""The virtual machines that the Vagrantfile describes (none is started)."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import RELEASE_JOBS
from tests.infra.reading import ROOT, Json, only_group, read_job, run

VAGRANTFILE = (ROOT / "Vagrantfile").read_text()
PAGES = [4646, 8000, 8080, 8500]  # that a browser on the host opens


def vagrant(folder: Path, count: str, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program that reads the Vagrantfile for so many machines, with no state of its own."""
    assert shutil.which("vagrant"), "the tests need Vagrant: run tools/test-packages as root"
    return run(
        *command,
        TASKTRACKER_MACHINES=count,
        VAGRANT_HOME=str(folder / "home"),
        VAGRANT_DOTFILE_PATH=str(folder / "state"),
        VAGRANT_CHECKPOINT_DISABLE="1",  # Vagrant asks no server for a newer version
    )


def machines(folder: Path, count: str) -> dict[str, Json]:
    """Return each machine as Vagrant reads it."""
    result = vagrant(folder, count, "ruby", ROOT / "tests" / "infra" / "machines.rb", ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    read: dict[str, Json] = json.loads(result.stdout)
    return read


def forwarded(machine: Json) -> list[int]:
    """Return the ports of the host's loopback that lead to a machine, without that of SSH."""
    settings = [each for kind, each in machine["networks"] if kind == "forwarded_port"]
    assert {each["host_ip"] for each in settings} == {"127.0.0.1"}
    return sorted(each["host"] for each in settings if each["guest"] != 22)


def private_addresses(machine: Json) -> list[str]:
    return [each["ip"] for kind, each in machine["networks"] if kind == "private_network"]


@pytest.mark.parametrize("count", ["1", "3"])
def test_vagrant_accepts_the_file(tmp_path: Path, count: str) -> None:
    # The test needs no hypervisor: only the file is checked.
    result = vagrant(tmp_path, count, "vagrant", "validate", "--ignore-provider")
    assert result.returncode == 0, result.stdout + result.stderr


def test_one_machine_has_no_network_for_others_and_is_started_alone(tmp_path: Path) -> None:
    (only,) = machines(tmp_path, "1").values()
    assert private_addresses(only) == []
    assert only["arguments"] == [["/vagrant", "up"]]
    assert forwarded(only) == PAGES


def test_three_machines_share_a_network_and_the_first_one_waits_for_the_others_there(
    tmp_path: Path,
) -> None:
    first, *others = machines(tmp_path, "3").values()
    (address,) = private_addresses(first)
    assert first["arguments"] == [["/vagrant", "up", "--advertise", address]]
    assert [each["arguments"] for each in others] == [[["/vagrant", "joined"]]] * 2
    addresses = [address, *(each for other in others for each in private_addresses(other))]
    assert len(set(addresses)) == 3
    assert len({each.rpartition(".")[0] for each in addresses}) == 1
    assert [forwarded(each) for each in (first, *others)] == [PAGES, [], []]


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
