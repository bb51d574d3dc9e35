"""The home page, as JSON and as HTML."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from servicekit.testing import client as testing

MakeApp = Callable[..., FastAPI]

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_a_program_is_told_what_this_is(client: httpx.Client) -> None:
    answer = client.get("/")

    assert answer.status_code == 200
    home = answer.json()
    assert home.pop("version")
    assert home == {
        "name": "TaskTracker",
        "routes": [
            {"prefix": "/api/v1/auth", "service": "user-service"},
            {"prefix": "/api/v1/tasks", "service": "task-service"},
            {"prefix": "/api/v1/stats", "service": "stats-service"},
        ],
        "links": {"documentation": "/docs", "health": "/health"},
        "observing": {},
    }


def test_a_browser_gets_a_page_with_the_same(client: httpx.Client) -> None:
    answer = client.get("/", headers={"Accept": BROWSER})

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for part in ("TaskTracker", "/api/v1/tasks", "stats-service", 'href="/docs"'):
        assert part in answer.text
    assert "//" not in answer.text, "everything comes from our own origin"


def test_every_link_leads_somewhere(client: httpx.Client) -> None:
    links: dict[str, str] = client.get("/").json()["links"]

    assert {client.get(address).status_code for address in links.values()} == {200}


@pytest.mark.parametrize(
    "accept",
    ["text/html", BROWSER, "TEXT/HTML", "text/*", "text/html;q=0.5, */*;q=0.1",
     "application/json;q=0.5, text/html;level=1;q=0.9"],
)  # fmt: skip
def test_html_goes_to_who_prefers_it(client: httpx.Client, accept: str) -> None:
    answer = client.get("/", headers={"Accept": accept})

    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize(
    "accept",
    ["", "*/*", "application/json", "application/json, text/html", "text/html;q=0.5, */*",
     "text/html;q=0", "text/html;q=x", "text/html;q=nan", ";;;,,,q=", "image/png", "x" * 5000],
)  # fmt: skip
def test_json_goes_to_everybody_else(client: httpx.Client, accept: str) -> None:
    answer = client.get("/", headers={"Accept": accept})

    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["vary"] == "Accept"


@pytest.fixture
def observing(tmp_path: Path) -> Path:
    """Return the file of the pages that observe, without one."""
    file = tmp_path / "observing.txt"
    file.touch()
    return file


@pytest.fixture
def observed(observing: Path, make_app: MakeApp) -> Iterator[httpx.Client]:
    with testing.running(make_app(observing_file=observing)) as client:
        yield client


def test_the_pages_that_observe_are_listed_as_long_as_they_are_there(
    observed: httpx.Client, observing: Path
) -> None:
    def listed() -> object:
        return observed.get("/", headers={"Host": "localhost:8000"}).json()["observing"]

    assert listed() == {}
    observing.write_text("\nlogs http://localhost:9428/\nalerts http://localhost:8428/#/a\n")
    assert listed() == {"logs": "http://localhost:9428/", "alerts": "http://localhost:8428/#/a"}
    page = observed.get("/", headers={"Host": "[::1]:8000", "Accept": "text/html"}).text
    assert '<a href="http://localhost:8428/#/a">alerts</a>' in page
    assert "On the first machine of the cluster" in page
    observing.write_text("\n")
    assert listed() == {}


@pytest.mark.parametrize(
    "host", ["tasks.example", "10.0.0.1:8000", "localhost.example", "[", "localhost:8000:1", ""]
)
def test_who_calls_from_elsewhere_is_told_no_address_of_loopback(
    observed: httpx.Client, observing: Path, host: str
) -> None:
    observing.write_text("logs http://localhost:9428/\n")

    answer = observed.get("/", headers={"Host": host, "Accept": BROWSER})

    assert answer.status_code == 200
    assert "//" not in answer.text
