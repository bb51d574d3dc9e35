"""A DirectRoute answers as FastAPI's own route with the same signature does."""

import http.client
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Form, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12.

from servicekit import app as application
from servicekit import health, openapi, query_strings
from servicekit.app_state import AppState
from servicekit.errors import ServiceUnavailable
from servicekit.fields import CleanText, Id32
from servicekit.route_class import DirectRoute, DirectRouter
from servicekit.routing import RoutingMiddleware
from servicekit.testing import client as testing_client
from servicekit.testing import live_server
from servicekit.testing.credentials import bearer
from servicekit.testing.waiting import eventually
from servicekit.tokens import CurrentPrincipal


class Filter(BaseModel):
    model_config = ConfigDict(frozen=True)

    q: Annotated[CleanText, Field(min_length=1)] | None = None
    limit: int = Field(default=5, ge=1, le=9)
    done: bool | None = None


async def one(
    identifier: Id32,
    principal: CurrentPrincipal,
    greeting: Annotated[str, Depends(AppState("greeting"))],
    request: Request,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    return Response(
        f"{greeting} {identifier!r} {principal.user_id} {request.method} {if_none_match}"
    )


async def many(filters: Annotated[Filter, Query()], _: CurrentPrincipal) -> Response:
    return Response(repr(filters))


class Note(TypedDict, total=False):
    title: Annotated[CleanText, Field(max_length=5)]
    due: datetime | None


Key = Annotated[str | None, Header(min_length=1, max_length=3, pattern=r"^[!-~]+$")]


async def change(
    identifier: Id32, body: Note, principal: CurrentPrincipal, idempotency_key: Key = None
) -> Response:
    return Response(f"{identifier} {body!r} {principal.user_id} {idempotency_key}")


def add_routes(app: FastAPI, prefix: str, route_class: type[APIRoute]) -> None:
    router = APIRouter(prefix=prefix, route_class=route_class, responses=openapi.problems(401, 422))
    router.get("/many")(many)
    router.get("/{identifier}")(one)
    router.patch("/{identifier}")(change)
    app.router.routes.extend(router.routes)  # as a DirectRouter does


@pytest.fixture
def client(app: FastAPI) -> Iterator[httpx.Client]:
    app.state.greeting = "hello"
    add_routes(app, "/fast", DirectRoute)
    add_routes(app, "/slow", APIRoute)
    with testing_client.running(app) as http:
        yield http


PATHS = ["/1", "/2147483647", "/0", "/-1", "/2147483648", "/one", "/1.0", "/1.5", "/%20%31", "/1/"]
QUERIES = [
    *("", "?", "?limit=3", "?limit=0", "?limit=x&done=maybe", "?limit=", "?q=", "?q=a%20b"),
    *("?q=%00", "?done=true", "?done=0", "?done=", "?other=1", "?Limit=3", "?limit=%33", "?q=%C3"),
    *("?q=a+b", "?q=%2B", "?limit", "?;", "?&&limit=2&"),
]
HEADERS = [{}, {"If-None-Match": '"1"'}, {"if-none-match": "ä".encode()}]


@pytest.mark.parametrize("path", [*PATHS, *(f"/many{query}" for query in QUERIES)])
@pytest.mark.parametrize("headers", HEADERS)
def test_the_answer_is_the_frameworks(
    client: httpx.Client, path: str, headers: dict[str, Any]
) -> None:
    assert answer(client, "/fast", path, bearer() | headers) == answer(
        client, "/slow", path, bearer() | headers
    )


JSON = {"Content-Type": "application/json"}
BODIES = [
    *(b"", b"{}", b'{"title": "a"}', b' {"title":"a"} ', b'{"title": "abcdef"}', b'{"title": 1}'),
    *(b'{"title": "a", "title": "b"}', b'{"title": "\\ud800"}', b'{"title": "\\u0000"}', b"NaN"),
    *(
        b'{"due": null}',
        b'{"due": "2030-01-01"}',
        b'{"due": "x"}',
        b'{"other": 1e999}',
        b"{",
        b"[]",
    ),
    *(b"null", b"\xff", b"\xef\xbb\xbf{}", '{"title": "a"}'.encode("utf-16"), b"[" * 5000),
    b'{"other": ' + b"9" * 5000 + b"}",
    b'{"title": "\xc3\xa9"}',
]
TYPES = [
    JSON,
    {"Content-Type": "application/json; charset=utf-8"},
    {"Content-Type": "application/merge-patch+json"},
    {"Content-Type": "text/plain"},
    {},
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: ascii(body[:30]))
@pytest.mark.parametrize("media_type", TYPES, ids=str)
@pytest.mark.parametrize("token", [bearer(), {}], ids=["token", "no token"])
def test_the_answer_to_a_body_is_the_frameworks(
    client: httpx.Client, body: bytes, media_type: dict[str, str], token: dict[str, str]
) -> None:
    fast, slow = (
        answer(client, prefix, "/1", media_type | token, method="PATCH", content=body)
        for prefix in ("/fast", "/slow")
    )

    assert fast == slow


@pytest.mark.parametrize("key", [b"", b"abc", b"abcd", b"a b", "é".encode(), b"\x7f"])
def test_the_answer_to_a_checked_header_is_the_frameworks(client: httpx.Client, key: bytes) -> None:
    headers: dict[str, Any] = bearer() | JSON | {"Idempotency-Key": key}
    fast, slow = (
        answer(client, prefix, "/1", headers, method="PATCH", content=b"{}")
        for prefix in ("/fast", "/slow")
    )

    assert fast == slow


def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_fault_of_ours(
    app: FastAPI, capsys: pytest.CaptureFixture[str]
) -> None:
    add_routes(app, "/fast", DirectRoute)
    with live_server.serving(app) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.putrequest("PATCH", "/fast/1")
        for name, value in {**JSON, **bearer(), "Content-Length": "9"}.items():
            connection.putheader(name, value)
        connection.endheaders(b"{")
        connection.close()
        logged = ""

        def is_logged() -> bool:
            nonlocal logged
            logged += capsys.readouterr().out
            return "/fast/{identifier}" in logged

        eventually(is_logged, 60)

    assert "unhandled error" not in logged


def test_a_route_gets_what_is_on_the_state(client: httpx.Client) -> None:
    assert client.get("/fast/1", headers=bearer()).text.startswith("hello 1 ")


@pytest.mark.parametrize("path", ["/1", "/one", "/many", "/many?limit=x", "/many?limit=1&limit=2"])
def test_without_a_token_the_answer_is_401_whatever_else_is_wrong(
    client: httpx.Client, path: str
) -> None:
    assert answer(client, "/fast", path, {})["status"] == 401


def answer(
    client: httpx.Client,
    prefix: str,
    path: str,
    headers: dict[str, Any],
    method: str = "GET",
    content: bytes | None = None,
) -> dict[str, Any]:
    answer = client.request(method, prefix + path, headers=headers, content=content)
    body: Any = answer.text
    if answer.headers.get("content-type") == "application/problem+json":
        problem = answer.json()
        body = {name: problem.get(name) for name in ("type", "status", "detail", "errors")}
    return {"status": answer.status_code, "body": body}


async def faulty(identifier: Id32, _: CurrentPrincipal) -> Response:
    raise FAULTS[identifier]


FAULTS = {
    1: RuntimeError("internal"),
    2: ServiceUnavailable("The archive is closed.", retry_after=7),
    3: HTTPException(410, "It is gone."),
}


@pytest.mark.parametrize(("number", "status"), [(1, 500), (2, 503), (3, 410)])
def test_an_error_is_answered_as_the_frameworks_is(
    client: httpx.Client, app: FastAPI, number: int, status: int
) -> None:
    for prefix, route_class in (("/fast", DirectRoute), ("/slow", APIRoute)):
        router = APIRouter(prefix=prefix, route_class=route_class)
        router.get("/faults/{identifier}")(faulty)
        app.router.routes.extend(router.routes)
    fast, slow = (
        client.get(f"{prefix}/faults/{number}", headers=bearer()) for prefix in ("/fast", "/slow")
    )

    assert fast.status_code == slow.status_code == status
    assert fast.headers.get("Retry-After") == slow.headers.get("Retry-After")
    own = {"instance": "", "request_id": ""}
    assert fast.json() | own == slow.json() | own


def test_the_framework_sees_only_requests_that_are_not_valid(app: FastAPI) -> None:
    app.state.greeting = "hello"
    add_routes(app, "/fast", DirectRoute)
    seen: list[str] = []

    def recording(framework: ASGIApp) -> ASGIApp:
        async def record(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope["path"])
            await framework(scope, receive, send)

        return record

    app.add_middleware(recording)
    app.add_middleware(RoutingMiddleware)
    with testing_client.running(app) as http:
        valid = http.get("/fast/1", headers=bearer())
        http.get("/fast/one", headers=bearer())

    assert valid.text.startswith("hello 1 ")
    assert seen == ["/fast/one"]


def test_the_document_is_the_frameworks() -> None:
    documents = []
    for route_class in (DirectRoute, APIRoute):
        app = application.create("Notes", "1.2.3")
        app.include_router(health.router("note-service", "1.2.3"))
        add_routes(app, "", route_class)
        documents.append(app.openapi())

    assert documents[0] == documents[1]
    assert documents[0]["paths"].keys() >= {"/many", "/{identifier}"}


def test_the_routes_of_a_direct_router_are_the_applications_own_and_documented_alike() -> None:
    direct = DirectRouter("/notes", ["notes"], openapi.problems(401, 422))
    included = APIRouter(prefix="/notes", tags=["notes"], responses=openapi.problems(401, 422))
    documents = []
    for router in (direct, included):
        router.get("/many", response_model=list[int])(many)
        app = application.create("Notes", "1.2.3")
        app.include_router(health.router("note-service", "1.2.3"))
        if isinstance(router, DirectRouter):
            router.add_to(app)
            assert router.routes[0] in app.routes
        else:
            app.include_router(router)
        documents.append(app.openapi())

    assert documents[0] == documents[1]


def test_a_parameter_given_twice_is_refused_by_name(client: httpx.Client) -> None:
    for query in ("limit=1&limit=2", "limit=1&limit=1", "limit=1&limit=x"):
        refusal = client.get(f"/fast/many?{query}", headers=bearer())

        assert refusal.status_code == 422
        assert refusal.json()["errors"] == [
            {"field": "limit", "message": "This parameter may be given once"}
        ]


def test_a_repeated_parameter_is_refused_on_any_route(app: FastAPI) -> None:
    @app.get("/list", dependencies=[Depends(query_strings.refuse_repeats)])
    def list_(limit: int = 1) -> int:
        return limit

    with testing_client.running(app) as client:
        assert client.get("/list?limit=2&q=").json() == 2
        refusal = client.get("/list?limit=1&q=&limit=2&q=&other=")

    assert refusal.status_code == 422
    assert [error["field"] for error in refusal.json()["errors"]] == ["limit", "q"]


def test_a_query_of_very_many_parameters_is_read_at_once() -> None:
    parameters = QueryParams("&".join(f"p{number}" for number in range(100_000)))

    start = time.perf_counter()
    with pytest.raises(RequestValidationError):
        query_strings.check_repeats(QueryParams([*parameters.multi_items(), ("p1", "")]))

    assert time.perf_counter() - start < 60  # seconds; comparing each with each takes minutes


def test_only_query_strings_that_are_not_long_are_cached() -> None:
    made: list[bytes] = []

    @query_strings.cached
    def read(query_string: bytes) -> int:
        made.append(query_string)
        return len(query_string)

    short, long = b"q" * query_strings.CACHED_LENGTH, b"q" * (query_strings.CACHED_LENGTH + 1)

    assert [read(each) for each in (short, short, long, long)] == [1024, 1024, 1025, 1025]
    assert made == [short, long, long]


async def asks_for_a_form(q: Annotated[str, Form()]) -> Response:
    return Response(q)


async def asks_for_two_bodies(body: Filter, other: Filter) -> Response:
    return Response(f"{body.q}{other.q}")


async def asks_for_a_lone_parameter(limit: Annotated[int, Query()]) -> Response:
    return Response(str(limit))


@pytest.mark.parametrize(
    "endpoint", [asks_for_a_form, asks_for_two_bodies, asks_for_a_lone_parameter]
)
def test_a_parameter_that_it_cannot_give_is_refused_at_once(endpoint: Any) -> None:
    with pytest.raises(TypeError, match="which a DirectRoute cannot give"):
        APIRouter(route_class=DirectRoute).post("/")(endpoint)


def test_dependencies_are_refused_at_once() -> None:
    router = APIRouter(
        route_class=DirectRoute, dependencies=[Depends(query_strings.refuse_repeats)]
    )

    with pytest.raises(TypeError, match="dependencies"):
        router.get("/many")(many)
