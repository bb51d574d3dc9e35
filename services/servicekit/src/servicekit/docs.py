"""Swagger UI from our own origin: /docs works without the internet."""

import html
import json
from collections.abc import Mapping
from importlib.resources import files

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.responses import HTMLResponse

ASSETS = "/docs/assets"

_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{title}</title>
  <link rel="stylesheet" href="{assets}/swagger-ui.css">
  <link rel="icon" href="{assets}/favicon.png">
</head>
<body>
  <nav style="font-family: sans-serif; text-align: center">{links}</nav>
  <div id="swagger-ui"></div>
  <script src="{assets}/swagger-ui-bundle.js"></script>
  <script>
    const documents = new Map({documents});
    const chosen = documents.get(new URLSearchParams(location.search).get("api"));
    SwaggerUIBundle({{
      url: chosen ?? documents.values().next().value,
      dom_id: "#swagger-ui",
      deepLinking: true,
      validatorUrl: null, // the default asks a public server
    }});
  </script>
</body>
</html>
"""


def install(app: FastAPI, documents: Mapping[str, str] | None = None) -> None:
    """GET /docs over the app's own OpenAPI document, or over several: name to address."""
    page = _page(app.title, documents or {app.title: "/openapi.json"})

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page)

    # Only the static files of that package are used.
    static = str(files("fastapi_offline") / "static")
    app.mount(ASSETS, StaticFiles(directory=static), name="docs-assets")


def _page(title: str, documents: Mapping[str, str]) -> str:
    names = documents if len(documents) > 1 else ()
    links = " | ".join(
        f'<a href="?api={html.escape(name)}">{html.escape(name)}</a>' for name in names
    )
    return _PAGE.format(
        title=html.escape(title),
        assets=ASSETS,
        links=links,
        documents=json.dumps(list(documents.items())).replace("<", "\\u003c"),
    )
