"""The calls that read tasks. They stay on the event loop."""

from typing import Annotated
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import APIRouter, Header, Query, Request, Response, status
from pydantic import TypeAdapter

from servicekit.fields import Id32
from servicekit.openapi import Responses, problems
from servicekit.query_strings import cached
from servicekit.route_class import ReadRoute
from task_service.api.answers import JSON, one
from task_service.api.callers import Reader
from task_service.api.listing import ListQuery
from task_service.api.preconditions import etag, is_fresh
from task_service.api.schemas import DeletedTaskOut, StatisticsOut, TaskOut
from task_service.domain.service import Tasks
from task_service.domain.statistics import Statistics

_FRESH: Responses = {304: {"description": "If-None-Match names the task as it is"}}
_STATISTICS = TypeAdapter(Statistics)

router = APIRouter(
    prefix="/api/v1/tasks", tags=["tasks"], responses=problems(401, 403, 503), route_class=ReadRoute
)


def _tasks(request: Request) -> Tasks:
    tasks: Tasks = request.app.state.tasks
    return tasks


@router.get("/", response_model=list[DeletedTaskOut | TaskOut], responses=problems(422))
async def list_tasks(
    query: Annotated[ListQuery, Query()], principal: Reader, request: Request
) -> Response:
    """Newest first. While there is more, `Link` with rel="next" leads to the next page."""
    page = await _tasks(request).page(principal.user_id, query.to_domain())
    content = f"[{','.join([task.json for task in page.tasks])}]"
    headers = {}
    if page.more:
        cursor = query.cursor_after(page.tasks[-1])
        headers["Link"] = f'<{_following(request, cursor)}>; rel="next"'
    return Response(content, headers=headers, media_type=JSON)


@router.get("/stats", response_model=StatisticsOut)
async def get_statistics(principal: Reader, request: Request) -> Response:
    statistics = await _tasks(request).statistics(principal.user_id)
    return Response(_STATISTICS.dump_json(statistics), media_type=JSON)


@router.get("/{task_id}", response_model=TaskOut, responses=problems(404, 422) | _FRESH)
async def get_task(
    task_id: Id32,
    principal: Reader,
    request: Request,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    task = await _tasks(request).get(principal.user_id, task_id)
    if is_fresh(task, if_none_match):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag(task)})
    return one(task)


def _following(request: Request, cursor: str) -> str:
    """The same request behind the cursor, without its host: the gateway's is not ours."""
    others = _unpositioned(request.scope["query_string"])
    return f"{quote(request.scope['path'])}?{others}cursor={quote(cursor)}"


@cached
def _unpositioned(query_string: bytes) -> str:
    """The query string without a position, ready for one to be added."""
    given = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
    kept = [(name, value) for name, value in given if name not in ("skip", "cursor")]
    return f"{urlencode(kept)}&" if kept else ""
