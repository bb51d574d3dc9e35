"""Which route a path has, in both of its forms."""

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from servicekit.routing import RoutingTable
from servicekit.testing.conformance import assert_problem
from servicekit.testing.credentials import bearer


@pytest.mark.parametrize("path", ["/notes", "/notes/"])
def test_both_forms_reach_the_route_without_a_redirect(client: httpx.Client, path: str) -> None:
    assert client.get(path, headers=bearer(7)).json() == 7


@pytest.mark.parametrize("path", ["/notes/5", "/notes/5/"])
def test_both_forms_of_a_path_with_a_parameter_work(client: httpx.Client, path: str) -> None:
    assert client.get(path).json() == 5


@pytest.mark.parametrize("path", ["/notes///", "//notes", "/"])
def test_more_slashes_than_one_more_are_another_path(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/notes%2f",
        "/notes%2F5",
        "/notes/%0a",
        "/notes%0A",
        "/metrics%2f",
        "/metrics%0a",
        "/%7Fmetrics",
    ],
)
def test_an_encoded_slash_or_control_character_makes_no_path_of_ours(
    client: httpx.Client, path: str
) -> None:
    answer = client.get(path, headers=bearer(7))
    assert_problem(answer, 404)
    assert "encoded slash" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/notes/%35", "/%6eotes/5"])
def test_an_encoded_letter_is_that_letter(client: httpx.Client, path: str) -> None:
    assert client.get(path).json() == 5


@pytest.fixture
def routes() -> RoutingTable:
    async def endpoint() -> None: ...

    inner = APIRouter(prefix="/inner")
    inner.add_api_route("/stats", endpoint)
    inner.add_api_route("/{name}", endpoint)
    inner.add_api_route("/number/{value:float}/end", endpoint)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(inner, prefix="/outer")
    app.mount("/files", FastAPI())
    app.add_api_route("/a.b", endpoint)
    app.add_api_route("/{rest:path}", endpoint)
    return RoutingTable(app.routes)


@pytest.mark.parametrize(
    ("path", "form", "template"),
    [
        ("/outer/inner/stats", "/outer/inner/stats", "/outer/inner/stats"),
        ("/outer/inner/stats/", "/outer/inner/stats", "/outer/inner/stats"),
        ("/outer/inner/x", "/outer/inner/x", "/outer/inner/{name}"),
        (
            "/outer/inner/number/1.5/end/",
            "/outer/inner/number/1.5/end",
            "/outer/inner/number/{value}/end",
        ),
        ("/files/a/b/", "/files/a/b/", "/files/{path}"),
        ("/a.b/", "/a.b", "/a.b"),
        ("/aXb", "/aXb", "/{rest}"),
        ("/", "/", "/{rest}"),
    ],
)
def test_path_resolves_to_the_form_and_template_of_its_route(
    routes: RoutingTable, path: str, form: str, template: str
) -> None:
    assert routes.resolve(path) == (form, template)


def test_application_without_routes_resolves_nothing() -> None:
    assert RoutingTable([]).resolve("/x") == ("/x", None)
