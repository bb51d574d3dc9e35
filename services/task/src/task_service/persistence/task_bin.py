"""The bin: where deleted tasks are, and from where they can be restored."""

from sqlalchemy import CTE, Interval, bindparam, delete, func, insert, literal, select

from servicekit.pool import Statement
from task_service.persistence.columns import TASK_COLUMNS
from task_service.persistence.tables import deleted_tasks, tasks
from task_service.persistence.write_statements import one

# Each task that comes removes more expired tasks than it adds, but never many at once.
_PRUNE_LIMIT = 10

# What a task keeps when it moves. Its completion follows from the status.
_KEPT = ("id", "title", "description", "status", "priority", "due_date", "owner_id", "created_at")
_COLUMNS = (*_KEPT, "updated_at", "version")

_START = func.now() - bindparam("retention", type_=Interval)
# What is older is not in the bin any more, even if nothing has deleted it yet.
_THIS = [*one(deleted_tasks), deleted_tasks.c.deleted_at > _START]


def _pruned() -> CTE:
    """Delete some expired tasks, but none that another transaction is deleting."""
    expired = (
        select(deleted_tasks.c.id)
        .where(deleted_tasks.c.deleted_at <= _START)
        .limit(_PRUNE_LIMIT)
        .with_for_update(skip_locked=True)
    )
    return delete(deleted_tasks).where(deleted_tasks.c.id.in_(expired)).cte("pruned")


def _move_in() -> Statement:
    gone = delete(tasks).where(*one(tasks)).returning(*tasks.c).cte("gone")
    moved = select(*(gone.c[name] for name in _KEPT), gone.c.updated_at, gone.c.version + 1)
    move = insert(deleted_tasks).from_select(_COLUMNS, moved).returning(deleted_tasks.c.id)
    return Statement.of(move.add_cte(_pruned()))


def _move_out() -> Statement:
    back = delete(deleted_tasks).where(*_THIS).returning(*deleted_tasks.c).cte("back")
    moved = select(*(back.c[name] for name in _KEPT), func.now(), back.c.version + 1)
    return Statement.of(insert(tasks).from_select(_COLUMNS, moved).returning(*TASK_COLUMNS))


# Moves the task into the bin and returns its id. Also deletes some expired tasks.
MOVE_IN = _move_in()
# Moves the task back, as a new version, and returns it.
MOVE_OUT = _move_out()
# Returns a row if the task is in the bin.
CONTAINS = Statement.of(select(literal(1)).where(*_THIS))
