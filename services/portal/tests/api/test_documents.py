"""The OpenAPI documents of the services, as the portal shows them."""

import re
from collections.abc import Callable, Mapping

import httpx
import pytest
from fastapi import FastAPI, Response

from servicekit.testing import client as testing
from servicekit.testing.conformance import assert_problem

MakeApp = Callable[..., FastAPI]
Faulty = Mapping[str, FastAPI | None]

DOCUMENT = "/docs/openapi/task-service.json"


def test_the_page_offers_a_document_of_each_service(client: httpx.Client) -> None:
    page = client.get("/docs").text

    addresses = re.findall(r'"(/docs/openapi/[^"]+)"', page)
    assert len(addresses) == 3
    for address in addresses:
        assert client.get(address).json()["openapi"].startswith("3.")


def test_a_document_shows_what_the_gateway_routes_to_the_service(client: httpx.Client) -> None:
    document = client.get(DOCUMENT).json()

    assert list(document["paths"]) == ["/api/v1/tasks", "/api/v1/tasks/{item}"]
    assert document["info"]["title"] == "/api/v1/tasks"


def test_a_document_describes_nothing_that_it_does_not_show(client: httpx.Client) -> None:
    schemas = client.get(DOCUMENT).json()["components"]["schemas"]

    assert "Live" not in schemas  # of /health, which the gateway does not route


def test_calls_from_the_page_go_to_the_gateways_own_origin(client: httpx.Client) -> None:
    assert client.get(DOCUMENT).json()["servers"] == [{"url": "/"}]


@pytest.mark.parametrize("fault", ["down", "failing"])
def test_a_document_that_cannot_be_had_is_a_503(
    make_app: MakeApp, faulty: Faulty, fault: str
) -> None:
    with testing.running(make_app(task_service=faulty[fault])) as client:
        answer = client.get(DOCUMENT)

        assert_problem(answer, 503)
        assert answer.json()["detail"].endswith((" cannot be reached.", " answered 503."))
        assert answer.headers["retry-after"] == "1"
        assert client.get("/docs/openapi/user-service.json").status_code == 200


def test_a_document_that_takes_too_long_is_a_503(make_app: MakeApp, slow: FastAPI) -> None:
    with testing.running(make_app(task_service=slow, time_limit=0.1)) as client:
        answer = client.get(DOCUMENT)

    assert_problem(answer, 503)
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("content", ["", "<html>", "[]", "{}", '{"paths": 1}'])
def test_an_answer_that_is_no_document_is_a_503(make_app: MakeApp, content: str) -> None:
    odd = FastAPI(openapi_url=None)

    @odd.get("/openapi.json")
    def answer_oddly() -> Response:
        return Response(content)

    with testing.running(make_app(task_service=odd)) as client:
        assert_problem(client.get(DOCUMENT), 503)


@pytest.mark.parametrize("name", ["portal", "nobody", "..%2f..", "%00"])
def test_there_is_no_document_of_anybody_else(client: httpx.Client, name: str) -> None:
    assert_problem(client.get(f"/docs/openapi/{name}.json"), 404)
