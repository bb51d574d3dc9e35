"""What routes are given: who calls, the service, and headers that mean something."""

from typing import Annotated

from fastapi import Depends, Header

from servicekit.app_state import AppState
from servicekit.tokens import Caller, Principal
from task_service.domain.service import TaskService

# A person who has logged in, or a personal access token with the scope.
ReaderDep = Annotated[Principal, Depends(Caller("tasks:read"))]
WriterDep = Annotated[Principal, Depends(Caller("tasks:write"))]

TaskServiceDep = Annotated[TaskService, Depends(AppState("tasks"))]

IfMatch = Annotated[str | None, Header()]
IfNoneMatch = Annotated[str | None, Header()]
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
