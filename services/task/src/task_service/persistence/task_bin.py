"""The bin: where deleted tasks are, and from where they can be restored."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import CTE, ColumnElement, Connection, delete, func, insert, literal, select

from task_service.domain.task import Task, Versions
from task_service.persistence.columns import TASK_COLUMNS, to_task
from task_service.persistence.tables import deleted_tasks, tasks

# Each task that comes removes more expired tasks than it adds, but never many at once.
_PRUNE_LIMIT = 10

# What a task keeps when it moves. Its completion follows from the status.
_KEPT = ("id", "title", "description", "status", "priority", "due_date", "owner_id", "created_at")
_COLUMNS = (*_KEPT, "updated_at", "version")


def move_in(
    connection: Connection, conditions: Sequence[ColumnElement[bool]], retention: timedelta
) -> bool:
    """Move the one task that meets the conditions into the bin. Return False if there is none.

    The same statement deletes some expired tasks.
    """
    gone = delete(tasks).where(*conditions).returning(*tasks.c).cte("gone")
    moved = select(*(gone.c[name] for name in _KEPT), gone.c.updated_at, gone.c.version + 1)
    statement = insert(deleted_tasks).from_select(_COLUMNS, moved).add_cte(_pruned(retention))
    return connection.execute(statement).rowcount == 1


def move_out(
    connection: Connection, owner_id: int, task_id: int, versions: Versions, retention: timedelta
) -> Task | None:
    """Move a task back, as a new version. None if the bin has none of these versions."""
    there = [*_one(owner_id, task_id, retention)]
    if versions is not None:
        there.append(deleted_tasks.c.version.in_(versions))
    back = delete(deleted_tasks).where(*there).returning(*deleted_tasks.c).cte("back")
    moved = select(*(back.c[name] for name in _KEPT), func.now(), back.c.version + 1)
    statement = insert(tasks).from_select(_COLUMNS, moved).returning(*TASK_COLUMNS)
    row = connection.execute(statement).one_or_none()
    return to_task(row) if row else None


def contains(connection: Connection, owner_id: int, task_id: int, retention: timedelta) -> bool:
    """Tell whether the task is in the bin and not expired."""
    found = connection.execute(select(literal(1)).where(*_one(owner_id, task_id, retention)))
    return found.first() is not None


def _pruned(retention: timedelta) -> CTE:
    """Delete some expired tasks, but none that another transaction is deleting."""
    expired = (
        select(deleted_tasks.c.id)
        .where(deleted_tasks.c.deleted_at <= func.now() - retention)
        .limit(_PRUNE_LIMIT)
        .with_for_update(skip_locked=True)
    )
    old = delete(deleted_tasks).where(deleted_tasks.c.id.in_(expired))
    return old.returning(deleted_tasks.c.id).cte("pruned")


def _one(owner_id: int, task_id: int, retention: timedelta) -> list[ColumnElement[bool]]:
    return [
        deleted_tasks.c.id == task_id,
        deleted_tasks.c.owner_id == owner_id,
        deleted_tasks.c.deleted_at > func.now() - retention,
    ]
