"""Each kind of error, as the problem that a client gets."""

from collections.abc import Iterator

import httpx
import pytest
import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from servicekit import errors, problems
from servicekit.testing import client as testing_client
from servicekit.testing.conformance import assert_problem
from servicekit.testing.live_server import serving


def raising(app: FastAPI, error: Exception) -> None:
    """Add GET /raise, which raises that error."""

    async def fail(_: Request) -> None:
        raise error

    app.router.routes.insert(0, Route("/raise", fail))


def test_error_of_the_table_is_answered_with_its_kind(client: httpx.Client) -> None:
    answer = client.get("/notes/404", headers={"X-Request-ID": "r1"})
    assert answer.status_code == 410
    assert answer.json() == {
        "type": "/problems/note-lost",
        "title": "Note lost",
        "status": 410,
        "detail": "note 404 is lost",
        "instance": "/notes/404",
        "request_id": "r1",
    }


def test_detail_of_a_kind_replaces_the_text_of_the_error(app: FastAPI) -> None:
    away = problems.ProblemType(503, "away", "Away", {"Retry-After": "1"}, detail="Try again.")
    errors.install(app, {KeyError: away})
    raising(app, KeyError("SELECT secret"))
    with testing_client.running(app) as client:
        answer = client.get("/raise")
    assert_problem(answer, 503)
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["detail"] == "Try again."
    assert "secret" not in answer.text


@pytest.mark.parametrize("own", [True, False])
def test_an_expected_error_of_ours_is_one_line_of_the_log(app: FastAPI, own: bool) -> None:
    error = errors.ServiceUnavailable("Later.") if own else LookupError("gone\nINSERT secret")
    errors.install(app, {LookupError: problems.ProblemType(503, "service-unavailable", "Away")})
    raising(app, error)
    with testing_client.running(app) as client, structlog.testing.capture_logs() as lines:
        assert_problem(client.get("/raise"), 503)
    (line,) = [each for each in lines if each["log_level"] == "warning"]
    assert line["event"] == "service-unavailable"
    assert line["error"] == type(error).__name__
    assert "exc_info" not in line
    assert "secret" not in str(line)


@pytest.mark.parametrize(
    ("error", "status", "header"),
    [
        (errors.Unauthenticated(), 401, ("www-authenticate", "Bearer")),
        (errors.ServiceUnavailable("Later.", retry_after=7), 503, ("retry-after", "7")),
        (HTTPException(418, "short"), 418, ("content-type", problems.MEDIA_TYPE)),
        (HTTPException(429, headers={"Retry-After": "3"}), 429, ("retry-after", "3")),
    ],
    ids=["401", "503", "HTTPException", "HTTPException with a header"],
)
def test_error_with_a_status_is_a_problem_with_its_header(
    app: FastAPI, error: Exception, status: int, header: tuple[str, str]
) -> None:
    raising(app, error)
    with testing_client.running(app) as client:
        answer = client.get("/raise")
    assert_problem(answer, status)
    assert answer.headers[header[0]] == header[1]


def test_invalid_parameters_are_named_each(client: httpx.Client) -> None:
    answer = client.get("/notes/0?limit=hunter2")
    assert_problem(answer, 422)
    assert {error["field"] for error in answer.json()["errors"]} == {"identifier", "limit"}
    assert "hunter2" not in answer.text


def test_missing_body_is_named_body(client: httpx.Client, app: FastAPI) -> None:
    @app.post("/any")
    def take(body: dict[str, int]) -> None: ...

    assert client.post("/any").json()["errors"] == [{"field": "body", "message": "Field required"}]


def test_field_name_with_a_lone_surrogate_is_reported(client: httpx.Client, app: FastAPI) -> None:
    @app.post("/any")
    def take(body: dict[str, int]) -> None: ...

    content = rb'{"\ud800": "x"}'
    answer = client.post("/any", content=content, headers={"Content-Type": "application/json"})
    assert_problem(answer, 422)


def test_instance_is_a_valid_uri_reference(client: httpx.Client) -> None:
    assert client.get("/no%20such%0Apath").json()["instance"] == "/no%20such%0Apath"


def test_half_an_answer_ends_with_a_closed_connection(app: FastAPI) -> None:
    async def half(_: Request) -> StreamingResponse:
        def chunks() -> Iterator[bytes]:
            yield b"half"
            raise RuntimeError

        return StreamingResponse(chunks())

    app.router.routes.insert(0, Route("/half", half))
    with serving(app) as port, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"http://127.0.0.1:{port}/half", trust_env=False, timeout=60)
