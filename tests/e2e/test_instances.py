"""Two instances of each service on one machine, beside each other."""

import json
import os
from collections.abc import Iterator

import pytest

from tasktracker_cluster.jobs import deployment, logs
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tasktracker_cluster.topology import SERVICES
from tests.e2e.traffic import titles, writing

NAMES = {service.name for service in SERVICES}

pytestmark = pytest.mark.drill


@pytest.fixture
def doubled(cluster: ThrowawayCluster) -> Iterator[pytest.MonkeyPatch]:
    """Ask for two instances, and afterwards for one. Give what changes the environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TASKTRACKER_INSTANCES", "2")
        yield patch
    assert "TASKTRACKER_INSTANCES" not in os.environ
    cluster.admin("up")


@pytest.mark.usefixtures("settled")
def test_two_instances_share_a_machine_and_nothing_fails_from_one_to_two_and_back(
    cluster: ThrowawayCluster, doubled: pytest.MonkeyPatch
) -> None:
    with cluster.user("dora").http() as client:
        with writing(client) as traffic:
            cluster.admin("up")
            assert instances(cluster) == dict.fromkeys(NAMES, (2, 2))
            cluster.admin("doctor")
            cluster.admin("rotate-key")
            assert instances(cluster) == dict.fromkeys(NAMES, (2, 2))
            assert len(logs.sources(cluster.as_operator, "task-service", None)) == 2 * len(
                logs.STREAMS
            )
            doubled.delenv("TASKTRACKER_INSTANCES")
            cluster.admin("up")
            for name in NAMES:
                deployment.wait_replaced(cluster.as_operator, name)
            assert instances(cluster) == dict.fromkeys(NAMES, (1, 1))
        assert traffic.failed == []
        assert set(traffic.acknowledged) == titles(client)
        assert len(traffic.acknowledged) > 100


def instances(cluster: ThrowawayCluster) -> dict[str, tuple[int, int]]:
    """Return how many instances of each service there are, and how many there should be."""
    shown = cluster.admin("status", "--json", check=False)  # this is not about their health
    return {
        service: (len(cluster.allocations(service)), row["wanted"])
        for row in json.loads(shown.stdout)
        if (service := row["name"]) in NAMES
    }
