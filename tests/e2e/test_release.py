"""A release comes to a node through Nomad: from the store, by checksum."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tasktracker_cluster.errors import JobFailedError
from tasktracker_cluster.jobs import deployment, gateway, rollout
from tasktracker_cluster.machine import wait
from tasktracker_cluster.releases import installed
from tasktracker_cluster.releases.installed import Release
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tasktracker_cluster.topology import JOBS, RELEASE, STORE, STORE_PORT

NAME = "a1b2c3d4e5f6"
FAILING = "0123456789ab"
ABSENT = "http://127.0.0.1:9"  # nothing listens there
LIMIT_SECONDS = 180  # generous: a machine may be busy


@pytest.fixture
def release(cluster: ThrowawayCluster) -> Iterator[Release]:
    """Give another release with the same artifacts. `up` goes back to the checkout's own."""
    yield Release(NAME, installed.newest(cluster.site).artifacts)
    cluster.admin("up")
    assert installed.current(cluster.site) == installed.newest(cluster.site).name


@pytest.fixture
def altered(cluster: ThrowawayCluster) -> Iterator[Path]:
    """Give an artifact in the store whose name is not its checksum."""
    file = cluster.site.artifacts / f"{'ab' * 32}.pex"
    file.write_text("altered")
    yield file
    file.unlink()


@pytest.mark.drill
def test_nomad_installs_a_new_release_from_the_store(
    cluster: ThrowawayCluster, release: Release
) -> None:
    since = time.time()
    rollout.start(cluster.as_operator, release, [])
    rollout.wait_installed(cluster.as_operator, since)
    assert installed.current(cluster.site) == NAME
    deployment.submit(cluster.as_operator, "portal", {"release": NAME})
    deployment.wait_healthy(cluster.as_operator, "portal", since)
    words = cluster.task_config("portal", "app")["args"]
    assert f"${{meta.tasktracker.home}}/releases/{NAME}/bin/python" in words


def fail(cluster: ThrowawayCluster, **variables: str) -> str:
    """Run the release's job, which must fail, and return the evidence."""
    old = installed.current(cluster.site)
    stays = {cluster.allocation(job)["ID"] for job in (*JOBS, STORE)}
    since = time.time()
    deployment.submit(cluster.as_operator, RELEASE, {"release": FAILING, **variables})
    with pytest.raises(JobFailedError) as caught:
        rollout.wait_installed(cluster.as_operator, since)
    assert installed.current(cluster.site) == old
    assert not installed.is_installed(cluster.site, FAILING)
    assert stays <= cluster.running(), "what runs does not notice"
    wait.until("an answer of each service", gateway.answers, LIMIT_SECONDS)
    return "\n".join(caught.value.evidence)


@pytest.mark.drill
def test_an_artifact_with_another_checksum_is_named_and_the_old_release_goes_on(
    cluster: ThrowawayCluster, release: Release, altered: Path
) -> None:
    evidence = fail(cluster, artifacts=json.dumps([altered.stem]))
    assert "checksum" in evidence.lower()
    assert altered.stem in evidence


@pytest.mark.drill
def test_without_the_store_the_old_release_goes_on(
    cluster: ThrowawayCluster, release: Release
) -> None:
    artifacts = json.dumps(release.artifacts)
    assert "connection refused" in fail(cluster, artifacts=artifacts, store=ABSENT)


def test_the_store_serves_artifacts_by_name_and_lists_none(cluster: ThrowawayCluster) -> None:
    url = f"http://127.0.0.1:{STORE_PORT}"
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as store:
        for each in installed.newest(cluster.site).artifacts:
            size = (cluster.site.artifacts / f"{each}.pex").stat().st_size
            assert store.head(f"/{each}.pex").headers["content-length"] == str(size)
        for path in ("/", "/../owner.json", "/%2e%2e/owner.json"):
            assert store.get(path).status_code == httpx.codes.NOT_FOUND, path
