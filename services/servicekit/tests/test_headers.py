"""The headers of each response."""

import httpx
import pytest
from fastapi import FastAPI, Response

from servicekit import docs
from servicekit.testing.credentials import bearer


@pytest.mark.parametrize("path", ["/notes/", "/notes/5", "/notes/404", "/notes/x", "/nope"])
def test_no_cache_keeps_an_answer_or_an_error(client: httpx.Client, path: str) -> None:
    assert client.get(path, headers=bearer(7)).headers["cache-control"] == "no-store"
    assert client.delete(path).headers["cache-control"] == "no-store"


def test_a_route_may_say_otherwise(app: FastAPI, client: httpx.Client) -> None:
    @app.get("/kept")
    def kept(response: Response) -> None:
        response.headers["Cache-Control"] = "max-age=60"

    assert client.get("/kept").headers.get_list("cache-control") == ["max-age=60"]


def test_an_asset_may_be_kept_and_is_asked_for_again(client: httpx.Client) -> None:
    asset = f"{docs.ASSETS}/favicon.png"
    first = client.get(asset)
    again = client.get(asset, headers={"If-None-Match": first.headers["etag"]})
    assert (first.headers["cache-control"], again.status_code) == ("no-cache", 304)
