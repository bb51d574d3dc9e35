"""A minimal task service for comparison: Starlette and psycopg 3, with the task service's SQL.

It has no tokens, validation, log or metrics. `DATABASE_URL` and `PORT` are environment variables.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bench.databases import OWNER, WRITER
from servicekit.pool import Statement
from servicekit.server import OPTIONS
from task_service.domain.pagination import TaskQuery
from task_service.persistence.list_statement import list_statement
from task_service.persistence.tasks import FIND
from task_service.persistence.write_statements import insert_statement, update_statement

POOL_SIZE = 10  # the services' own default
_PAGE = list_statement(OWNER, TaskQuery(limit=50))
_CREATE = insert_statement(frozenset(("title", "description")))
_COMPLETE = update_statement(frozenset(("status",)))


async def _rows(request: Request, statement: Statement, values: dict[str, Any]) -> list[Any]:
    pool: AsyncConnectionPool[AsyncConnection[Any]] = request.app.state.pool
    async with pool.connection() as connection, AsyncRawCursor(connection) as cursor:
        await cursor.execute(statement.sql.encode(), statement.arguments(values))
        return await cursor.fetchall()


async def get(request: Request) -> Response:
    """Return one task of the owner as JSON."""
    values = {"owner_id": OWNER, "task_id": int(request.path_params["id"])}
    ((_, _, json),) = await _rows(request, FIND, values)
    return Response(json, media_type="application/json")


async def page(request: Request) -> Response:
    """Return the owner's first 50 tasks as JSON."""
    rows = await _rows(request, *_PAGE)
    return Response(f"[{','.join(row[0] for row in rows[:50])}]", media_type="application/json")


async def create(request: Request) -> Response:
    """Create a task of `WRITER`."""
    ((_, _, json),) = await _rows(request, _CREATE, {"owner_id": WRITER, **await request.json()})
    return Response(json, status_code=201, media_type="application/json")


async def complete(request: Request) -> Response:
    """Set the status of a task of `WRITER`."""
    task_id = int(request.path_params["id"])
    values = {"owner": WRITER, "task_id": task_id, "versions": None, "status": "done"}
    ((_, _, json),) = await _rows(request, _COMPLETE, values)
    return Response(json, media_type="application/json")


async def live(_: Request) -> Response:
    """Return 200: the service runs."""
    return PlainTextResponse("ok")


@asynccontextmanager
async def _pool(app: Starlette) -> AsyncIterator[None]:
    options = {"autocommit": True}
    url = os.environ["DATABASE_URL"]
    async with AsyncConnectionPool(
        url, kwargs=options, min_size=POOL_SIZE, max_size=POOL_SIZE
    ) as app.state.pool:
        yield


app = Starlette(
    routes=[
        Route("/health/live", live),
        Route("/api/v1/tasks/", page),
        Route("/api/v1/tasks/", create, methods=["POST"]),
        Route("/api/v1/tasks/{id}/complete", complete, methods=["PATCH"]),
        Route("/api/v1/tasks/{id}", get),
    ],
    lifespan=_pool,
)

if __name__ == "__main__":
    # uvicorn as it comes: the services' own protocol is a part of what is compared.
    uvicorn.run(app, port=int(os.environ["PORT"]), **{**OPTIONS, "http": "httptools"})
