"""A service follows which sessions have ended, and refuses their tokens."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import structlog
from fastapi import FastAPI
from pydantic import HttpUrl

from servicekit import app as application
from servicekit import errors, middleware, session_follower
from servicekit.ended_sessions import PATH, EndedSessions
from servicekit.session_follower import INTERVAL, Follower
from servicekit.settings import EndedSessionsSettings
from servicekit.testing.client import running
from servicekit.testing.conformance import assert_problem
from servicekit.testing.credentials import KEYS, bearer
from servicekit.testing.waiting import eventually
from servicekit.tokens import CurrentPrincipal

LIMIT = 60  # seconds, for a busy machine
A, B, C = uuid4(), uuid4(), uuid4()


class UserService:
    """Answers as the user service does, or with a fault, and records the calls."""

    def __init__(self, *ended: UUID) -> None:
        self.ended = list(ended)
        self.asked: list[int] = []
        self.fault: Callable[[], httpx.Response] | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == PATH
        after = int(request.url.params["after"])
        self.asked.append(after)
        if self.fault:
            return self.fault()
        new = [str(each) for each in self.ended[after:]]
        return httpx.Response(
            200, json={"position": len(self.ended), "seconds": 1200, "sessions": new}
        )

    def answers_again(self) -> None:
        """Wait until it has answered a call that began after this one."""
        count = len(self.asked)
        eventually(lambda: len(self.asked) > count + 1, LIMIT)


def settings(**changes: Any) -> EndedSessionsSettings:
    values = {"port": 8002, "user_service_url": HttpUrl("http://user-service"), **changes}
    return EndedSessionsSettings(**values)


@contextmanager
def following(user_service: UserService, interval: float = 0.02) -> Iterator[httpx.Client]:
    """Yield a client of a service that follows ended sessions."""
    with running(_service(settings(), httpx.MockTransport(user_service), interval)) as client:
        yield client


def _service(
    settings: EndedSessionsSettings,
    transport: httpx.AsyncBaseTransport | None,
    interval: float = INTERVAL,
) -> FastAPI:
    app = application.create(
        "Notes", "1", lambda app: session_follower.followed(app, settings, transport, interval)
    )
    app.state.keys = KEYS
    middleware.install(app)
    errors.install(app, {})

    @app.get("/notes/")
    def notes(principal: CurrentPrincipal) -> int:
        return principal.user_id

    return app


def status(client: httpx.Client, session_id: UUID | None) -> int:
    return client.get("/notes/", headers=bearer(session_id=session_id)).status_code


def test_a_service_that_starts_knows_those_that_ended_before() -> None:
    with following(UserService(A)) as client:
        assert_problem(client.get("/notes/", headers=bearer(session_id=A)), 401)
        assert (status(client, B), status(client, None)) == (200, 200)


def test_the_token_of_a_session_that_ends_is_refused_within_seconds() -> None:
    user_service = UserService()
    with following(user_service, INTERVAL) as client:
        token = bearer(session_id=A)
        assert client.get("/notes/", headers=token).status_code == 200  # and is remembered

        user_service.ended.append(A)

        eventually(lambda: client.get("/notes/", headers=token).status_code == 401, LIMIT)
        assert status(client, B) == 200


def test_each_end_is_asked_for_once() -> None:
    user_service = UserService(A)
    with following(user_service):
        user_service.ended += [B, C]
        user_service.answers_again()

    assert user_service.asked[:2] == [0, 1]
    assert user_service.asked[-1] == 3


def unreachable() -> httpx.Response:
    raise httpx.ConnectError("refused")


NONSENSE = {"position": 1, "seconds": 60, "sessions": [str(C)]}
FAULTS: dict[str, Callable[[], httpx.Response]] = {
    "unreachable": unreachable,
    "no instance": lambda: httpx.Response(503, text="no healthy upstream"),
    "an error": lambda: httpx.Response(500, json={"sessions": [str(C)]}),
    "forbidden by the mesh": lambda: httpx.Response(403, text="RBAC: access denied"),
    "a redirect": lambda: httpx.Response(302, headers={"Location": "http://elsewhere"}),
    "no JSON": lambda: httpx.Response(200, text="<html>"),
    "nothing": lambda: httpx.Response(200),
    "a list": lambda: httpx.Response(200, json=[str(C)]),
    "no ids": lambda: httpx.Response(200, json=NONSENSE | {"sessions": ["x"]}),
    "for ever": lambda: httpx.Response(200, json=NONSENSE | {"seconds": 10**12}),
    "not a time": lambda: httpx.Response(200, json=NONSENSE | {"seconds": -1}),
    "no position": lambda: httpx.Response(200, json=NONSENSE | {"position": 2**63}),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_is_known_goes_on_counting_while_the_user_service_gives_no_answer(
    fault: Callable[[], httpx.Response],
) -> None:
    user_service = UserService(A)
    with following(user_service) as client, structlog.testing.capture_logs() as logs:
        user_service.fault = fault
        user_service.answers_again()
        user_service.answers_again()

        assert (status(client, A), status(client, B), status(client, C)) == (401, 200, 200)

        user_service.fault = None
        user_service.ended.append(B)
        eventually(lambda: status(client, B) == 401, LIMIT)

    said = [each["event"] for each in logs if "sessions have ended" in each["event"]]
    assert said == [
        "cannot ask which sessions have ended",
        "heard again which sessions have ended",
    ]
    assert str(C) not in str(logs)


def test_a_service_starts_without_the_user_service_and_hears_of_the_ended_later() -> None:
    user_service = UserService(A)
    user_service.fault = unreachable
    with following(user_service) as client:
        assert status(client, A) == 200

        user_service.fault = None

        eventually(lambda: status(client, A) == 401, LIMIT)


def test_a_user_service_that_hangs_keeps_no_service_from_starting_and_none_from_stopping() -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    with running(_service(settings(), httpx.MockTransport(hang))) as client:
        assert status(client, A) == 200


def test_without_an_address_nobody_is_asked_and_the_log_says_so_once() -> None:
    service = _service(settings(user_service_url=None), None)
    with structlog.testing.capture_logs() as logs, running(service) as client:
        assert status(client, A) == 200

    [said] = [each for each in logs if each["log_level"] == "warning"]
    assert "USER_SERVICE_URL" in said["event"]


def test_metrics_tell_how_many_are_known_and_how_old_that_is() -> None:
    with following(UserService(A, B)) as client:
        figures = dict(
            line.rsplit(" ", 1)
            for line in client.get("/metrics").text.splitlines()
            if not line.startswith("#")
        )
    assert float(figures["ended_sessions"]) == 2
    assert 0 <= float(figures["ended_sessions_age_seconds"]) < LIMIT


@pytest.mark.anyio
async def test_an_error_that_nobody_thought_of_does_not_end_the_following() -> None:
    answers = iter([RuntimeError("unheard of"), None])
    user_service = UserService(A)

    def answer(request: httpx.Request) -> httpx.Response:
        if error := next(answers, None):
            raise error
        return user_service(request)

    ended = EndedSessions()
    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(transport=transport, base_url="http://user-service") as client:
        follower = Follower(client, ended)
        task = asyncio.create_task(follower.run())
        await asyncio.wait_for(follower.knows.wait(), LIMIT)
        task.cancel()
    assert A in ended
