"""How a task is answered."""

from collections.abc import Mapping

from fastapi import Response, status

from task_service.api.preconditions import etag
from task_service.domain.task import Task

JSON = "application/json"


def one(
    task: Task, status_code: int = status.HTTP_200_OK, headers: Mapping[str, str] | None = None
) -> Response:
    """The task as it came from the database: FastAPI would check it in a thread of its own."""
    tagged = {**(headers or {}), "ETag": etag(task)}
    return Response(task.json, status_code, tagged, JSON)
