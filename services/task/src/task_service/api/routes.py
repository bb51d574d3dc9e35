"""The calls under /api/v1/tasks. Reads stay on the event loop, writes get a thread each."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Query, Request, Response, status
from pydantic import TypeAdapter

from servicekit.fields import Id32
from servicekit.openapi import BODY, Responses, problems
from servicekit.tokens import CurrentPrincipal
from task_service.api.listing import ListQuery
from task_service.api.preconditions import IfMatch, etag, is_fresh
from task_service.api.schemas import StatisticsOut, TaskChanges, TaskCreate, TaskOut
from task_service.domain.service import Tasks
from task_service.domain.statistics import Statistics
from task_service.domain.task import Task

_JSON = "application/json"
# Of a task that must be there and, with If-Match, be as it was.
_CHANGE = problems(404, 412, 422)
_FRESH: Responses = {304: {"description": "If-None-Match names the task as it is"}}
_STATISTICS = TypeAdapter(Statistics)

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"], responses=problems(401, 503))


async def _tasks(request: Request) -> Tasks:
    """A coroutine, because FastAPI sends a plain function to a thread of its own."""
    return _service(request)


def _service(request: Request) -> Tasks:
    """For the reads, which call it themselves: a dependency costs each about 10 µs."""
    service: Tasks = request.app.state.tasks
    return service


TaskService = Annotated[Tasks, Depends(_tasks)]


IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="Visible ASCII. For 24 hours the same key with the same body gets the same"
        " answer, and makes no second task",
    ),
]


@router.post("/", status_code=status.HTTP_201_CREATED, response_model=TaskOut, responses=BODY)
def create_task(
    body: TaskCreate,
    service: TaskService,
    principal: CurrentPrincipal,
    request: Request,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """An answer that the key had got before comes again with `Idempotent-Replayed: true`."""
    creation = service.create(principal.user_id, {**body}, idempotency_key)
    location = request.app.url_path_for("get_task", task_id=creation.task.id)
    headers = {"Location": location}
    if creation.replayed:
        headers["Idempotent-Replayed"] = "true"
    return _answer(creation.task, status.HTTP_201_CREATED, headers)


@router.get("/", response_model=list[TaskOut], responses=problems(422))
async def list_tasks(
    query: Annotated[ListQuery, Query()], principal: CurrentPrincipal, request: Request
) -> Response:
    """Newest first. While there is more, `Link` with rel="next" leads to the next page."""
    page = await _service(request).page(principal.user_id, query.to_domain())
    content = f"[{','.join(task.json for task in page.tasks)}]"
    headers = {}
    if page.more:
        cursor = query.cursor_after(page.tasks[-1])
        headers["Link"] = f'<{_following(request, cursor)}>; rel="next"'
    return Response(content, headers=headers, media_type=_JSON)


@router.get("/stats", response_model=StatisticsOut)
async def get_statistics(principal: CurrentPrincipal, request: Request) -> Response:
    statistics = await _service(request).statistics(principal.user_id)
    return Response(_STATISTICS.dump_json(statistics), media_type=_JSON)


@router.get(
    "/{task_id}",
    response_model=TaskOut,
    responses=problems(404, 422) | _FRESH,
)
async def get_task(
    task_id: Id32,
    principal: CurrentPrincipal,
    request: Request,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    task = await _service(request).get(principal.user_id, task_id)
    if is_fresh(task, if_none_match):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag(task)})
    return _answer(task)


@router.put("/{task_id}", response_model=TaskOut, name="put_task", responses=BODY | _CHANGE)
@router.patch("/{task_id}", response_model=TaskOut, responses=BODY | _CHANGE)
def change_task(
    task_id: Id32,
    body: TaskChanges,
    service: TaskService,
    principal: CurrentPrincipal,
    versions: IfMatch,
) -> Response:
    """Change the fields given and leave the others. PUT does the same as PATCH on purpose."""
    return _answer(service.change(principal.user_id, task_id, body, versions))


@router.delete("/{task_id}", status_code=status.HTTP_204_NO_CONTENT, responses=_CHANGE)
def delete_task(
    task_id: Id32, service: TaskService, principal: CurrentPrincipal, versions: IfMatch
) -> None:
    service.delete(principal.user_id, task_id, versions)


@router.patch("/{task_id}/complete", response_model=TaskOut, responses=_CHANGE)
def complete_task(
    task_id: Id32, service: TaskService, principal: CurrentPrincipal, versions: IfMatch
) -> Response:
    return _answer(service.complete(principal.user_id, task_id, versions))


@router.patch("/{task_id}/incomplete", response_model=TaskOut, responses=_CHANGE)
def reopen_task(
    task_id: Id32, service: TaskService, principal: CurrentPrincipal, versions: IfMatch
) -> Response:
    """Set the status to todo."""
    return _answer(service.reopen(principal.user_id, task_id, versions))


def _answer(
    task: Task, status_code: int = status.HTTP_200_OK, headers: Mapping[str, str] | None = None
) -> Response:
    """The task as it came from the database: FastAPI would check it in a thread of its own."""
    tagged = {**(headers or {}), "ETag": etag(task)}
    return Response(task.json, status_code, tagged, _JSON)


def _following(request: Request, cursor: str) -> str:
    """The same request behind the cursor, without its host: the gateway's is not ours."""
    given = request.query_params.multi_items()
    query = [(name, value) for name, value in given if name not in ("skip", "cursor")]
    return f"{request.url.path}?{urlencode([*query, ('cursor', cursor)])}"
