"""The links to logs (nomad/jobs/logs/link.py): what is linked, who may read, what is deleted."""

import os
from pathlib import Path
from types import ModuleType

import pytest

from tests.infra import reading
from tests.infra.reading import ROOT

ALLOCATION = "0a1b2c3d-1111-2222-3333-444455556666"
NOBODY = 65534


@pytest.fixture(scope="module")
def program() -> ModuleType:
    """Return the program as a module."""
    return reading.program(ROOT / "nomad/jobs/logs/link.py")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a state folder with logs, and with other files beside them."""
    logs = tmp_path / "nomad" / "alloc" / ALLOCATION / "alloc" / "logs"
    for folder in (logs, tmp_path / "logs", tmp_path / "links"):
        folder.mkdir(parents=True)
    for name in ("app.stdout.0", "app.stdout.1", "migrate.stderr.0"):
        (logs / name).write_text(name)
    os.mkfifo(logs / ".app.stdout.fifo")
    os.mkfifo(logs / "app.stdout.2")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    secret.chmod(0o600)
    (logs / "app.stdout.3").symlink_to(secret)
    for name in ("consul.log", "consul-17.log", "nomad.err", "supervisord.log.1", "other.log",
                 "nomad-stderr---supervisor-x.log"):  # fmt: skip
        (tmp_path / "logs" / name).write_text(name)
    return tmp_path


def linked(program: ModuleType, home: Path) -> dict[str, str]:
    """Run the program once, and return what is behind each link."""
    program.update(home, home / "links", os.getgid())
    return {file.name: file.read_text() for file in (home / "links").iterdir()}


def test_every_log_is_linked_and_nothing_else(program: ModuleType, home: Path) -> None:
    agents = ("consul.log", "consul-17.log", "nomad.err", "supervisord.log.1")
    inodes = {name: (home / "logs" / name).stat().st_ino for name in agents}
    assert linked(program, home) == {
        f"{ALLOCATION}.app.stdout.0": "app.stdout.0",
        f"{ALLOCATION}.app.stdout.1": "app.stdout.1",
        f"{ALLOCATION}.migrate.stderr.0": "migrate.stderr.0",
        f"consul.{inodes['consul.log']}.log": "consul.log",
        f"consul.{inodes['consul-17.log']}.log": "consul-17.log",
        f"nomad.{inodes['nomad.err']}.err": "nomad.err",
        f"supervisord.{inodes['supervisord.log.1']}.log": "supervisord.log.1",
    }
    assert (home / "secret").stat().st_mode & 0o777 == 0o600


def test_the_group_may_read_and_nobody_else(program: ModuleType, home: Path) -> None:
    linked(program, home)
    modes = {file.stat().st_mode & 0o777 for file in (home / "links").iterdir()}
    assert modes == {0o640}


def test_a_renamed_log_keeps_its_link(program: ModuleType, home: Path) -> None:
    before = linked(program, home)
    (home / "logs" / "consul.log").rename(home / "logs" / "consul-18.log")
    assert linked(program, home) == before


def test_a_link_is_deleted_a_while_after_its_file(
    program: ModuleType, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = linked(program, home)
    (home / "nomad/alloc" / ALLOCATION / "alloc/logs/app.stdout.0").unlink()
    assert linked(program, home) == before, "the collector may not have read it yet"
    monkeypatch.setattr(program, "KEPT_SECONDS", -1)
    assert before.keys() - linked(program, home).keys() == {f"{ALLOCATION}.app.stdout.0"}


def test_on_a_machine_that_has_joined_the_logs_of_agents_have_its_name(
    program: ModuleType, home: Path
) -> None:
    program.update(home, home / "links", os.getgid(), "@node-2")
    names = {file.name.partition(".")[0] for file in (home / "links").iterdir()}
    assert names == {ALLOCATION, "consul@node-2", "nomad@node-2", "supervisord@node-2"}


def test_a_folder_of_logs_that_is_deleted_meanwhile_hides_no_other_log(
    program: ModuleType, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = home / "nomad" / "alloc" / "ended" / "alloc" / "logs"
    ended.mkdir(parents=True)
    read = os.scandir

    def delete_first(folder: str) -> object:
        if Path(folder) == ended:
            ended.rmdir()
        return read(folder)

    monkeypatch.setattr(os, "scandir", delete_first)
    found = linked(program, home)
    assert not ended.exists()
    assert f"{ALLOCATION}.app.stdout.0" in found
