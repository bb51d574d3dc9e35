"""Creations by owner and key, stored in the same statement as their task."""

from functools import lru_cache

from sqlalchemy import CTE, bindparam, delete, func, insert, select, tuple_

from servicekit.pool import Statement
from task_service.domain.idempotency import KEY_LIFETIME
from task_service.persistence.tables import idempotency_keys as keys
from task_service.persistence.write_statements import insertion

# Each new key removes more expired keys than it adds, but never many at once.
_PRUNE_LIMIT = 10

_THIS = (keys.c.owner_id == bindparam("owner"), keys.c.key == bindparam("given_key"))
_HAS_EXPIRED = keys.c.created_at <= func.now() - KEY_LIFETIME

# What `given_key` of `owner` created, if anything. If it has expired, it becomes unknown.
FIND = Statement.of(
    select(keys.c.fingerprint, keys.c.task_id, keys.c.task_version, keys.c.task_json)
    .where(*_THIS, ~_HAS_EXPIRED)
    .add_cte(delete(keys).where(*_THIS, _HAS_EXPIRED).cte("expired"))
)


@lru_cache(maxsize=64)
def insert_once_statement(fields: frozenset[str]) -> Statement:
    """Return the statement that makes a task with these fields, and stores `key`.

    If the key is stored already, PostgreSQL raises a unique violation, and makes no task. Of two
    such statements at once the second one waits for the end of the first.
    """
    made = insertion(fields).cte("made")
    columns = ("owner_id", "key", "fingerprint", "task_id", "task_version", "task_json")
    given = [bindparam(name, type_=keys.c[name].type) for name in columns[:3]]
    record = insert(keys).from_select(columns, select(*given, *made.c))
    recorded = record.returning(keys.c.task_id, keys.c.task_version, keys.c.task_json)
    return Statement.of(recorded.add_cte(_pruned()))


def _pruned() -> CTE:
    """Delete some expired keys, but none that another transaction is deleting."""
    expired = (
        select(*keys.primary_key)
        .where(_HAS_EXPIRED)
        .limit(_PRUNE_LIMIT)
        .with_for_update(skip_locked=True)
    )
    old = delete(keys).where(tuple_(*keys.primary_key).in_(expired))
    return old.cte("pruned")
