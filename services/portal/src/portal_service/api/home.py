"""GET /: what this is, and where its parts are."""

from html import escape

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from portal_service.api.accept import prefers_html
from portal_service.api.dependencies import BackendsDep
from servicekit import docs, pages

TITLE = "TaskTracker"


class Route(BaseModel):
    """`service` answers all paths under `prefix`."""

    prefix: str
    service: str


class Home(BaseModel):
    """What the gateway offers."""

    name: str
    version: str
    routes: list[Route]
    links: dict[str, str]


def router(version: str) -> APIRouter:
    """Return the router of the home page."""
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
        )
        vary = {"Vary": "Accept"}
        if prefers_html(request.headers.get("accept", "*/*")):
            return pages.response(_page(home), vary)
        return JSONResponse(home.model_dump(), headers=vary)

    return routes


def _page(home: Home) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(route.prefix)}</code></td><td>{escape(route.service)}</td></tr>"
        for route in home.routes
    )
    links = " · ".join(
        f'<a href="{escape(address)}">{escape(name)}</a>' for name, address in home.links.items()
    )
    title = f"{escape(home.name)} {escape(home.version)}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<link rel="icon" href="{docs.ASSETS}/favicon.png">'
        "<style>body{font:1rem/1.5 system-ui;margin:3rem auto;max-width:40rem;padding:0 1rem}"
        "td{padding-right:2rem}</style>"
        f"<h1>{title}</h1><p>{links}</p><table>{rows}</table></html>"
    )
