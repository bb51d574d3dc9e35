"""The health of all services in one answer."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from fastapi import FastAPI

from servicekit.testing import client as testing

MakeApp = Callable[..., FastAPI]
Faulty = Mapping[str, FastAPI | None]

SERVICES = ("user-service", "task-service", "stats-service")


def ask(app: FastAPI) -> tuple[int, dict[str, Any]]:
    with testing.running(app) as client:
        answer = client.get("/health")
    return answer.status_code, answer.json()


def test_all_well_is_200_with_every_latency(make_app: MakeApp) -> None:
    status, health = ask(make_app())

    assert (status, health["status"]) == (200, "ok")
    assert [check["name"] for check in health["checks"]] == list(SERVICES)
    assert {check["status"] for check in health["checks"]} == {"ok"}
    assert all(check["duration_ms"] > 0 for check in health["checks"])


@pytest.mark.parametrize("fault", ["down", "failing"])
def test_one_that_is_not_well_is_named_and_the_answer_is_503(
    make_app: MakeApp, faulty: Faulty, fault: str
) -> None:
    status, health = ask(make_app(task_service=faulty[fault]))

    assert (status, health["status"]) == (503, "failing")
    checks = {check.pop("name"): check for check in health["checks"]}
    assert checks["user-service"]["status"] == checks["stats-service"]["status"] == "ok"
    assert checks["task-service"]["status"] == "failing"
    assert checks["task-service"]["detail"] == {
        "down": "task-service cannot be reached",
        "failing": "task-service answered 503",
    }[fault]  # fmt: skip


def test_one_that_is_slow_is_named_once_the_limit_is_over(make_app: MakeApp, slow: FastAPI) -> None:
    status, health = ask(make_app(task_service=slow, time_limit=0.1))

    assert (status, health["status"]) == (503, "failing")
    details = {check["name"]: check.get("detail") for check in health["checks"]}
    assert details["task-service"] == "task-service did not answer within 0.1 s"


def test_services_are_asked_at_the_same_time(make_app: MakeApp) -> None:
    all_are_asked = asyncio.Barrier(len(SERVICES))

    def waiting_for_the_others() -> FastAPI:
        app = FastAPI(openapi_url=None)
        app.get("/health")(all_are_asked.wait)
        return app

    names = [service.replace("-", "_") for service in SERVICES]
    status, _ = ask(make_app(**{name: waiting_for_the_others() for name in names}))

    assert status == 200


def test_the_portal_is_live_while_nobody_else_is(make_app: MakeApp) -> None:
    app = make_app(user_service=None, task_service=None, stats_service=None)
    with testing.running(app) as client:
        assert client.get("/health/live").status_code == 200
