"""Swagger UI from our own origin, so that /docs works without the internet."""

import html
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

from servicekit import pages

ASSETS = "/docs/assets"

_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{title}</title>
  <link rel="stylesheet" href="{assets}/swagger-ui.css">
  <link rel="icon" href="{assets}/favicon.png">
  <style>nav {{ font-family: sans-serif; text-align: center }}</style>
</head>
<body>
  <nav>{links}</nav>
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


class _Assets(StaticFiles):
    """Files that a browser may cache, if it asks each time whether they have changed."""

    def file_response(self, *arguments: Any, **named: Any) -> Response:
        answer = super().file_response(*arguments, **named)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


def install(app: FastAPI, documents: Mapping[str, str] | None = None) -> None:
    """Add GET /docs for the app's own OpenAPI document, or for several: name to URL."""
    page = pages.response(_page(app.title, documents or {app.title: "/openapi.json"}))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return page

    # We use only the static files of that package.
    static = str(files("fastapi_offline") / "static")
    app.mount(ASSETS, _Assets(directory=static), name="docs-assets")


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
