"""Health checks that are well, fail, raise or hang."""

import threading
import time
from collections.abc import Callable

import httpx
import pytest

from servicekit import app as application
from servicekit import health
from servicekit.patience import Patience
from servicekit.testing import client as testing_client


def ask(*checks: health.Check) -> httpx.Response:
    app = application.create("x", "1")
    app.include_router(health.router("note-service", "1", checks))
    with testing_client.running(app) as client:
        return client.get("/health")


def fails() -> str:
    return "the disk is full"


def breaks() -> None:
    raise RuntimeError("password=hunter2")


def test_service_without_checks_is_ok() -> None:
    answer = ask()
    assert answer.json() == {
        "status": "ok",
        "service": "note-service",
        "version": "1",
        "checks": [],
    }
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("probe", "detail"), [(fails, "the disk is full"), (breaks, "the check failed")]
)
def test_failing_check_makes_the_service_unavailable(
    probe: Callable[[], str | None], detail: str
) -> None:
    answer = ask(health.Check("good", lambda: None), health.Check("bad", probe))
    assert answer.status_code == 503
    good, bad = answer.json()["checks"]
    assert (good["name"], good["status"], good.get("detail")) == ("good", "ok", None)
    assert (bad["name"], bad["status"], bad["detail"]) == ("bad", "failing", detail)
    assert "hunter2" not in answer.text


def test_hanging_check_fails_at_its_limit_and_takes_one_thread_only() -> None:
    released = threading.Event()
    calls: list[str] = []

    def hang() -> None:
        calls.append(threading.current_thread().name)
        released.wait(10)

    check = health.Check("hangs", hang, time_limit=0.05)
    try:
        start = time.monotonic()
        answers = [ask(check) for _ in range(3)]
        assert time.monotonic() - start < 9
    finally:
        released.set()
    assert {answer.json()["checks"][0]["detail"] for answer in answers} == {
        "no answer within 0.05 s"
    }
    assert len(calls) == 1


@pytest.mark.parametrize("is_late", [False, True])
def test_a_check_is_well_while_requests_wait_for_what_it_asks(is_late: bool) -> None:
    now, is_there, released = [100.0], [True], threading.Event()

    def probe() -> None:
        if not is_there[0]:
            if is_late:
                released.wait(10)
            raise RuntimeError("it moves")

    patience = Patience(5, lambda: now[0])
    check = health.Check("moves", probe, time_limit=0.05 if is_late else 5, patience=patience)
    try:
        assert ask(check).status_code == 200
        is_there[0] = False
        assert ask(check).status_code == 200
        now[0] += 5
        assert ask(check).status_code == 503
    finally:
        released.set()


def test_what_has_never_answered_and_what_is_certain_fail_at_once() -> None:
    assert ask(health.Check("new", breaks, patience=Patience())).status_code == 503
    answers: list[str | None] = [None, "migrations are missing"]
    check = health.Check("knows", lambda: answers.pop(0), patience=Patience())
    assert [ask(check).status_code for _ in range(2)] == [200, 503]


def test_checks_run_side_by_side() -> None:
    meeting = threading.Barrier(2, timeout=5)

    def meet() -> None:
        meeting.wait()

    assert ask(health.Check("a", meet), health.Check("b", meet)).status_code == 200
