"""The rights of a script on a page of another origin, and the API documents in a browser."""

import json
import os
import re
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tasktracker_cluster.jobs import gateway
from tasktracker_cluster.machine import wait
from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.throwaway import PASSWORD, ThrowawayCluster, frozen
from tests.e2e.browser import LIMIT_MS, PORT, FrontEnd, chromium, empty_pages

TASKS = "/api/v1/tasks/"
JSON = "application/json"
PREFIXES = {
    "user-service": "/api/v1/auth",
    "task-service": "/api/v1/tasks",
    "stats-service": "/api/v1/stats",
}

LIMIT_SECONDS = 180  # generous: a machine may be busy


@pytest.fixture(scope="module")
def browser(cluster: ThrowawayCluster) -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_page() as page:
        page.set_default_timeout(LIMIT_MS)
        yield page


@pytest.fixture
def pages() -> Iterator[None]:
    with empty_pages():
        yield


@pytest.fixture
def front_end(page: Page, pages: None) -> FrontEnd:
    """Return a page of the origin that the gateway allows."""
    page.goto(f"http://localhost:{PORT}/")
    return FrontEnd(page)


def token(front_end: FrontEnd, name: str) -> str:
    """Register and log in through the page, and return the Authorization header."""
    account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    made = front_end.call("POST", "/api/v1/auth/register", json.dumps(account), Content_Type=JSON)
    assert made.status == 201
    login = json.dumps({"username": name, "password": PASSWORD})
    answer = front_end.call("POST", "/api/v1/auth/login", login, Content_Type=JSON)
    return f"Bearer {answer.body['access_token']}"


def test_a_page_of_a_known_origin_does_all_that_a_front_end_needs(front_end: FrontEnd) -> None:
    bearer = token(front_end, "peggy")
    sent = {"Authorization": bearer, "Content_Type": JSON}

    first, again = (
        front_end.call("POST", TASKS, '{"title": "Once"}', Idempotency_Key="k1", **sent)
        for _ in range(2)
    )
    assert (first.status, again.body) == (201, first.body)
    location, etag = first.headers["location"], first.headers["etag"]
    assert len(front_end.call("GET", TASKS, Authorization=bearer).body) == 1

    path = location.removeprefix(GATEWAY_URL)
    updated = front_end.call("PATCH", path, '{"title": "Twice"}', If_Match=etag, **sent)
    assert (updated.status, updated.body["title"]) == (200, "Twice")
    assert updated.headers["etag"] != etag
    stale = front_end.call("PUT", path, '{"title": "Late"}', If_Match=etag, **sent)
    assert stale.status == 412
    assert stale.headers["x-request-id"] == stale.body["request_id"]
    known = {"If_None_Match": updated.headers["etag"], "X_Request_ID": "from-the-page"}
    unchanged = front_end.call("GET", path, Authorization=bearer, **known)
    assert unchanged.headers["x-request-id"] == "from-the-page"

    front_end.call("POST", TASKS, '{"title": "Another"}', **sent)
    listed = front_end.call("GET", f"{TASKS}?limit=1", Authorization=bearer)
    assert 'rel="next"' in listed.headers["link"]
    assert front_end.call("DELETE", path, Authorization=bearer).status == 204


def test_a_page_can_read_retry_after_of_the_gateways_own_answer(
    cluster: ThrowawayCluster, front_end: FrontEnd
) -> None:
    with frozen(cluster.agent_pid("nomad")):  # it would start another one, or end the route
        os.kill(cluster.service_pid("stats_service"), signal.SIGKILL)
        answer = front_end.call("GET", "/api/v1/stats/")
    wait.until("the service", gateway.answers, LIMIT_SECONDS)

    assert answer.status == 502
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["x-request-id"] == answer.body["request_id"]


def test_a_page_of_another_origin_is_refused_by_the_browser(page: Page, pages: None) -> None:
    page.goto(f"http://127.0.0.1:{PORT}/")  # the same server by another name: another origin
    stranger = FrontEnd(page)

    for method, body in (("GET", None), ("POST", "{}"), ("DELETE", None)):
        with pytest.raises(Error, match="Failed to fetch"):
            stranger.call(method, TASKS, body)


def test_the_documents_show_every_service_and_no_request_of_theirs_fails(page: Page) -> None:
    requested: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.on("response", lambda got: failed.append(got.url) if got.status >= 400 else None)
    page.on("pageerror", lambda error: failed.append(str(error)))
    # A violation of the page's Content-Security-Policy is an error in the console.
    page.on("console", lambda entry: failed.append(entry.text) if entry.type == "error" else None)

    operations = page.locator(".opblock-summary-path")
    page.goto(f"{GATEWAY_URL}/docs")
    # Wait: leaving a page that is still loading would cancel its requests.
    expect(operations.first).to_be_visible()
    for name, prefix in PREFIXES.items():
        page.get_by_role("link", name=name, exact=True).click()
        page.wait_for_url(re.compile(rf"\?api={name}$"))
        expect(operations.first).to_be_visible()
        paths = [path.replace("\u200b", "") for path in operations.all_inner_texts()]
        assert paths
        assert all(path.startswith(prefix) for path in paths), paths

    page.goto(f"{GATEWAY_URL}/")
    expect(page.get_by_role("heading")).to_be_visible()

    assert not failed, failed
    assert {url.split("/", 3)[2] for url in requested if not url.startswith("data:")} == {
        GATEWAY_URL.removeprefix("http://")
    }
