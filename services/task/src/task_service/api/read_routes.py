"""The calls that read tasks. They stay on the event loop."""

from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import Query, Request, Response, status
from pydantic import TypeAdapter

from servicekit.fields import Id32
from servicekit.openapi import Responses, problems
from servicekit.query_strings import cached
from servicekit.route_class import DirectRouter
from task_service.api.dependencies import IfNoneMatch, ReaderDep, TaskServiceDep
from task_service.api.list_query import ListQuery
from task_service.api.preconditions import etag, is_fresh
from task_service.api.responses import JSON, task_response
from task_service.api.schemas import DeletedTaskOut, StatisticsOut, TaskOut
from task_service.domain.statistics import Statistics

_FRESH: Responses = {304: {"description": "If-None-Match names the task as it is"}}
_STATISTICS = TypeAdapter(Statistics)

router = DirectRouter("/api/v1/tasks", ["tasks"], problems(401, 403, 503))


@router.get("/", response_model=list[DeletedTaskOut | TaskOut], responses=problems(422))
async def list_tasks(
    query: Annotated[ListQuery, Query()],
    principal: ReaderDep,
    tasks: TaskServiceDep,
    request: Request,
) -> Response:
    """List tasks, newest first. While there are more, `Link` has the next page as rel="next"."""
    page = await tasks.list_page(principal.user_id, query.task_query)
    content = f"[{','.join(page.tasks)}]"
    headers = {}
    if page.has_more:
        cursor = query.cursor_after(page.tasks[-1])
        headers["Link"] = f'<{_next_page(request, cursor)}>; rel="next"'
    return Response(content, headers=headers, media_type=JSON)


@router.get("/stats", response_model=StatisticsOut)
async def get_statistics(principal: ReaderDep, tasks: TaskServiceDep) -> Response:
    """Count the caller's tasks."""
    statistics = await tasks.statistics(principal.user_id)
    return Response(_STATISTICS.dump_json(statistics), media_type=JSON)


@router.get("/{task_id}", response_model=TaskOut, responses=problems(404, 422) | _FRESH)
async def get_task(
    task_id: Id32, principal: ReaderDep, tasks: TaskServiceDep, if_none_match: IfNoneMatch = None
) -> Response:
    """Return the task, or 304 where If-None-Match names it as it is."""
    task = await tasks.get(principal.user_id, task_id)
    if is_fresh(task, if_none_match):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag(task)})
    return task_response(task)


def _next_page(request: Request, cursor: str) -> str:
    """Return the URL of the same list from the cursor on.

    Without a host: the client knows the gateway's, and we do not.
    """
    parameters = _without_position(request.scope["query_string"])
    # The path is the route's own. Of Base64 only its padding means something else in a query.
    return f"{request.scope['path']}?{parameters}cursor={cursor.replace('=', '%3D')}"


@cached
def _without_position(query_string: bytes) -> str:
    """Return the query string without `skip` and `cursor`, ready for one more parameter."""
    given = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
    kept = [(name, value) for name, value in given if name not in ("skip", "cursor")]
    return f"{urlencode(kept)}&" if kept else ""
