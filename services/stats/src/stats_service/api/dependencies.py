"""What routes are given: who calls, and the client of the task service."""

from typing import Annotated

from fastapi import Depends

from servicekit.app_state import AppState
from servicekit.tokens import Caller, Principal
from stats_service.clients.task_service import TaskServiceClient

# Statistics are about tasks, and the task service needs the same scope.
ReaderDep = Annotated[Principal, Depends(Caller("tasks:read"))]
TaskServiceClientDep = Annotated[TaskServiceClient, Depends(AppState("task_service"))]
