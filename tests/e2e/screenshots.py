"""`./just screenshots`: the pictures of the pages that the documents show, of a cluster of its own.

Arguments: names of pictures, without one all of them. The cluster is a throwaway one, so a picture
shows nothing of this machine. Debian's pngquant makes the files small.
"""

import argparse
import io
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, HttpCredentials, Page
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tasktracker_cluster.agents import variables
from tasktracker_cluster.cluster import LOGS_PASSWORD
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.site import (
    CONSUL_PAGE,
    GATEWAY_URL,
    LOGS_URL,
    METRICS_URL,
    NOMAD_PAGE,
    TRAEFIK_URL,
)
from tasktracker_cluster.testing import throwaway
from tasktracker_cluster.testing.throwaway import PROGRAM, ThrowawayCluster
from tests.e2e import faults
from tests.e2e.browser import LIMIT_MS, chromium
from tests.terminal import Terminal

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
WIDTH, HEIGHT = 1280, 800
COLOURS = 64
HISTORY_SECONDS = 150  # of traffic, so that curves have a shape
LIMIT_SECONDS = 120
SETTLED_MS = 3000  # pages draw their curves in steps
COLUMNS = 100  # of the terminal
# Moves of its cursor, and what they write over.
MOVES = re.compile(r"\x1b\[[\d;?]*[A-Za-ln-z]|.*\r")
STORED = "count_over_time(up{job='metrics',instance=~'.+8428'}[10m]) >= "

QUERY = 'file:~"connect-proxy" OR _msg:request | fields _time, service, _msg, route, status'


class Picture(NamedTuple):
    """A page, and what must be on it before the picture is taken."""

    url: str
    ready: str  # a selector
    height: int = HEIGHT
    prepare: Callable[[Page], object] = lambda _: None


TRACE = "trace"  # as the command line prints it: it has no page
PICTURES = {
    "docs": Picture(f"{GATEWAY_URL}/docs", ".opblock-summary-path"),
    "consul": Picture(
        f"{CONSUL_PAGE}/ui/dc1/services/task-service/topology", "text=/RPS/ >> nth=0"
    ),
    "nomad": Picture(f"{NOMAD_PAGE}/ui/jobs", "text=postgres-exporter"),
    "traefik": Picture(f"{TRAEFIK_URL}/dashboard/#/http/routers", "text=task-service@file"),
    "dashboards": Picture(
        f"{METRICS_URL}/vmui/#/dashboards?g0.range_input=5m&g0.step_input=5s", "canvas"
    ),
    "databases": Picture(
        f"{METRICS_URL}/vmui/#/dashboards?g0.range_input=5m&g0.step_input=5s", "canvas",
        prepare=lambda page: page.get_by_text("Databases", exact=True).click(),
    ),
    "logs": Picture(f"{LOGS_URL}/select/vmui/#/?query=service%3A*&g0.range_input=5m", "canvas"),
}  # fmt: skip


def main() -> None:
    """Start a cluster, give it something to show, and take the pictures."""
    parser = argparse.ArgumentParser(prog="screenshots", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join((*PICTURES, TRACE)))
    names = parser.parse_args().names or [*PICTURES, TRACE]
    FOLDER.mkdir(exist_ok=True)
    with throwaway.installed() as cluster:
        cluster.admin("up")
        cluster.admin("observe", "--traces")
        user = cluster.user("ada")
        for title in ("Water the plants", "Call Grace"):
            user.run("task", "create", title)
        with user.http() as client:
            calls = ("/api/v1/tasks/", "/api/v1/stats/", "/api/v1/auth/me", "/api/v1/tasks/1")
            works = [partial(client.get, path) for path in calls]
            body = {"title": "Buy milk"}
            works.append(partial(client.post, "/api/v1/tasks/", json=body))
            with faults.repeating(*works, pause=0.2), chromium() as browser:
                query = f"{STORED}{HISTORY_SECONDS // 5}"
                wait.until("history", lambda: has(cluster, query), LIMIT_SECONDS + HISTORY_SECONDS)
                for name in names:
                    if name == TRACE:
                        take_trace(browser, traced(cluster, client.headers["Authorization"]))
                    else:
                        take(cluster, browser, name)


def has(cluster: ThrowawayCluster, query: str) -> bool:
    found = cluster.as_operator.metrics.call("GET", "/api/v1/query", query=query)
    return bool(found["data"]["result"])


def take(cluster: ThrowawayCluster, browser: Browser, name: str) -> None:
    """Take a picture of a page."""
    picture = PICTURES[name]
    password = variables.read(cluster.nomad, LOGS_PASSWORD)["password"]
    login = HttpCredentials(username="operator", password=password, origin=LOGS_URL)
    context = browser.new_context(
        viewport={"width": WIDTH, "height": picture.height},
        http_credentials=login if name == "logs" else None,
    )
    page = context.new_page()
    page.goto(picture.url)
    picture.prepare(page)
    page.locator(picture.ready).first.wait_for(timeout=LIMIT_MS)
    page.wait_for_timeout(SETTLED_MS)
    save(name, page.screenshot())
    context.close()


def traced(cluster: ThrowawayCluster, authorization: str) -> str:
    """Return what the client shows on a terminal for one traced request."""
    token = authorization.removeprefix("Bearer ")
    env = cluster.environment(TASKTRACKER_TOKEN=token, TERM="xterm-256color")
    terminal = Terminal([PROGRAM, "--trace", "stats"], env, columns=COLUMNS)
    assert terminal.end() == 0, terminal.shown
    lines = MOVES.sub("", terminal.shown.replace("\r\n", "\n")).splitlines()
    kept = [line for line in lines if "Waiting for the trace" not in line]  # it was erased
    return "\n".join(["$ tasktracker-cli --trace stats", *kept])


def take_trace(browser: Browser, shown: str) -> None:
    """Take a picture of what a terminal showed."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(shown))
    page = browser.new_page()
    page.set_content(console.export_html(theme=MONOKAI, inline_styles=True))
    page.add_style_tag(content="body { width: fit-content; padding: 16px; font-size: 14px; }")
    save(TRACE, page.locator("body").screenshot())
    page.close()


def save(name: str, picture: bytes) -> None:
    """Write the file of a picture, and make it small."""
    file = FOLDER / f"{name}.png"
    file.write_bytes(picture)
    shell.run(["pngquant", "--force", "--strip", "--ext=.png", str(COLOURS), file])


if __name__ == "__main__":
    main()
