"""The tasks that were deleted, and their way back."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import CTE, ColumnElement, Connection, delete, func, insert, literal, select

from task_service.domain.service import Versions
from task_service.domain.task import Task
from task_service.persistence.documents import DOCUMENT, task
from task_service.persistence.tables import deleted_tasks, tasks

# Each task that comes takes more old ones away, and never many at once.
_PRUNED = 10

# What a task keeps on its way; its completion follows from the status.
_KEPT = ("id", "title", "description", "status", "priority", "due_date", "owner_id", "created_at")
_COLUMNS = (*_KEPT, "updated_at", "version")


def put(connection: Connection, conditions: Sequence[ColumnElement[bool]], kept: timedelta) -> bool:
    """Move the one task for which the conditions hold into the bin. False if there is none.

    Some of what was kept long enough leaves it in the same statement.
    """
    gone = delete(tasks).where(*conditions).returning(*tasks.c).cte("gone")
    moved = select(*(gone.c[name] for name in _KEPT), gone.c.updated_at, gone.c.version + 1)
    statement = insert(deleted_tasks).from_select(_COLUMNS, moved).add_cte(_pruned(kept))
    return connection.execute(statement).rowcount == 1


def take(
    connection: Connection, owner_id: int, task_id: int, versions: Versions, kept: timedelta
) -> Task | None:
    """Move a task back, as a new version of now. None if it is not there at one of these."""
    there = [*_one(owner_id, task_id, kept)]
    if versions is not None:
        there.append(deleted_tasks.c.version.in_(versions))
    back = delete(deleted_tasks).where(*there).returning(*deleted_tasks.c).cte("back")
    moved = select(*(back.c[name] for name in _KEPT), func.now(), back.c.version + 1)
    statement = insert(tasks).from_select(_COLUMNS, moved).returning(*DOCUMENT)
    row = connection.execute(statement).one_or_none()
    return task(row) if row else None


def holds(connection: Connection, owner_id: int, task_id: int, kept: timedelta) -> bool:
    found = connection.execute(select(literal(1)).where(*_one(owner_id, task_id, kept)))
    return found.first() is not None


def _pruned(kept: timedelta) -> CTE:
    """What another transaction is at is left to it."""
    expired = (
        select(deleted_tasks.c.id)
        .where(deleted_tasks.c.deleted_at <= func.now() - kept)
        .limit(_PRUNED)
        .with_for_update(skip_locked=True)
    )
    old = delete(deleted_tasks).where(deleted_tasks.c.id.in_(expired))
    return old.returning(deleted_tasks.c.id).cte("pruned")


def _one(owner_id: int, task_id: int, kept: timedelta) -> list[ColumnElement[bool]]:
    return [
        deleted_tasks.c.id == task_id,
        deleted_tasks.c.owner_id == owner_id,
        deleted_tasks.c.deleted_at > func.now() - kept,
    ]
