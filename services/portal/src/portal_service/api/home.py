"""GET /: what this is, and where its parts are."""

import re
from html import escape
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from portal_service.api.accept import prefers_html
from portal_service.api.dependencies import BackendsDep
from servicekit import docs, pages

TITLE = "TaskTracker"
LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")


class Route(BaseModel):
    """`service` answers all paths under `prefix`."""

    prefix: str
    service: str


class Home(BaseModel):
    """What the gateway offers.

    `observing` has the addresses of pages that are on the loopback of the cluster's first machine,
    and is empty for a caller by another address.
    """

    name: str
    version: str
    routes: list[Route]
    links: dict[str, str]
    observing: dict[str, str]


def router(version: str, observing: Path | None) -> APIRouter:
    """Return the router of the home page. `observing` is the file of the pages that observe."""
    routes = APIRouter(tags=["portal"])

    @routes.get(
        "/",
        response_model=Home,
        responses={200: {"content": {"text/html": {}}}},
    )
    async def read_home(backends: BackendsDep, request: Request) -> Response:
        """Say what this is, as HTML to a client that prefers it."""
        home = Home(
            name=TITLE,
            version=version,
            routes=[Route(prefix=each.prefix, service=each.name) for each in backends.values()],
            links={"documentation": "/docs", "health": "/health"},
            observing=_pages(observing) if _is_local(request) else {},
        )
        vary = {"Vary": "Accept"}
        if prefers_html(request.headers.get("accept", "*/*")):
            return pages.response(_page(home), vary)
        return JSONResponse(home.model_dump(), headers=vary)

    return routes


def _is_local(request: Request) -> bool:
    return LOOPBACK.fullmatch(request.headers.get("host", "")) is not None


def _pages(file: Path | None) -> dict[str, str]:
    """Return the addresses in the file by their names, none without a file."""
    if file is None:
        return {}
    return dict(line.split(maxsplit=1) for line in file.read_text().splitlines() if line.strip())


def _page(home: Home) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(route.prefix)}</code></td><td>{escape(route.service)}</td></tr>"
        for route in home.routes
    )
    links, observing = _links(home.links), _links(home.observing)
    if observing:
        observing = f"<p>On the first machine of the cluster: {observing}</p>"
    title = f"{escape(home.name)} {escape(home.version)}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<link rel="icon" href="{docs.ASSETS}/favicon.png">'
        "<style>body{font:1rem/1.5 system-ui;margin:3rem auto;max-width:40rem;padding:0 1rem}"
        "td{padding-right:2rem}</style>"
        f"<h1>{title}</h1><p>{links}</p><table>{rows}</table>{observing}</html>"
    )


def _links(addresses: dict[str, str]) -> str:
    return " · ".join(
        f'<a href="{escape(address)}">{escape(name)}</a>' for name, address in addresses.items()
    )
