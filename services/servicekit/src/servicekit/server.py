"""Runs a service's application on uvicorn."""

import socket
from contextlib import suppress
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from servicekit import registration
from servicekit.joined_writes import JoiningProtocol
from servicekit.settings import ServiceSettings

OPTIONS: dict[str, Any] = {
    "loop": "uvloop",
    "http": JoiningProtocol,
    "ws": "none",
    "log_config": None,  # uvicorn's records go through servicekit.logs
    "access_log": False,  # so do the requests
    "server_header": False,
    "timeout_keep_alive": 75,  # longer than the proxies, so that they close first
    "timeout_graceful_shutdown": 20,
    "proxy_headers": False,  # only the user service reads X-Forwarded-For, and does so itself
}


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await registration.leave()
        await super().shutdown(sockets)


def run(app: ASGIApp, settings: ServiceSettings) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests in flight for up to 20 s."""
    config = uvicorn.Config(app, host=settings.host, port=settings.port, **OPTIONS)
    with suppress(KeyboardInterrupt):  # SIGINT, again, after everything has ended
        _Server(config).run()
