"""The metrics of requests: few series, and the status of each."""

import httpx
from fastapi import FastAPI
from starlette.requests import Request
from starlette.routing import Route

COUNT = "http_request_duration_seconds_count"


def test_path_without_a_route_and_made_up_method_add_no_series_of_their_own(
    client: httpx.Client,
) -> None:
    client.request("MADEUP", "/a")
    client.request("INVENTED", "/b")
    text = client.get("/metrics").text
    assert f'{COUNT}{{method="other",route="none",status="404"}} 2.0' in text


def test_unhandled_error_counts_as_500(app: FastAPI, client: httpx.Client) -> None:
    async def fault(_: Request) -> None:
        raise RuntimeError

    app.router.routes.insert(0, Route("/fault", fault))
    client.get("/fault")
    assert f'{COUNT}{{method="GET",route="/fault",status="500"}} 1.0' in client.get("/metrics").text
