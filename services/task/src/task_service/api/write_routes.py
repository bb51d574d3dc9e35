"""The calls that create, change and delete tasks. FastAPI runs each in a thread of its own."""

from fastapi import APIRouter, Request, Response, status

from servicekit.fields import Id32
from servicekit.openapi import BODY, problems
from task_service.api.dependencies import IdempotencyKey, TaskServiceDep, VersionsDep, WriterDep
from task_service.api.responses import task_response
from task_service.api.schemas import TaskChanges, TaskCreate, TaskOut

# For a task that must exist and, with If-Match, must have one of these versions.
_CHANGE = problems(404, 412, 422)

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"], responses=problems(401, 403, 503))


@router.post("/", status_code=status.HTTP_201_CREATED, response_model=TaskOut, responses=BODY)
def create_task(
    body: TaskCreate,
    tasks: TaskServiceDep,
    principal: WriterDep,
    request: Request,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Create a task. An answer that the key got before has `Idempotent-Replayed: true`."""
    creation = tasks.create(principal.user_id, {**body}, idempotency_key)
    location = request.app.url_path_for("get_task", task_id=creation.task.id)
    headers = {"Location": location}
    if creation.replayed:
        headers["Idempotent-Replayed"] = "true"
    return task_response(creation.task, status.HTTP_201_CREATED, headers)


@router.put("/{task_id}", response_model=TaskOut, name="put_task", responses=BODY | _CHANGE)
@router.patch("/{task_id}", response_model=TaskOut, responses=BODY | _CHANGE)
def change_task(
    task_id: Id32,
    body: TaskChanges,
    tasks: TaskServiceDep,
    principal: WriterDep,
    versions: VersionsDep,
) -> Response:
    """Change the fields given and leave the others. PUT does the same as PATCH on purpose."""
    return task_response(tasks.change(principal.user_id, task_id, body, versions))


@router.delete("/{task_id}", status_code=status.HTTP_204_NO_CONTENT, responses=_CHANGE)
def delete_task(
    task_id: Id32, tasks: TaskServiceDep, principal: WriterDep, versions: VersionsDep
) -> None:
    """Put the task into the bin, where it is kept for a while; `restore` brings it back."""
    tasks.delete(principal.user_id, task_id, versions)


@router.post("/{task_id}/restore", response_model=TaskOut, responses=_CHANGE)
def restore_task(
    task_id: Id32, tasks: TaskServiceDep, principal: WriterDep, versions: VersionsDep
) -> Response:
    """Take the task out of the bin. A task that is not in the bin is returned as it is."""
    return task_response(tasks.restore(principal.user_id, task_id, versions))


@router.patch("/{task_id}/complete", response_model=TaskOut, responses=_CHANGE)
def complete_task(
    task_id: Id32, tasks: TaskServiceDep, principal: WriterDep, versions: VersionsDep
) -> Response:
    """Set the status to done."""
    return task_response(tasks.complete(principal.user_id, task_id, versions))


@router.patch("/{task_id}/incomplete", response_model=TaskOut, responses=_CHANGE)
def reopen_task(
    task_id: Id32, tasks: TaskServiceDep, principal: WriterDep, versions: VersionsDep
) -> Response:
    """Set the status to todo."""
    return task_response(tasks.reopen(principal.user_id, task_id, versions))
