"""releases.artifact and releases.bill: one file that has everything, and what it consists of."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from cluster.tests.releases import packages
from cluster.tests.releases.packages import TINY
from tasktracker_cluster.errors import CommandError
from tasktracker_cluster.releases import artifact, bill


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout with a service, a package that it needs, and one that it does not need."""
    checkout = tmp_path_factory.mktemp("checkout")
    packages.write(checkout, "tiny", "tiny_service", '"tasktracker-shared"')
    packages.write(checkout, "shared", "shared")
    packages.write(checkout, "other", "other_service")
    return checkout


@pytest.fixture(scope="module")
def made(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the artifact of the service, with its checksum and its bill beside it."""
    return make(checkout, tmp_path_factory.mktemp("made"))


def make(checkout: Path, folder: Path) -> Path:
    wheels = packages.built(checkout, folder / "wheels")
    plan = artifact.plan(checkout, TINY)
    made = artifact.make(plan, wheels, folder)
    bill.write(plan, made, wheels.python)
    artifact.write_checksum(made)
    return made


def test_the_same_sources_give_the_same_bytes_elsewhere_and_at_another_time(
    checkout: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = os.umask(0o077)
    try:
        copy = shutil.copytree(checkout, tmp_path / "place", copy_function=shutil.copyfile)
        again = make(copy, tmp_path)
    finally:
        os.umask(before)
    for suffix in (".pex", ".pex.sha256", ".cdx.json"):
        assert made.with_suffix(suffix).read_bytes() == again.with_suffix(suffix).read_bytes()


def test_an_artifact_has_all_that_it_needs_and_nothing_else(made: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    artifact.install(made, environment, Path("/usr/bin/python3"))
    for module in ("tiny_service", "shared"):
        command = [str(environment / "bin" / "python"), "-m", module]
        assert subprocess.check_output(command, text=True) == f"{module}\n"
    assert not list(environment.rglob("other_service*"))


def test_the_checksum_is_one_that_sha256sum_can_check(made: Path, tmp_path: Path) -> None:
    for suffix in (".pex", ".pex.sha256"):
        shutil.copy(made.with_suffix(suffix), tmp_path)
    command = ["sha256sum", "--check", "--strict", "tiny-service.pex.sha256"]
    assert subprocess.run(command, cwd=tmp_path).returncode == 0
    with (tmp_path / made.name).open("ab") as file:
        file.write(b"altered")
    assert subprocess.run(command, cwd=tmp_path).returncode == 1


def test_the_bill_names_the_packages_of_the_artifact_and_its_checksum(made: Path) -> None:
    text = made.with_suffix(".cdx.json").read_text()
    written = json.loads(text)
    version = SchemaVersion.from_version(written["specVersion"])
    assert JsonStrictValidator(version).validate_str(text) is None
    described = written["metadata"]["component"]
    assert (described["name"], described["version"]) == ("tasktracker-tiny", "1.2.3")
    assert described["hashes"] == [{"alg": "SHA-256", "content": artifact.checksum(made)}]
    assert [each["name"] for each in written["components"]] == ["tasktracker-shared"]


def test_a_package_that_no_wheel_has_is_named(tmp_path: Path) -> None:
    packages.write(tmp_path, "tiny", "tiny_service", '"forgotten>=1"')
    wheels = packages.built(tmp_path, tmp_path / "wheels")
    with pytest.raises(CommandError) as caught:
        artifact.make(artifact.plan(tmp_path, TINY), wheels, tmp_path)
    assert "forgotten" in "".join(caught.value.evidence)
    assert not list(tmp_path.glob("*.pex"))
