"""The virtual machine that the Vagrantfile describes (none is started)."""

import re
import shutil
from pathlib import Path

from tests.infra.reading import ROOT, Json, run, tasks

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


def test_the_machine_has_twice_the_memory_that_the_jobs_reserve(jobs: dict[str, Json]) -> None:
    reserved = sum(
        task["Resources"]["MemoryMB"]
        for job in jobs.values()
        for task in tasks(job)
        if not task.get("Lifecycle")  # it ends before the others start, in the same memory
    )
    (memory,) = map(int, re.findall(r"memory = (\d+)", VAGRANTFILE))
    assert memory >= 2 * reserved
