"""machine.exporter: the program that apt would install, out of its package."""

from pathlib import Path

import pytest
from rich.console import Console

from tasktracker_cluster.errors import CommandError, MissingProgramError
from tasktracker_cluster.machine import exporter
from tasktracker_cluster.progress import Step
from tasktracker_cluster.site import Site


class Machine:
    """A folder that is the whole PATH. Its programs write their arguments to `calls`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.calls.touch()

    def has(self, program: str, script: str = "") -> None:
        file = self.folder / program
        file.write_text(f'#!/bin/sh\necho "{program} $*" >> {self.calls}\n{script}\n')
        file.chmod(0o755)

    def knows(self, version: str) -> None:
        """Let apt know the package in this version: its program prints the version."""
        self.has("apt-cache", f"echo '  Candidate: {version}'")
        self.has("apt-get", '[ "$1" != download ] || echo "$3" > one.deb')
        self.has(
            "dpkg-deb", 'mkdir -p "$3/usr/bin"; cp "$2" "$3/usr/bin/prometheus-postgres-exporter"'
        )

    def called(self) -> list[str]:
        return [line.split(" -q")[0] for line in self.calls.read_text().splitlines()]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Site) -> Machine:
    folder = tmp_path / "path"
    folder.mkdir()
    for program in ("sh", "mkdir", "cp"):
        (folder / program).symlink_to(f"/bin/{program}")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    site.bin.mkdir()
    return Machine(folder)


def install(site: Site) -> str:
    exporter.install(site, Step("exporter", Console(quiet=True), status=None))
    return (site.bin / "postgres-exporter").read_text().strip()


def test_the_version_that_apt_would_install_is_fetched_once(machine: Machine, site: Site) -> None:
    machine.knows("0.11.1-3")
    assert install(site) == "prometheus-postgres-exporter=0.11.1-3"
    assert install(site) == "prometheus-postgres-exporter=0.11.1-3"
    assert machine.called().count("apt-get download") == 1


def test_a_newer_version_replaces_it(machine: Machine, site: Site) -> None:
    machine.knows("0.11.1-3")
    install(site)
    machine.knows("0.11.1-4")
    assert install(site) == "prometheus-postgres-exporter=0.11.1-4"


def test_a_machine_without_package_lists_fetches_them_first(machine: Machine, site: Site) -> None:
    machine.knows("0.11.1-3")
    lists = machine.folder / "lists"
    machine.has("apt-cache", f"[ ! -e {lists} ] || echo '  Candidate: 0.11.1-3'")
    machine.has("apt-get", f'if [ "$1" = update ]; then : > {lists}; else echo "$3" > one.deb; fi')
    assert install(site) == "prometheus-postgres-exporter=0.11.1-3"
    asked = "apt-cache policy prometheus-postgres-exporter"
    assert machine.called()[:3] == [asked, "apt-get update", asked]


def test_a_package_that_cannot_be_fetched_leaves_the_program_as_it_was(
    machine: Machine, site: Site
) -> None:
    machine.knows("0.11.1-3")
    install(site)
    machine.knows("0.11.1-4")
    machine.has("apt-get", "echo 'E: no network' >&2; exit 100")
    with pytest.raises(CommandError) as error:
        exporter.install(site, Step("exporter", Console(quiet=True), status=None))
    assert "E: no network" in error.value.evidence
    assert "0.11.1-3" in (site.bin / "postgres-exporter").read_text()


def test_a_package_that_apt_does_not_know_is_named(machine: Machine, site: Site) -> None:
    machine.knows("")
    with pytest.raises(
        MissingProgramError, match="apt knows no package prometheus-postgres-export"
    ):
        install(site)


def test_a_machine_without_apt_is_refused(machine: Machine, site: Site) -> None:
    with pytest.raises(MissingProgramError, match="no apt-get"):
        install(site)
