"""The installer (nomad/jobs/release) with real artifacts, and with faults."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.tests.releases import packages
from cluster.tests.releases.packages import TINY
from tasktracker_cluster.releases import artifact, installed
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import Service

OTHER = Service("other-service", "other", 8010, "/other")
CHECKOUT = Site.from_environment().checkout


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return two artifacts that share a package, named after their checksums."""
    folder = tmp_path_factory.mktemp("artifacts")
    packages.write(folder, "tiny", "tiny_service", '"tasktracker-shared"')
    packages.write(folder, "other", "other_service", '"tasktracker-shared"')
    packages.write(folder, "shared", "shared")
    wheels = packages.built(folder, folder / "wheels")
    found = []
    for service in (TINY, OTHER):
        made = artifact.make(artifact.plan(folder, service), wheels, folder)
        found.append(made.rename(folder / f"{artifact.checksum(made)}.pex"))
    return found


@pytest.fixture
def node(tmp_path: Path) -> Site:
    """Return a state folder with an older release, which is the current one."""
    node = Site(tmp_path / "home", CHECKOUT)
    (node.releases / "older").mkdir(parents=True)
    node.artifacts.mkdir()
    node.release.symlink_to("older")
    return node


def install(
    node: Site, artifacts: list[Path], name: str = "new"
) -> subprocess.CompletedProcess[str]:
    """Run the installer as the job does, on copies of the artifacts."""
    folder = node.home / "task"
    folder.mkdir(exist_ok=True)
    for each in artifacts:
        shutil.copy(each, folder)
    command = installed.command(node, name, [each.stem for each in artifacts])
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def answers(node: Site, module: str) -> bool:
    done = subprocess.run([node.release / "bin" / "python", "-m", module], capture_output=True)
    return done.stdout.decode() == f"{module}\n"


def test_all_artifacts_share_one_release_which_is_the_current_one(
    node: Site, artifacts: list[Path]
) -> None:
    done = install(node, artifacts)
    assert done.returncode == 0, done.stderr
    assert installed.current(node) == "new"
    assert answers(node, "tiny_service")
    assert answers(node, "other_service")
    assert installed.is_installed(node, "new")
    assert sorted(os.listdir(node.releases)) == ["current", "new", "older"]
    assert list((node.home / "task").iterdir()) == [], "they would stay as long as the allocation"
    for each in artifacts:
        assert artifact.checksum(node.artifacts / each.name) == each.stem


@pytest.mark.parametrize(("name", "number"), [("current", 2), ("new", 0)])
def test_the_jobs_own_defaults_are_refused_and_the_old_release_stays(
    node: Site, artifacts: list[Path], name: str, number: int
) -> None:
    done = install(node, artifacts[:number], name)
    assert done.returncode == 1
    assert "a release's name and its artifacts" in done.stderr
    assert installed.current(node) == "older"
    assert sorted(os.listdir(node.releases)) == ["current", "older"]


def test_every_user_can_run_a_release_and_only_its_owner_can_write(
    node: Site, artifacts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    version = f"python3.{sys.version_info.minor}"
    for name in ("python3", version):
        (private / name).symlink_to(f"/usr/bin/{version}")
    monkeypatch.setenv("PATH", str(private), prepend=":")
    install(node, artifacts)
    assert (node.releases / "new" / "bin" / version).readlink().parent == Path("/usr/bin")
    for path in (node.releases / "new").rglob("*"):
        if not path.is_symlink():
            mode = path.stat().st_mode
            assert mode & 0o022 == 0, path
            assert mode & 0o004, path


def test_a_complete_release_is_not_installed_again(node: Site, artifacts: list[Path]) -> None:
    install(node, artifacts)
    marker = node.releases / "new" / "bin" / "marker"
    marker.touch()
    assert install(node, artifacts).returncode == 0
    assert marker.exists()


def test_what_an_interrupted_installation_left_is_replaced(
    node: Site, artifacts: list[Path]
) -> None:
    (node.releases / "new" / "bin").mkdir(parents=True)
    (node.releases / "new" / "bin" / "half").touch()
    (node.releases / ".unpacked").mkdir()
    assert install(node, artifacts).returncode == 0
    assert not (node.releases / "new" / "bin" / "half").exists()
    assert not (node.releases / ".unpacked").exists()
    assert answers(node, "tiny_service")


def test_an_altered_artifact_is_named_and_the_old_release_stays(
    node: Site, artifacts: list[Path], tmp_path: Path
) -> None:
    altered = tmp_path / artifacts[1].name
    altered.write_bytes(artifacts[1].read_bytes() + b"altered")
    done = install(node, [artifacts[0], altered])
    assert done.returncode != 0
    assert f"{altered.name}: FAILED" in done.stdout + done.stderr
    assert installed.current(node) == "older"
    assert sorted(os.listdir(node.releases)) == ["current", "older"]
    assert list(node.artifacts.iterdir()) == []


@pytest.fixture
def full(node: Site) -> Iterator[Site]:
    """Give the node with a file system for releases that has space for no release."""
    shutil.rmtree(node.releases)
    node.releases.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(node.releases)]
    subprocess.run(mount, check=True)
    (node.releases / "older").mkdir()
    node.release.symlink_to("older")
    yield node
    subprocess.run(["umount", node.releases], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system needs root")
def test_without_space_nothing_is_left_and_the_old_release_stays(
    full: Site, artifacts: list[Path]
) -> None:
    done = install(full, artifacts)
    assert done.returncode != 0
    assert "No space left on device" in done.stderr
    assert "The release new was not installed. The present one stays." in done.stderr
    assert installed.current(full) == "older"
    assert sorted(os.listdir(full.releases)) == ["current", "older"]


def old_release(node: Site, name: str, age: int, artifact: str) -> Path:
    """Put a complete release on the disk, with a program and an artifact; `age` in seconds."""
    folder = node.releases / name
    folder.mkdir()
    (folder / "complete").write_text(f"{artifact}\n")
    (folder / "sleep").symlink_to("/usr/bin/sleep")
    (node.artifacts / f"{artifact}.pex").touch()
    os.utime(folder, (time.time() - age, time.time() - age))
    return folder


def test_the_newest_releases_and_those_that_run_stay_with_their_artifacts(
    node: Site, artifacts: list[Path]
) -> None:
    for age, name in enumerate(("a", "b", "c", "d"), start=10):
        old_release(node, name, age * 10, f"of-{name}")
    for name in ("of-none", "of-before"):
        (node.artifacts / f"{name}.pex").touch()
    (node.artifacts / installed.OFFERED).write_text("of-none\n")
    running = subprocess.Popen([node.releases / "d" / "sleep", "60"])
    try:
        install(node, artifacts)
    finally:
        running.kill()
        running.wait()
    kept = {path.name for path in node.releases.iterdir() if not path.is_symlink()}
    assert kept == {"new", "older", "a", "d"}
    stored = {path.stem for path in node.artifacts.glob("*.pex")}
    assert stored == {"of-a", "of-d", "of-none", *(each.stem for each in artifacts)}
