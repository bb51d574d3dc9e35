"""The client of the task service, for its counts over the caller's tasks."""

import asyncio

import httpx
from pydantic import BaseModel, Field, NonNegativeInt, ValidationError

from servicekit.direct_client import Getter
from stats_service.domain.errors import TaskServiceUnavailableError, TokenRefusedError


class TaskCounts(BaseModel):
    """The answer of the task service to GET /api/v1/tasks/stats."""

    total_tasks: NonNegativeInt
    completed_tasks: NonNegativeInt
    pending_tasks: NonNegativeInt
    completion_percentage: float = Field(ge=0, le=100)
    overdue_tasks: NonNegativeInt
    by_status: dict[str, NonNegativeInt]
    by_priority: dict[str, NonNegativeInt]


TIMEOUT = 3.0  # seconds to connect, and between two parts of the answer
TIME_LIMIT = 8.0  # seconds for the whole call. It has two tries, and a machine may stand still.


class TaskServiceClient:
    """Asks the task service. `time_limit` is in seconds, for an answer that never ends."""

    def __init__(self, http: Getter, time_limit: float = TIME_LIMIT) -> None:
        self._http = http
        # Joined once: httpx takes longer to join a path to its base than to send the request.
        self._url = http.base_url.join("/api/v1/tasks/stats")
        self._time_limit = time_limit

    async def counts(self, token: str) -> TaskCounts:
        """Return the counts of the user whose token this is.

        Raises TokenRefusedError and TaskServiceUnavailableError.
        """
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with asyncio.timeout(self._time_limit):
                response = await self._http.get(self._url, headers=headers)
        except (httpx.HTTPError, TimeoutError) as error:
            raise TaskServiceUnavailableError from error
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise TokenRefusedError
        if response.status_code != httpx.codes.OK:
            raise TaskServiceUnavailableError
        try:
            return TaskCounts.model_validate_json(response.content)
        except ValidationError as error:
            raise TaskServiceUnavailableError from error
