"""The services' OpenAPI documents, from the gateway's own origin."""

from typing import Any

from fastapi import APIRouter, HTTPException, status

from portal_service.api.dependencies import BackendsDep
from portal_service.clients.backend import BackendUnavailableError
from servicekit.errors import ServiceUnavailable

router = APIRouter(include_in_schema=False)


def address(service: str) -> str:
    """Return the path of the service's document."""
    return f"/docs/openapi/{service}.json"


@router.get(address("{service}"))
async def read_document(service: str, backends: BackendsDep) -> dict[str, Any]:
    """Return the service's document, with those paths that the gateway routes to it."""
    if service not in backends:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    try:
        return await backends[service].openapi()
    except BackendUnavailableError as error:
        raise ServiceUnavailable(f"{error}.", retry_after=1) from error
