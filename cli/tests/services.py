"""The real user, task and stats services on loopback, behind one address."""

import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import uvicorn

from servicekit.testing import process
from servicekit.testing.plugin import MakeDatabase

KEY = secrets.token_hex(32)
START_LIMIT = 60  # seconds, for a machine that is busy with other tests


@contextmanager
def running(make_database: MakeDatabase, key: str) -> Iterator[str]:
    """Start everything; give the address that stands for the gateway's."""
    with ExitStack() as stack:
        user = stack.enter_context(_service("user_service", key, make_database("cli_user")))
        database = make_database("cli_task")
        task = stack.enter_context(_service("task_service", key, database, USER_SERVICE_URL=user))
        stats = stack.enter_context(
            _service("stats_service", key, TASK_SERVICE_URL=task, USER_SERVICE_URL=user)
        )
        routes = {"/api/v1/auth": user, "/api/v1/tasks": task, "/api/v1/stats": stats}
        yield stack.enter_context(_router(routes))


@contextmanager
def _service(module: str, key: str, database: str = "", **more: str) -> Iterator[str]:
    settings = {
        "SECRET_KEY": key,
        "PASSWORD_COST": "4",  # the least that bcrypt takes: these tests are not about it
        "REGISTRATIONS_PER_CLIENT": "1000000",  # all tests are one client
        **more,
    }
    if database:
        settings["DATABASE_URL"] = database
        process.run(module, "migrate", **settings)
    with process.started(module, START_LIMIT, **settings) as service:
        yield service.address


@contextmanager
def _router(routes: dict[str, str]) -> Iterator[str]:
    """Route by path, as Traefik does in the real system."""
    port = _free_port()
    config = uvicorn.Config(_Router(routes), port=port, log_level="error", lifespan="on", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


class _Router:
    """Sends each request on to the service that its path belongs to."""

    def __init__(self, routes: dict[str, str]) -> None:
        self._routes = routes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._forward(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        async with httpx.AsyncClient(timeout=30) as self._client:
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _forward(self, scope: Any, receive: Any, send: Any) -> None:
        service = next(url for path, url in self._routes.items() if scope["path"].startswith(path))
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        answer = await self._client.request(
            scope["method"],
            httpx.URL(f"{service}{scope['path']}", query=scope["query_string"]),
            headers=scope["headers"],
            content=body,
        )
        await send(
            {
                "type": "http.response.start",
                "status": answer.status_code,
                "headers": answer.headers.raw,
            }
        )
        await send({"type": "http.response.body", "body": answer.content})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
