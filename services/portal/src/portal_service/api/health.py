"""GET /health: the current health of each service."""

import asyncio

from fastapi import APIRouter, Response, status

from portal_service.api.dependencies import BackendsDep
from servicekit.health import Health, Live


def router(service: str, version: str) -> APIRouter:
    """Return a router with GET /health (503 unless all services are well) and GET /health/live.

    The answers are as servicekit's. Its checks run in threads, but these are calls to await.
    """
    routes = APIRouter(tags=["health"])

    @routes.get("/health", response_model_exclude_none=True, responses={503: {"model": Health}})
    async def read_health(backends: BackendsDep, response: Response) -> Health:
        """Ask all services at the same time; `duration_ms` is how long each one took."""
        checks = await asyncio.gather(*(backend.health() for backend in backends.values()))
        well = all(check.status == "ok" for check in checks)
        response.status_code = status.HTTP_200_OK if well else status.HTTP_503_SERVICE_UNAVAILABLE
        response.headers["Cache-Control"] = "no-store"
        return Health(
            status="ok" if well else "failing", service=service, version=version, checks=checks
        )

    @routes.get("/health/live")
    async def read_live() -> Live:
        """Answer without any check."""
        return Live()

    return routes
