"""What the composition root put on the application's state, as a dependency of routes."""

from typing import Any

from fastapi import Request


class AppState:
    """`app.state.<name>`, for `Annotated[Type, Depends(AppState("name"))]`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def read(self, request: Request) -> Any:
        """Return the value. For DirectRoute, which awaits nothing that it need not."""
        return getattr(request.app.state, self._name)

    # A coroutine, because FastAPI runs a plain function in another thread.
    async def __call__(self, request: Request) -> Any:
        """Return the value."""
        return self.read(request)
