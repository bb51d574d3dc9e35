"""A ReadRoute answers as FastAPI's own route with the same signature does."""

import time
from collections.abc import Iterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import QueryParams

from servicekit import app as application
from servicekit import health, openapi, query_strings
from servicekit.app_state import AppState
from servicekit.fields import CleanText, Id32
from servicekit.route_class import ReadRoute
from servicekit.testing import client as testing_client
from servicekit.testing.credentials import bearer
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


def add_routes(app: FastAPI, prefix: str, route_class: type[APIRoute]) -> None:
    router = APIRouter(prefix=prefix, route_class=route_class, responses=openapi.problems(401, 422))
    router.get("/many")(many)
    router.get("/{identifier}")(one)
    app.include_router(router)


@pytest.fixture
def client(app: FastAPI) -> Iterator[httpx.Client]:
    app.state.greeting = "hello"
    add_routes(app, "/fast", ReadRoute)
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


def test_a_route_gets_what_is_on_the_state(client: httpx.Client) -> None:
    assert client.get("/fast/1", headers=bearer()).text.startswith("hello 1 ")


@pytest.mark.parametrize("path", ["/1", "/one", "/many", "/many?limit=x", "/many?limit=1&limit=2"])
def test_without_a_token_the_answer_is_401_whatever_else_is_wrong(
    client: httpx.Client, path: str
) -> None:
    assert answer(client, "/fast", path, {})["status"] == 401


def answer(client: httpx.Client, prefix: str, path: str, headers: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(prefix + path, headers=headers)
    body: Any = answer.text
    if answer.headers.get("content-type") == "application/problem+json":
        problem = answer.json()
        body = {name: problem.get(name) for name in ("type", "status", "detail", "errors")}
    return {"status": answer.status_code, "body": body}


def test_the_document_is_the_frameworks() -> None:
    documents = []
    for route_class in (ReadRoute, APIRoute):
        app = application.create("Notes", "1.2.3")
        app.include_router(health.router("note-service", "1.2.3"))
        add_routes(app, "", route_class)
        documents.append(app.openapi())

    assert documents[0] == documents[1]
    assert documents[0]["paths"].keys() >= {"/many", "/{identifier}"}


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

    assert time.perf_counter() - start < 5  # seconds; comparing each with each takes minutes


def test_only_query_strings_that_are_not_long_are_cached() -> None:
    made: list[bytes] = []

    @query_strings.cached
    def read(query_string: bytes) -> int:
        made.append(query_string)
        return len(query_string)

    short, long = b"q" * query_strings.CACHED_LENGTH, b"q" * (query_strings.CACHED_LENGTH + 1)

    assert [read(each) for each in (short, short, long, long)] == [1024, 1024, 1025, 1025]
    assert made == [short, long, long]


async def asks_for_a_body(body: Filter) -> Response:
    return Response(body.q)


async def asks_for_a_lone_parameter(limit: Annotated[int, Query()]) -> Response:
    return Response(str(limit))


@pytest.mark.parametrize("endpoint", [asks_for_a_body, asks_for_a_lone_parameter])
def test_a_parameter_that_it_cannot_give_is_refused_at_once(endpoint: Any) -> None:
    with pytest.raises(TypeError, match="which a ReadRoute cannot give"):
        APIRouter(route_class=ReadRoute).get("/")(endpoint)


def test_dependencies_are_refused_at_once() -> None:
    router = APIRouter(route_class=ReadRoute, dependencies=[Depends(query_strings.refuse_repeats)])

    with pytest.raises(TypeError, match="dependencies"):
        router.get("/many")(many)
