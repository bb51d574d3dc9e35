"""The calls that create, change and delete tasks. They stay on the event loop."""

from fastapi import Response, status

from servicekit.fields import Id32
from servicekit.openapi import BODY, problems
from servicekit.route_class import DirectRouter
from task_service.api.dependencies import IdempotencyKey, IfMatch, TaskServiceDep, WriterDep
from task_service.api.preconditions import accepted_versions
from task_service.api.responses import task_response
from task_service.api.schemas import TaskChanges, TaskCreate, TaskOut

_PREFIX = "/api/v1/tasks"
# For a task that must exist and, with If-Match, must have one of these versions.
_CHANGE = problems(404, 412, 422)

router = DirectRouter(_PREFIX, ["tasks"], problems(401, 403, 503))


@router.post("/", status_code=status.HTTP_201_CREATED, response_model=TaskOut, responses=BODY)
async def create_task(
    body: TaskCreate,
    tasks: TaskServiceDep,
    principal: WriterDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Create a task. An answer that the key got before has `Idempotent-Replayed: true`."""
    creation = await tasks.create(principal.user_id, {**body}, idempotency_key)
    headers = {"Location": f"{_PREFIX}/{creation.task.id}"}
    if creation.replayed:
        headers["Idempotent-Replayed"] = "true"
    return task_response(creation.task, status.HTTP_201_CREATED, headers)


@router.put("/{task_id}", response_model=TaskOut, name="put_task", responses=BODY | _CHANGE)
@router.patch("/{task_id}", response_model=TaskOut, responses=BODY | _CHANGE)
async def change_task(
    task_id: Id32,
    body: TaskChanges,
    tasks: TaskServiceDep,
    principal: WriterDep,
    if_match: IfMatch = None,
) -> Response:
    """Change the fields given and leave the others. PUT does the same as PATCH on purpose."""
    versions = accepted_versions(if_match)
    return task_response(await tasks.change(principal.user_id, task_id, body, versions))


@router.delete("/{task_id}", status_code=status.HTTP_204_NO_CONTENT, responses=_CHANGE)
async def delete_task(
    task_id: Id32, tasks: TaskServiceDep, principal: WriterDep, if_match: IfMatch = None
) -> Response:
    """Put the task into the bin, where it is kept for a while; `restore` brings it back."""
    await tasks.delete(principal.user_id, task_id, accepted_versions(if_match))
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.post("/{task_id}/restore", response_model=TaskOut, responses=_CHANGE)
async def restore_task(
    task_id: Id32, tasks: TaskServiceDep, principal: WriterDep, if_match: IfMatch = None
) -> Response:
    """Take the task out of the bin. A task that is not in the bin is returned as it is."""
    versions = accepted_versions(if_match)
    return task_response(await tasks.restore(principal.user_id, task_id, versions))


@router.patch("/{task_id}/complete", response_model=TaskOut, responses=_CHANGE)
async def complete_task(
    task_id: Id32, tasks: TaskServiceDep, principal: WriterDep, if_match: IfMatch = None
) -> Response:
    """Set the status to done."""
    versions = accepted_versions(if_match)
    return task_response(await tasks.complete(principal.user_id, task_id, versions))


@router.patch("/{task_id}/incomplete", response_model=TaskOut, responses=_CHANGE)
async def reopen_task(
    task_id: Id32, tasks: TaskServiceDep, principal: WriterDep, if_match: IfMatch = None
) -> Response:
    """Set the status to todo."""
    versions = accepted_versions(if_match)
    return task_response(await tasks.reopen(principal.user_id, task_id, versions))
