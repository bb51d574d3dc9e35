"""Killed processes are restarted, and no acknowledged write is lost."""

import os
import signal

import httpx
import pytest

from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tests.e2e.traffic import titles, writing

LIMIT_SECONDS = 180  # generous: a machine may be busy. The drills measure the times.

pytestmark = pytest.mark.usefixtures("settled")


def test_a_killed_application_is_restarted_and_no_write_is_lost(cluster: ThrowawayCluster) -> None:
    old = cluster.service_pid("task_service")
    with cluster.user("heidi").http() as client:
        with writing(client) as traffic:
            wait.until("some writes", lambda: len(traffic.acknowledged) > 5, LIMIT_SECONDS)
            os.kill(old, signal.SIGKILL)
            wait.until(
                "a new process",
                lambda: cluster.service_pid("task_service") not in (0, old),
                LIMIT_SECONDS,
            )
            so_far = len(traffic.acknowledged)
            wait.until("more writes", lambda: len(traffic.acknowledged) > so_far, LIMIT_SECONDS)
        assert set(traffic.acknowledged) <= titles(client)


def test_a_killed_database_is_restarted_and_no_write_is_lost(cluster: ThrowawayCluster) -> None:
    old = cluster.postmaster("task-db")
    with cluster.user("ivan").http() as client:
        with writing(client) as traffic:
            wait.until("some writes", lambda: len(traffic.acknowledged) > 5, LIMIT_SECONDS)
            os.kill(old, signal.SIGKILL)
            so_far = len(traffic.acknowledged)
            wait.until("more writes", lambda: len(traffic.acknowledged) > so_far + 5, LIMIT_SECONDS)
        assert cluster.postmaster("task-db") != old
        assert set(traffic.acknowledged) <= titles(client)


@pytest.mark.drill
def test_after_a_loss_of_power_up_brings_every_task_back(cluster: ThrowawayCluster) -> None:
    user = cluster.user("mallory")
    user.run("task", "create", "Survive")
    cluster.lose_power()
    cluster.admin("up")
    assert [task["title"] for task in user.json("task", "list")] == ["Survive"]


def test_the_gateway_answers_503_for_a_stopped_service(cluster: ThrowawayCluster) -> None:
    with cluster.user("judy").http() as client:
        cluster.nomad.call("DELETE", "/v1/job/stats-service")
        answer = wait.until(
            "503 from the portal",
            lambda: _if_status(client.get("/api/v1/stats/"), 503),
            LIMIT_SECONDS,
        )
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Retry-After"]
        assert client.get("/api/v1/tasks/").status_code == 200
        assert cluster.admin("status", check=False).returncode == 1
        cluster.admin("up")
        assert client.get("/api/v1/stats/").status_code == 200


def _if_status(answer: httpx.Response, status: int) -> httpx.Response | None:
    return answer if answer.status_code == status else None
