"""The use cases, where another client changes the task between two statements of one call."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from task_service.domain.errors import TaskNotFoundError, VersionMismatchError
from task_service.domain.service import TaskService
from task_service.domain.task import Versions


class MovingRepository:
    """Never has the task where a write looks for it, but has it when the write checks why."""

    async def update(self, *_: Any) -> None: ...

    async def restore(self, *_: Any) -> None: ...

    async def delete(self, *_: Any) -> bool:
        return False

    async def exists(self, *_: Any) -> bool:
        return True

    async def exists_deleted(self, *_: Any) -> bool:
        return True


def writes() -> list[Callable[[Versions], Awaitable[object]]]:
    service = TaskService(MovingRepository())  # type: ignore[arg-type]  # only what writes need
    return [
        lambda versions: service.change(1, 1, {"title": "a"}, versions),
        lambda versions: service.complete(1, 1, versions),
        lambda versions: service.delete(1, 1, versions),
        lambda versions: service.restore(1, 1, versions),
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("write", writes())
async def test_without_if_match_no_version_can_mismatch(
    write: Callable[[Versions], Awaitable[object]],
) -> None:
    with pytest.raises(TaskNotFoundError):
        await write(None)


@pytest.mark.anyio
@pytest.mark.parametrize("write", writes())
async def test_with_if_match_a_task_at_another_version_mismatches(
    write: Callable[[Versions], Awaitable[object]],
) -> None:
    with pytest.raises(VersionMismatchError):
        await write(frozenset({1}))
