"""Runs a service's application until it is told to stop."""

from typing import Any

import uvicorn
from starlette.types import ASGIApp

from servicekit.settings import ServiceSettings

OPTIONS: dict[str, Any] = {
    "loop": "uvloop",
    "http": "httptools",
    "ws": "none",
    "log_config": None,  # uvicorn's records go through servicekit.logs
    "access_log": False,  # so do the requests
    "server_header": False,
    "timeout_keep_alive": 75,  # longer than the proxies keep idle connections: they close first
    "timeout_graceful_shutdown": 20,
    "proxy_headers": False,  # X-Forwarded-For is for the one service that counts clients to read
}


def run(app: ASGIApp, settings: ServiceSettings) -> None:
    """Serves until SIGTERM or SIGINT, then finishes what is in flight for up to 20 s."""
    uvicorn.run(app, host=settings.host, port=settings.port, **OPTIONS)
