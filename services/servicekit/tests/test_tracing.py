"""Which requests have spans, what is in them, and what never is."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Query, Response
from pydantic import BaseModel, ConfigDict, HttpUrl, SecretStr
from sqlalchemy import bindparam, text
from sqlalchemy.exc import DBAPIError

from servicekit import app as application
from servicekit import database, errors, http_client, middleware, openapi, pool, tracing
from servicekit.database import DatabaseUnavailableError
from servicekit.pool import ReadPool, Statement
from servicekit.route_class import DirectRouter
from servicekit.settings import ConsulSettings, DatabaseSettings, ServiceSettings
from servicekit.testing import client as testing_client
from servicekit.testing.credentials import KEYS, bearer
from servicekit.testing.live_server import serving
from servicekit.testing.plugin import MakeDatabase
from servicekit.tokens import CurrentPrincipal
from services.servicekit.tests.span_receiver import Received, receiving

TRACE, PARENT = "5f2c41d06b8a4e1f9d3c7b6a50e8f412", "00f067aa0ba902b7"
SAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
WORD = "a-word-that-a-user-typed"
SEARCH = Statement.of(text("SELECT CAST(:word AS text) FROM pg_database"))


def notes(*functions: Callable[..., Any]) -> FastAPI:
    """Return a service with a direct route for each function, named after it."""
    made = application.create("Notes", "1.2.3")
    router = DirectRouter("/notes", ["notes"], openapi.problems(401))
    for function in functions:
        router.get(f"/{function.__name__}/{{number}}")(function)
    router.add_to(made)
    errors.install(made, database.PROBLEMS)
    middleware.install(made)
    return made


async def show(number: int) -> Response:
    return Response(f"{number} {tracing.trace_id()}")


def settings(url: str) -> DatabaseSettings:
    return DatabaseSettings(database_url=SecretStr(url), database_pool_size=2)


def named(spans: list[Received], name: str) -> Received:
    (found,) = [span for span in spans if span.name == name]
    return found


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        f"00-{TRACE}-{PARENT}-00",
        f"00-{TRACE}-{PARENT}-02",
        f"00-{TRACE}-{PARENT}-1",
        "",
        "1",
        f"00-{'0' * 32}-{PARENT}-01",
    ],
)
def test_a_request_that_nobody_sampled_has_no_span(traceparent: str | None) -> None:
    headers = {} if traceparent is None else {"traceparent": traceparent}
    with receiving("note-service") as receiver, testing_client.running(notes(show)) as client:
        assert client.get("/notes/show/5", headers=headers).text == "5 None"
    assert receiver.spans == []


def test_a_sampled_request_of_a_direct_route_has_one_span_with_its_template() -> None:
    with receiving("note-service") as receiver, testing_client.running(notes(show)) as client:
        assert client.get("/notes/show/5", headers=SAMPLED).text == f"5 {TRACE}"
    (span,) = receiver.spans
    assert (span.service, span.name, span.kind) == (
        "note-service",
        "GET /notes/show/{number}",
        "SERVER",
    )
    assert (span.trace, span.parent, span.failed) == (TRACE, PARENT, False)


class Page(BaseModel):
    model_config = ConfigDict(frozen=True)

    limit: int = 5


async def pages(number: int, page: Annotated[Page, Query()], _: CurrentPrincipal) -> Response:
    return Response(f"{number} {page.limit} {tracing.trace_id()}")


@pytest.mark.parametrize("query", ["", "?limit=2", "?limit=1&limit=2", "?other=1&other=1"])
@pytest.mark.parametrize("token", [bearer(), {}], ids=["token", "no token"])
def test_a_sampled_request_is_refused_as_one_that_nobody_sampled(
    query: str, token: dict[str, str]
) -> None:
    path = f"/notes/pages/5{query}"
    with receiving("note-service") as receiver:
        app = notes(pages)
        app.state.keys = KEYS
        with testing_client.running(app) as client:
            plain = client.get(path, headers=token)
            traced = client.get(path, headers=token | SAMPLED)
    assert len(receiver.spans) == 1
    assert traced.status_code == plain.status_code
    if plain.status_code == 200:
        assert traced.text == plain.text.replace("None", TRACE)
    else:
        own = {"request_id": ""}
        assert traced.json() | own == plain.json() | own
    assert plain.status_code == (401 if not token else 422 if "&" in query else 200)


def test_without_an_address_nothing_is_traced(client: httpx.Client) -> None:
    tracing.configure("note-service", None)
    assert not tracing.is_on()
    with testing_client.running(notes(show)) as direct:
        assert direct.get("/notes/show/5", headers=SAMPLED).text == "5 None"


def test_a_call_is_a_span_below_which_the_other_service_goes_on() -> None:
    with receiving("note-service") as receiver, serving(notes(show)) as port:

        async def ask(number: int) -> Response:
            async with http_client.create(f"http://127.0.0.1:{port}", service="other") as client:
                answer = await client.get(f"/notes/show/{number}", params={"q": WORD})
            return Response(answer.content)

        with testing_client.running(notes(ask)) as client:
            assert client.get("/notes/ask/5", headers=SAMPLED).text == f"5 {TRACE}"
            client.get("/notes/ask/6")
    asked = named(receiver.spans, "GET /notes/ask/{number}")
    call = named(receiver.spans, "GET other")
    shown = named(receiver.spans, "GET /notes/show/{number}")
    assert (asked.parent, call.parent, shown.parent) == (PARENT, asked.identifier, call.identifier)
    assert (call.kind, call.attributes["http.response.status_code"]) == ("CLIENT", "200")
    assert len(receiver.spans) == 3


def test_a_direct_call_is_a_span_in_the_same_way() -> None:
    with receiving("note-service") as receiver, serving(notes(show)) as port:

        async def ask(number: int) -> Response:
            url = HttpUrl(f"http://127.0.0.1:{port}")
            async with http_client.direct_for_service("other", url, ConsulSettings(), 5) as client:
                path = client.base_url.join(f"/notes/show/{number}")
                return Response((await client.get(path, headers={})).content)

        with testing_client.running(notes(ask)) as client:
            assert client.get("/notes/ask/5", headers=SAMPLED).text == f"5 {TRACE}"
            assert client.get("/notes/ask/6").text == "6 None"
    call = named(receiver.spans, "GET other")
    shown = named(receiver.spans, "GET /notes/show/{number}")
    assert (call.trace, shown.parent) == (TRACE, call.identifier)


def test_what_a_client_sends_as_baggage_is_not_passed_on() -> None:
    sent: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers)
        return httpx.Response(200)

    async def ask(number: int) -> Response:
        transport = httpx.MockTransport(answer)
        async with http_client.create("http://other", transport=transport) as client:
            await client.get("/")
        return Response()

    with receiving("note-service"), testing_client.running(notes(ask)) as client:
        client.get("/notes/ask/5", headers={**SAMPLED, "baggage": f"word={WORD}"})
        client.get("/notes/ask/6")
    traced, untraced = sent
    assert traced["traceparent"].startswith(f"00-{TRACE}-")
    assert "baggage" not in traced
    assert "traceparent" not in untraced


def test_a_call_that_fails_is_a_span_that_says_so() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.PoolTimeout(WORD)

    async def ask(number: int) -> Response:
        transport = httpx.MockTransport(fail)
        async with http_client.create("http://other", transport=transport) as client:
            await client.get("/")
        return Response()

    with receiving("note-service") as receiver, testing_client.running(notes(ask)) as client:
        client.get("/notes/ask/5", headers=SAMPLED)
    call = named(receiver.spans, "GET http://other")
    assert (call.failed, call.attributes["error.type"]) == (True, "PoolTimeout")
    assert all(WORD.encode() not in body for body in receiver.raw)


def test_a_statement_of_a_pool_is_a_span_without_its_values(make_database: MakeDatabase) -> None:
    url = make_database("spans")
    with receiving("note-service") as receiver:

        async def search(number: int) -> Response:
            async with ReadPool(settings(url)) as reads:
                rows = await reads.fetch(SEARCH, {"word": WORD})
            return Response(rows[0][0])

        with testing_client.running(notes(search)) as client:
            assert client.get("/notes/search/1", headers=SAMPLED).text == WORD
            assert client.get("/notes/search/1").text == WORD
    statement = named(receiver.spans, "SELECT pg_database")
    assert statement.parent == named(receiver.spans, "GET /notes/search/{number}").identifier
    assert statement.kind == "CLIENT"
    assert statement.attributes["db.query.text"] == SEARCH.sql
    assert all(WORD.encode() not in body for body in receiver.raw)


def test_a_statement_that_fails_is_a_span_that_says_so(make_database: MakeDatabase) -> None:
    url = make_database("spans")
    broken = Statement.of(text("SELECT CAST(CAST(:word AS text) AS integer) FROM pg_database"))
    with receiving("note-service") as receiver:

        async def fail(number: int) -> Response:
            async with ReadPool(settings(url)) as reads:
                await reads.fetch(broken, {"word": WORD})
            return Response()

        with testing_client.running(notes(fail)) as client:
            assert client.get("/notes/fail/1", headers=SAMPLED).status_code == 500
    statement = named(receiver.spans, "SELECT pg_database")
    assert statement.failed
    assert statement.attributes["error.type"] == "InvalidTextRepresentationError"
    assert all(WORD.encode() not in body for body in receiver.raw)


def test_statements_of_an_engine_are_spans_in_the_same_way(make_database: MakeDatabase) -> None:
    url = make_database("spans")
    wanted = text("SELECT CAST(:word AS text) FROM pg_database").bindparams(bindparam("word", WORD))
    broken = text("SELECT CAST(:word AS integer) FROM pg_class").bindparams(bindparam("word", WORD))
    with receiving("note-service") as receiver:
        engine = database.engine(settings(url))
        single = database.autocommit(engine)

        def run(statement: object) -> str:
            with single.connect() as connection:
                return str(connection.scalar(statement))  # type: ignore[call-overload]

        async def search(number: int) -> Response:
            return Response(await asyncio.to_thread(run, wanted))

        async def fail(number: int) -> Response:
            with pytest.raises(DBAPIError):
                await asyncio.to_thread(run, broken)
            return Response(await asyncio.to_thread(run, wanted))

        with testing_client.running(notes(search, fail)) as client:
            assert client.get("/notes/search/1").text == WORD
            assert client.get("/notes/fail/1", headers=SAMPLED).text == WORD
        engine.dispose()
    failed = named(receiver.spans, "SELECT pg_class")
    statement = named(receiver.spans, "SELECT pg_database")
    request = named(receiver.spans, "GET /notes/fail/{number}")
    assert failed.parent == statement.parent == request.identifier
    assert (failed.failed, statement.failed) == (True, False)
    assert failed.attributes["error.type"] == "InvalidTextRepresentation"
    assert statement.attributes["db.query.text"] == "SELECT CAST(%(word)s AS text) FROM pg_database"
    assert all(WORD.encode() not in body for body in receiver.raw)


def test_a_database_that_cannot_be_reached_is_no_statement() -> None:
    nowhere = settings("postgresql://nobody@127.0.0.1:1/nothing")
    with receiving("note-service") as receiver:
        engine = database.engine(nowhere)

        async def ask(number: int) -> Response:
            with pytest.raises(DBAPIError):
                engine.connect()
            async with pool.ReadPool(nowhere) as reads:
                with pytest.raises(DatabaseUnavailableError):
                    await reads.fetch(SEARCH, {"word": WORD})
            return Response()

        with testing_client.running(notes(ask)) as client:
            assert client.get("/notes/ask/1", headers=SAMPLED).status_code == 200
        engine.dispose()
    assert [span.kind for span in receiver.spans] == ["SERVER"]


@pytest.mark.parametrize(
    ("sql", "summary"),
    [
        ("SELECT a FROM tasks WHERE id = $1", "SELECT tasks"),
        ("INSERT INTO tasks (a) VALUES ($1)", "INSERT tasks"),
        ("WITH x AS (UPDATE tasks SET a = $1 RETURNING *) SELECT 1", "UPDATE tasks"),
        ('delete from "users"', "delete users"),
        ("SELECT (SELECT count(n) FROM tasks) AS n FROM counts", "SELECT counts"),
        ("SHOW timezone", "statement"),
    ],
)
def test_a_statement_is_named_by_its_operation_and_table(sql: str, summary: str) -> None:
    assert tracing.summary(sql) == summary


def test_the_sdk_is_not_imported_unless_something_is_traced() -> None:
    program = (
        "import sys; from servicekit import app, database, http_client, pool, tracing;"
        "tracing.configure('a', None); app.create('A', '1');"
        "sys.exit('opentelemetry.sdk' in sys.modules or 'google.protobuf' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_an_empty_address_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACES_URL", "")
    assert ServiceSettings(port=1).traces_url is None
