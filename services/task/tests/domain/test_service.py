"""The use cases, where another client changes the task between two statements of one call."""

from collections.abc import Callable
from typing import Any

import pytest

from task_service.domain.errors import TaskNotFoundError, VersionMismatchError
from task_service.domain.service import TaskService
from task_service.domain.task import Versions


class MovingRepository:
    """Never has the task where a write looks for it, but has it when the write checks why."""

    def update(self, *_: Any) -> None: ...

    def restore(self, *_: Any) -> None: ...

    def delete(self, *_: Any) -> bool:
        return False

    def exists(self, *_: Any) -> bool:
        return True

    def exists_deleted(self, *_: Any) -> bool:
        return True


def writes() -> list[Callable[[Versions], object]]:
    service = TaskService(MovingRepository())  # type: ignore[arg-type]  # only what writes need
    return [
        lambda versions: service.change(1, 1, {"title": "a"}, versions),
        lambda versions: service.complete(1, 1, versions),
        lambda versions: service.delete(1, 1, versions),
        lambda versions: service.restore(1, 1, versions),
    ]


@pytest.mark.parametrize("write", writes())
def test_without_if_match_no_version_can_mismatch(write: Callable[[Versions], object]) -> None:
    with pytest.raises(TaskNotFoundError):
        write(None)


@pytest.mark.parametrize("write", writes())
def test_with_if_match_a_task_at_another_version_mismatches(
    write: Callable[[Versions], object],
) -> None:
    with pytest.raises(VersionMismatchError):
        write(frozenset({1}))
