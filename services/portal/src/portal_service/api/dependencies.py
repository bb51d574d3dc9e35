"""What routes are given; the composition root puts it on the application's state."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends

from portal_service.clients.backend import Backend
from servicekit.app_state import AppState

BackendsDep = Annotated[Mapping[str, Backend], Depends(AppState("backends"))]
"""Every service behind the gateway by its name, in the order in which pages show them."""
