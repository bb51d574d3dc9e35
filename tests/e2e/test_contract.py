"""The answers through the gateway and the mesh, too, match the services' OpenAPI documents."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tests.contract.fuzz import Headers, schemathesis

pytestmark = pytest.mark.fuzz

# Failed logins would block this machine, the gateway's only client, for 15 minutes.
NO_SIGN_INS = ("--exclude-path-regex", "/auth/(login|token|register)$")


@pytest.fixture(scope="module")
def people(cluster: ThrowawayCluster) -> Mapping[str, Headers]:
    """Return the headers of two users with a login."""
    return {name: _headers(cluster, f"contract-{name}") for name in ("ada", "bob")}


@pytest.mark.parametrize("service", ["user-service", "task-service", "stats-service"])
def test_each_answer_through_the_gateway_is_as_the_document_says(
    people: Mapping[str, Headers], tmp_path: Path, service: str
) -> None:
    found = schemathesis(
        GATEWAY_URL,
        people,
        tmp_path,
        *("--phases", "coverage,fuzzing", "--max-examples", "5", *NO_SIGN_INS),
        document=f"/docs/openapi/{service}.json",
    )

    assert found.passed, found.text
    assert found.cases > 5


def _headers(cluster: ThrowawayCluster, name: str) -> Headers:
    with cluster.user(name).http() as client:
        return {"Authorization": client.headers["Authorization"]}
