"""An upgrade of PostgreSQL: one version everywhere, and scripts that refuse what they cannot do.

The upgrade itself is a drill (tests/cluster/test_upgrade.py).
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infra.reading import ROOT, run

SCRIPTS = ROOT / "nomad/jobs/postgres"
PROGRAMS = Path("/usr/lib/postgresql/15/bin")
VERSION = "postgresql[-/]([0-9]+)"
OTHERS = ("docs/", "tests/newer_postgres")  # these tell of other versions, too


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """Give the volume of a database whose data are of PostgreSQL 14."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/PG_VERSION").write_text("14\n")
    (tmp_path / "data/row").touch()
    for version in ("14", "16"):
        (tmp_path / "programs" / version / "bin").mkdir(parents=True)
        (tmp_path / "programs" / version / "bin" / "postgres").touch(0o755)
    return tmp_path


def upgrade(volume: Path, version: str) -> str:
    """Let the script refuse, and return what it says."""
    result = subprocess.run(
        ["/bin/sh", SCRIPTS / "upgrade.sh", volume, version],
        env={**os.environ, "POSTGRES": str(volume / "programs")},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1, result.stdout + result.stderr
    assert result.stdout == ""
    return result.stderr


def test_all_files_name_the_same_major_version() -> None:
    lines = run("git", "grep", "-E", VERSION).stdout.splitlines()
    found = {
        (name, version)
        for name, _, line in (line.partition(":") for line in lines)
        if not name.startswith(OTHERS)
        for version in re.findall(VERSION, line)
    }
    assert {version for _, version in found} == {"15"}, found
    assert len(found) >= 6, "the search finds too little"


@pytest.mark.parametrize(
    ("spoilt", "version", "told"),
    [
        ("data/PG_VERSION", "16", "There are no data in "),
        ("", "14", "are of PostgreSQL 14 already"),
        ("programs/14/bin/postgres", "16", "There is no PostgreSQL 14 in "),
        ("programs/16/bin/postgres", "16", "There is no PostgreSQL 16 in "),
    ],
)
def test_an_upgrade_that_cannot_be_made_is_refused(
    volume: Path, spoilt: str, version: str, told: str
) -> None:
    if spoilt:
        (volume / spoilt).unlink()
    assert told in upgrade(volume, version)
    assert (volume / "data/row").exists()


def test_an_upgrade_does_not_replace_the_data_of_an_earlier_one(volume: Path) -> None:
    (volume / "data.14").mkdir()
    assert "data.14: move it away" in upgrade(volume, "16")
    assert (volume / "data/row").exists()


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("", "The data are as they were."),
        ('rm "$6/global/pg_control";', "The old data cannot be used any more"),  # as with --link
    ],
)
def test_a_failed_upgrade_leaves_the_data_and_tells_whether_they_can_be_used(
    volume: Path, done: str, said: str
) -> None:
    for name in ("pg_hba.conf", "pg_ident.conf", "logging.conf", "global/pg_control"):
        (volume / "data" / name).parent.mkdir(exist_ok=True)
        (volume / "data" / name).touch()
    programs = volume / "programs/16/bin"
    for name, script in (("initdb", 'mkdir "$2"'), ("pg_upgrade", f"{done} echo No space; exit 1")):
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    told = upgrade(volume, "16")
    assert "No space" in told
    assert said in told
    assert (volume / "data/row").exists()
    assert not (volume / "data.14").exists()


def test_a_member_does_not_start_on_data_of_another_version(volume: Path) -> None:
    shutil.rmtree(volume / "programs")
    settings = {"DATA": volume / "data", "SOCKETS": volume / "run", "PGBIN": PROGRAMS}
    environment = {name: str(path) for name, path in settings.items()}
    result = run("/bin/sh", SCRIPTS / "prepare.sh", **environment)
    assert result.returncode == 1
    assert f"are of PostgreSQL 14, and {PROGRAMS} of 15: see docs/operations/" in result.stderr
    assert {file.name for file in (volume / "data").iterdir()} == {"PG_VERSION", "row"}
