"""Tests of what all services have in common. Each service runs them on its own app.

    class TestConformance(Conformance, TokenConformance, BodyConformance):
        service = "task-service"
        checks = ("database", "schema")
        protected = "/api/v1/tasks/"
        writable = "/api/v1/tasks/"
        text_field = "title"

The service's conftest.py gives the fixtures `app` (with `state.keys` if it takes tokens) and
`client` (servicekit.testing.client).
"""
# ruff: noqa: S101 - these are tests, in a place where services can import them

import http.client
import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.routing import Route

from servicekit import body_limit, docs
from servicekit.keys import SigningKey
from servicekit.personal_tokens import PersonalTokens
from servicekit.principal import PERSONAL_PREFIX
from servicekit.testing import hostile
from servicekit.testing.credentials import KEYS_BY_ALGORITHM, bearer
from servicekit.testing.live_server import serving
from servicekit.tokens import Principal

PROBLEM_FIELDS = {"type", "title", "status", "detail", "instance", "request_id"}
FAULT = "/conformance/fault"
_METHODS = {"DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
_PARAMETER = re.compile(r"\{\w+\}")


def assert_problem(answer: httpx.Response, status: int) -> None:
    """Check that the answer is a complete RFC 9457 problem with that status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem.keys() - {"errors"} == PROBLEM_FIELDS
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]


def _operations(client: httpx.Client) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the method, the path with 1 for each parameter, and the description of each call."""
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            yield method, _PARAMETER.sub("1", path), operation


class Conformance:
    """For every service."""

    service: str
    checks: tuple[str, ...] = ()
    """The names of its health checks."""

    def test_well_formed_request_id_comes_back(self, client: httpx.Client) -> None:
        answer = client.get("/health/live", headers={"X-Request-ID": "from-the.edge_1"})
        assert answer.headers["x-request-id"] == "from-the.edge_1"

    @pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\tb", 'a"b'])
    def test_malformed_request_id_is_replaced(self, client: httpx.Client, given: str) -> None:
        answer = client.get("/health/live", headers={"X-Request-ID": given})
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])

    def test_unknown_path_is_a_404_problem(self, client: httpx.Client) -> None:
        assert_problem(client.get("/no/such/path"), 404)

    def test_unknown_method_is_a_405_problem_that_names_every_known_one(
        self, client: httpx.Client
    ) -> None:
        for path, operations in client.get("/openapi.json").json()["paths"].items():
            known = {method.upper() for method in operations}
            for method in _METHODS - known:
                answer = client.request(method, _PARAMETER.sub("1", path))
                assert_problem(answer, 405)
                assert set(answer.headers["allow"].split(", ")) == known

    def test_each_call_that_takes_a_body_refuses_a_broken_and_an_endless_one(
        self, client: httpx.Client
    ) -> None:
        for method, path, operation in _operations(client):
            for media_type in operation.get("requestBody", {}).get("content", {}):
                kind = media_type if media_type.endswith("json") else "multipart/form-data"
                headers = {"Content-Type": kind}
                assert_problem(client.request(method, path, content=b"{", headers=headers), 400)
                endless = b"x" * (body_limit.DEFAULT_LIMIT + 1)
                assert_problem(client.request(method, path, content=endless), 413)

    def test_each_call_that_wants_a_token_refuses_who_has_none(self, client: httpx.Client) -> None:
        for method, path, operation in _operations(client):
            if operation["security"]:
                assert_problem(client.request(method, path, json={"title": "a"}), 401)

    def test_no_cache_keeps_what_a_call_answers(self, client: httpx.Client) -> None:
        for method, path, _ in _operations(client):
            kept = client.request(method, path, json={}).headers["cache-control"]
            assert kept == "no-store" or path == "/", path  # the portal's page is for everybody

    def test_a_page_runs_nothing_but_its_own(self, client: httpx.Client) -> None:
        headers = client.get("/docs").headers
        assert headers["content-security-policy"].startswith("default-src 'none'; ")
        assert "unsafe" not in headers["content-security-policy"]

    def test_unknown_method_of_an_asset_is_a_405_problem(self, client: httpx.Client) -> None:
        answer = client.post(f"{docs.ASSETS}/favicon.png")
        assert_problem(answer, 405)
        assert answer.headers["allow"] == "GET, HEAD"

    @pytest.mark.parametrize("path", ["/health", "/health/"])
    def test_health_names_the_service_and_its_checks(self, client: httpx.Client, path: str) -> None:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert (body["service"], body["status"]) == (self.service, "ok")
        statuses = {check["name"]: check["status"] for check in body["checks"]}
        assert statuses == dict.fromkeys(self.checks, "ok")

    @pytest.mark.parametrize("path", ["/health/live", "/health/live/"])
    def test_process_is_live(self, client: httpx.Client, path: str) -> None:
        assert client.get(path).json() == {"status": "ok"}

    def test_docs_load_everything_from_our_own_origin(self, client: httpx.Client) -> None:
        page = client.get("/docs").text
        addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
        assets = [each for each in addresses if each.startswith(docs.ASSETS)]
        assert len(assets) == 3
        assert all(client.get(asset).status_code == 200 for asset in assets)
        assert "//" not in "".join(addresses)

    def test_openapi_document_is_served(self, client: httpx.Client) -> None:
        assert client.get("/openapi.json").json()["openapi"].startswith("3.")

    def test_document_has_no_schema_that_nothing_refers_to(self, client: httpx.Client) -> None:
        text = client.get("/openapi.json").text
        for name in json.loads(text)["components"]["schemas"]:
            assert f'"#/components/schemas/{name}"' in text, name

    def test_metrics_count_by_route_template(self, client: httpx.Client) -> None:
        client.get("/health/live")
        labels = 'method="GET",route="/health/live",status="200"'
        assert f"http_request_duration_seconds_count{{{labels}}}" in client.get("/metrics").text

    def test_unhandled_error_leaks_nothing_and_keeps_the_connection(self, app: FastAPI) -> None:
        async def fault(_: Request) -> None:
            raise RuntimeError("a secret")

        app.router.routes.insert(0, Route(FAULT, fault))
        with serving(app) as port:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.connect()
            connection.auto_open = 0  # A closed connection is an error here, not reopened.
            for _ in range(3):
                connection.request("GET", FAULT)
                answer = connection.getresponse()
                text = answer.read()
                assert answer.status == 500
                assert b"internal-server-error" in text
                assert b"secret" not in text
            connection.close()


class TokenConformance:
    """For a service with a GET route, `protected`, that needs a token."""

    protected: str

    @pytest.fixture
    def caller(self) -> Principal:
        """Return a caller whose valid token the service accepts. Override it if not any will do."""
        return Principal(1, is_superuser=False)

    @pytest.fixture
    def checking(self, app: FastAPI) -> list[FastAPI]:
        """Return the applications that verify the caller's token. Override it if there are more."""
        return [app]

    @pytest.fixture(params=KEYS_BY_ALGORITHM)
    def key(self, request: pytest.FixtureRequest, checking: list[FastAPI]) -> Iterator[SigningKey]:
        """Yield a signing key of each kind, while the service accepts that kind only."""
        before = [app.state.keys for app in checking]
        for app in checking:
            app.state.keys = KEYS_BY_ALGORITHM[request.param][1]
        yield KEYS_BY_ALGORITHM[request.param][0]
        for app, keys in zip(checking, before, strict=True):
            app.state.keys = keys

    def test_good_token_is_accepted(
        self, client: httpx.Client, caller: Principal, key: SigningKey
    ) -> None:
        headers = bearer(caller.user_id, session_id=caller.session_id, key=key)
        assert client.get(self.protected, headers=headers).status_code < 300

    @pytest.mark.parametrize("name", hostile.TOKENS)
    def test_bad_token_is_a_401_problem(
        self, client: httpx.Client, caller: Principal, key: SigningKey, name: str
    ) -> None:
        token = hostile.TOKENS[name](key, caller)
        answer = client.get(self.protected, headers={b"Authorization": b"Bearer " + token})
        assert_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"

    def test_personal_token_without_the_scope_is_a_403_problem_at_every_call(
        self, app: FastAPI, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer = {"id": str(uuid4()), "user_id": 1, "scopes": ["another"], "seconds": 60}
        network = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
        users = httpx.AsyncClient(transport=network, base_url="http://users")
        monkeypatch.setattr(app.state, "personal_tokens", PersonalTokens(users))
        headers = {"Authorization": f"Bearer {PERSONAL_PREFIX}{'x' * 43}"}
        called = 0
        for method, path, operation in _operations(client):
            if operation["security"]:
                called += 1
                refusal = client.request(method, path, headers=headers)
                assert_problem(refusal, 403)
                assert refusal.json()["type"] == "/problems/insufficient-scope"
        assert called

    @pytest.mark.parametrize("value", [None, "", "Basic YTpi", "Bearer"])
    def test_no_bearer_token_is_a_401_problem(
        self, client: httpx.Client, value: str | None
    ) -> None:
        headers = {} if value is None else {"Authorization": value}
        answer = client.get(self.protected, headers=headers)
        assert_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


class BodyConformance:
    """For a service with a POST route, `writable`, whose JSON body has the string `text_field`."""

    writable: str
    text_field: str

    def post(self, client: httpx.Client, content: bytes) -> httpx.Response:
        headers = {"Content-Type": "application/json", **bearer()}
        return client.post(self.writable, content=content, headers=headers)

    @pytest.mark.parametrize(
        "content",
        [b"{", b"\xff", b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"],
        ids=["cut off", "not UTF-8", "nested without end", "huge number"],
    )
    def test_malformed_json_is_a_400_problem(self, client: httpx.Client, content: bytes) -> None:
        assert_problem(self.post(client, content), 400)

    @pytest.mark.parametrize("content", [b'["hunter2"]', b'{"hunter": 2}', b'"hunter2"', b"NaN"])
    def test_invalid_body_is_a_422_problem_that_echoes_no_value(
        self, client: httpx.Client, content: bytes
    ) -> None:
        answer = self.post(client, content)
        assert_problem(answer, 422)
        assert all(error.keys() == {"field", "message"} for error in answer.json()["errors"])
        assert "hunter2" not in answer.text

    @pytest.mark.parametrize("text", [rb"a\u0000b", rb"a\ud800b"], ids=["NUL", "lone surrogate"])
    def test_text_that_no_database_takes_is_a_422_problem(
        self, client: httpx.Client, text: bytes
    ) -> None:
        content = b'{"%s": "%s"}' % (self.text_field.encode(), text)
        answer = self.post(client, content)
        assert_problem(answer, 422)
        assert self.text_field in {error["field"] for error in answer.json()["errors"]}

    def test_body_over_the_limit_is_a_413_problem(self, client: httpx.Client) -> None:
        content = b'"' + b"x" * body_limit.DEFAULT_LIMIT + b'"'
        assert_problem(self.post(client, content), 413)
