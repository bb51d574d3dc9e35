"""The response that holds one task."""

from collections.abc import Mapping

from fastapi import Response, status

from task_service.api.preconditions import etag
from task_service.domain.task import Task

JSON = "application/json"


def task_response(
    task: Task, status_code: int = status.HTTP_200_OK, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the task's JSON as the database wrote it.

    FastAPI would parse and check it again, in a thread of its own.
    """
    tagged = {**(headers or {}), "ETag": etag(task)}
    return Response(task.json, status_code, tagged, JSON)
