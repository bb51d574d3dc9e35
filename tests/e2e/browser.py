"""A browser, and pages of another origin that call the gateway as a front end does."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tasktracker_cluster.site import GATEWAY_URL

CHROMIUM = "/usr/bin/chromium"  # Debian's: Playwright downloads no browser
PORT = 3000
LIMIT_MS = 180_000  # generous: a machine may be busy

# It returns all that a script may read of an answer from another origin.
FETCH = """
async ({url, method, headers, body}) => {
    const answer = await fetch(url, {method, headers, body});
    const text = await answer.text();
    return {
        status: answer.status,
        headers: Object.fromEntries(answer.headers),
        body: text ? JSON.parse(text) : null,
    };
}
"""


@dataclass(frozen=True)
class Answer:
    """An answer as the page's script sees it. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class FrontEnd:
    """An open page whose script calls the gateway."""

    page: Page

    def call(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        """Call fetch(). Raises playwright's Error when the browser hides the answer (CORS)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = {"url": GATEWAY_URL + path, "method": method, "headers": named, "body": body}
        return Answer(**self.page.evaluate(FETCH, request))


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium, headless and as root, without its own network requests."""
    quiet = ["--disable-component-update", "--disable-sync", "--disable-gpu", "--no-first-run"]
    expect.set_options(timeout=LIMIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet, timeout=LIMIT_MS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def empty_pages() -> Iterator[None]:
    """Serve empty pages on port 3000. Their origin is the host name in the page's address."""
    server = ThreadingHTTPServer(("127.0.0.1", PORT), _EmptyPage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "15")
        self.end_headers()
        self.wfile.write(b"<!doctype html>")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Log nothing."""
