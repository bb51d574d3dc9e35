"""membership.fetching: a machine that has joined gets the release of the cluster from others."""

import hashlib
import io
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cluster.tests.membership.conftest import First, Joins
from tasktracker_cluster.agents import certificates
from tasktracker_cluster.errors import NoArtifactError, UnreachableFirstError
from tasktracker_cluster.membership import fetching
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.releases import artifact_store, installed
from tasktracker_cluster.releases.artifact_store import Certificate, SharedStore
from tasktracker_cluster.site import Site

CONTENT = b"an artifact"
SHA256 = hashlib.sha256(CONTENT).hexdigest()

# In the place of the real installer, which needs real artifacts (releases/test_installer.py).
INSTALLER = """
set -eu
mkdir -p "$1/releases/$2"
cat "$3.pex" >"$1/releases/$2/content"
echo "$3" >"$1/releases/$2/complete"
ln -sfn "$2" "$1/releases/current"
"""


@pytest.fixture
def store(first: First, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the folder of the first machine's store, whose cluster runs a release."""
    (first.site.releases / "a1b2c3" / "complete").write_text(f"{SHA256}\n")
    first.site.artifacts.mkdir()
    installed.file(first.site, SHA256).write_bytes(CONTENT)
    certificates.identity(first.site, certificates.STORE)
    own = Certificate(
        certificates.paths(first.site, "authority")[0],
        *certificates.paths(first.site, certificates.STORE.name),
    )
    with SharedStore("127.0.0.1:0", first.site.artifacts, own) as server:
        monkeypatch.setattr(fetching, "SHARED_STORE_PORT", server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield first.site.artifacts
        server.shutdown()
        thread.join()


def install(site: Site) -> str:
    """Install the release as `join` and `up` do, and return what they print."""
    site.artifacts.mkdir(exist_ok=True)
    installer = site.checkout / installed.INSTALLER
    installer.parent.mkdir(parents=True, exist_ok=True)
    installer.write_text(INSTALLER)
    console = Console(file=io.StringIO(), width=300)
    with Steps(console).step("release") as step:
        fetching.install(site, step)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.usefixtures("store")
def test_a_joined_machine_installs_the_release_of_the_cluster_and_builds_nothing(
    join: Joins,
) -> None:
    site = join()
    assert "a1b2c3" in install(site)
    assert (site.release / "content").read_bytes() == CONTENT
    assert installed.present(site) == installed.Release("a1b2c3", (SHA256,))
    file = installed.file(site, SHA256)
    assert file.read_bytes() == CONTENT
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(site.artifacts.iterdir()) == [file], "its own store serves it from now on"


def test_what_is_here_is_neither_fetched_nor_installed_again(store: Path, join: Joins) -> None:
    site = join()
    install(site)
    (site.release / "content").write_text("not installed again")
    shutil.rmtree(store)
    install(site)
    assert installed.file(site, SHA256).read_bytes() == CONTENT
    assert (site.release / "content").read_text() == "not installed again"


@pytest.mark.usefixtures("store")
def test_an_artifact_that_was_damaged_here_is_fetched_again(join: Joins) -> None:
    site = join()
    install(site)
    installed.file(site, SHA256).write_bytes(CONTENT[:-1])
    install(site)
    assert installed.file(site, SHA256).read_bytes() == CONTENT
    assert list(site.artifacts.iterdir()) == [installed.file(site, SHA256)]


@pytest.mark.usefixtures("store")
def test_an_artifact_that_the_job_release_brings_meanwhile_is_no_error(
    join: Joins, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, fetch = join(), artifact_store.fetch

    def slow(*arguments: Any) -> str:
        store = fetch(*arguments)
        installed.file(site, SHA256).write_bytes(CONTENT)
        return store

    monkeypatch.setattr(artifact_store, "fetch", slow)
    install(site)
    assert (site.release / "content").read_bytes() == CONTENT
    assert list(site.artifacts.iterdir()) == [installed.file(site, SHA256)]


def test_stores_that_restart_are_waited_for(
    store: Path, join: Joins, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, fetch, tries = join(), artifact_store.fetch, []

    def refused_once(*arguments: Any) -> str:
        tries.append(arguments)
        if len(tries) == 1:
            raise artifact_store.MissingArtifactError("127.0.0.1:4652: Connection refused")
        return fetch(*arguments)

    monkeypatch.setattr(artifact_store, "fetch", refused_once)
    install(site)
    assert len(tries) == 2
    assert (site.release / "content").read_bytes() == CONTENT


def test_a_release_that_no_machine_has_is_named_and_nothing_is_left(
    store: Path, join: Joins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "RESTART_SECONDS", 0)
    site = join()
    (store / f"{SHA256}.pex").write_bytes(b"altered")
    with pytest.raises(NoArtifactError) as raised:
        install(site)
    assert SHA256 in raised.value.message
    assert "its content has another checksum" in raised.value.message
    assert "On the first machine: ./just up." in raised.value.hint
    assert list(site.artifacts.iterdir()) == []
    assert not site.releases.exists()
    (store / f"{SHA256}.pex").write_bytes(CONTENT)
    install(site)
    assert installed.has_one(site)


@pytest.mark.usefixtures("store")
def test_without_the_first_machine_an_installed_release_stays(
    join: Joins, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = join()
    with monkeypatch.context() as away:
        away.setattr("tasktracker_cluster.membership.caller.MEMBERSHIP_PORT", 9)
        with pytest.raises(UnreachableFirstError):
            install(site)
    install(site)
    monkeypatch.setattr("tasktracker_cluster.membership.caller.MEMBERSHIP_PORT", 9)
    assert "not compared: the first machine does not answer" in install(site)
    assert installed.current(site) == "a1b2c3"
