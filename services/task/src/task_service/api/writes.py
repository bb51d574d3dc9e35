"""The calls that make, change and delete tasks. Each gets a thread of its own."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response, status

from servicekit.fields import Id32
from servicekit.openapi import BODY, problems
from task_service.api.answers import one
from task_service.api.callers import Writer
from task_service.api.preconditions import IfMatch
from task_service.api.schemas import TaskChanges, TaskCreate, TaskOut
from task_service.domain.service import Tasks

# Of a task that must be there and, with If-Match, be as it was.
_CHANGE = problems(404, 412, 422)

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"], responses=problems(401, 403, 503))


async def _tasks(request: Request) -> Tasks:
    """A coroutine, because FastAPI sends a plain function to a thread of its own."""
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
    principal: Writer,
    request: Request,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """An answer that the key had got before comes again with `Idempotent-Replayed: true`."""
    creation = service.create(principal.user_id, {**body}, idempotency_key)
    location = request.app.url_path_for("get_task", task_id=creation.task.id)
    headers = {"Location": location}
    if creation.replayed:
        headers["Idempotent-Replayed"] = "true"
    return one(creation.task, status.HTTP_201_CREATED, headers)


@router.put("/{task_id}", response_model=TaskOut, name="put_task", responses=BODY | _CHANGE)
@router.patch("/{task_id}", response_model=TaskOut, responses=BODY | _CHANGE)
def change_task(
    task_id: Id32,
    body: TaskChanges,
    service: TaskService,
    principal: Writer,
    versions: IfMatch,
) -> Response:
    """Change the fields given and leave the others. PUT does the same as PATCH on purpose."""
    return one(service.change(principal.user_id, task_id, body, versions))


@router.delete("/{task_id}", status_code=status.HTTP_204_NO_CONTENT, responses=_CHANGE)
def delete_task(task_id: Id32, service: TaskService, principal: Writer, versions: IfMatch) -> None:
    """Put the task into the bin, where it is kept for a while; `restore` brings it back."""
    service.delete(principal.user_id, task_id, versions)


@router.post("/{task_id}/restore", response_model=TaskOut, responses=_CHANGE)
def restore_task(
    task_id: Id32, service: TaskService, principal: Writer, versions: IfMatch
) -> Response:
    """Bring a deleted task back. One that is there already is answered as it is."""
    return one(service.restore(principal.user_id, task_id, versions))


@router.patch("/{task_id}/complete", response_model=TaskOut, responses=_CHANGE)
def complete_task(
    task_id: Id32, service: TaskService, principal: Writer, versions: IfMatch
) -> Response:
    return one(service.complete(principal.user_id, task_id, versions))


@router.patch("/{task_id}/incomplete", response_model=TaskOut, responses=_CHANGE)
def reopen_task(
    task_id: Id32, service: TaskService, principal: Writer, versions: IfMatch
) -> Response:
    """Set the status to todo."""
    return one(service.reopen(principal.user_id, task_id, versions))
