"""What routes ask for; the composition root puts it on the application's state."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request

from portal_service.clients.backend import Backend


async def _backends(request: Request) -> Mapping[str, Backend]:
    """A coroutine, because FastAPI sends a plain function to a thread of its own."""
    backends: Mapping[str, Backend] = request.app.state.backends
    return backends


BackendsDep = Annotated[Mapping[str, Backend], Depends(_backends)]
"""Every service behind the gateway by its name, in the order pages show them."""
