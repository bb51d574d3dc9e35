"""The calls under /api/v1/tasks. The hot ones are plain functions: one hop to a thread each."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response, status
from servicekit.fields import Id32
from servicekit.tokens import CurrentPrincipal

from task_service.api.preconditions import IfMatch, etag, is_fresh
from task_service.api.schemas import ListQuery, StatisticsOut, TaskChanges, TaskCreate, TaskOut
from task_service.domain.paging import Cursor
from task_service.domain.service import Tasks
from task_service.domain.statistics import Statistics
from task_service.domain.task import Task

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])


async def _tasks(request: Request) -> Tasks:
    """A coroutine, because FastAPI sends a plain function to a thread of its own."""
    service: Tasks = request.app.state.tasks
    return service


TaskService = Annotated[Tasks, Depends(_tasks)]


@router.post("/", status_code=status.HTTP_201_CREATED, response_model=TaskOut)
def create_task(
    body: TaskCreate,
    service: TaskService,
    principal: CurrentPrincipal,
    request: Request,
    response: Response,
) -> Task:
    task = service.create(principal.user_id, {**body})
    response.headers["Location"] = request.app.url_path_for("get_task", task_id=task.id)
    return _tagged(task, response)


@router.get("/", response_model=list[TaskOut])
def list_tasks(
    query: Annotated[ListQuery, Query()],
    service: TaskService,
    principal: CurrentPrincipal,
    request: Request,
    response: Response,
) -> list[Task]:
    """Newest first. While there is more, `Link` with rel="next" leads to the next page."""
    page = service.page(principal.user_id, query.to_domain())
    if page.following:
        response.headers["Link"] = f'<{_following(request, page.following)}>; rel="next"'
    return page.tasks


@router.get("/stats", response_model=StatisticsOut)
def get_statistics(service: TaskService, principal: CurrentPrincipal) -> Statistics:
    return service.statistics(principal.user_id)


@router.get(
    "/{task_id}",
    response_model=TaskOut,
    responses={304: {"description": "If-None-Match names the task as it is"}},
)
def get_task(
    task_id: Id32,
    service: TaskService,
    principal: CurrentPrincipal,
    response: Response,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Task | Response:
    task = service.get(principal.user_id, task_id)
    if is_fresh(task, if_none_match):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag(task)})
    return _tagged(task, response)


@router.put("/{task_id}", response_model=TaskOut)
@router.patch("/{task_id}", response_model=TaskOut)
def change_task(
    task_id: Id32,
    body: TaskChanges,
    service: TaskService,
    principal: CurrentPrincipal,
    versions: IfMatch,
    response: Response,
) -> Task:
    """Change the fields given and leave the others. PUT does the same as PATCH on purpose."""
    return _tagged(service.change(principal.user_id, task_id, body, versions), response)


@router.delete("/{task_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_task(
    task_id: Id32, service: TaskService, principal: CurrentPrincipal, versions: IfMatch
) -> None:
    service.delete(principal.user_id, task_id, versions)


@router.patch("/{task_id}/complete", response_model=TaskOut)
def complete_task(
    task_id: Id32,
    service: TaskService,
    principal: CurrentPrincipal,
    versions: IfMatch,
    response: Response,
) -> Task:
    return _tagged(service.complete(principal.user_id, task_id, versions), response)


@router.patch("/{task_id}/incomplete", response_model=TaskOut)
def reopen_task(
    task_id: Id32,
    service: TaskService,
    principal: CurrentPrincipal,
    versions: IfMatch,
    response: Response,
) -> Task:
    """Set the status to todo."""
    return _tagged(service.reopen(principal.user_id, task_id, versions), response)


def _tagged(task: Task, response: Response) -> Task:
    response.headers["ETag"] = etag(task)
    return task


def _following(request: Request, cursor: Cursor) -> str:
    """The same request behind the cursor, without its host: the gateway's is not ours."""
    url = request.url.remove_query_params("skip").include_query_params(cursor=cursor.encode())
    return f"{url.path}?{url.query}"
