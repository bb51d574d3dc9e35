"""Creations by owner and key, stored in the same transaction as their task."""

from sqlalchemy import Connection, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from task_service.domain.idempotency import KEY_LIFETIME, Creation
from task_service.domain.task import Task
from task_service.persistence.tables import idempotency_keys as keys

# Each new key removes more expired keys than it adds, but never many at once.
_PRUNE_LIMIT = 10


def lock(connection: Connection, owner_id: int, key: str) -> None:
    """Let no other transaction look up this key until this one ends."""
    connection.execute(select(func.pg_advisory_xact_lock(owner_id, func.hashtext(key))))


def find(connection: Connection, owner_id: int, key: str) -> Creation | None:
    """Return what the key created, or None if it is unknown or expired."""
    statement = select(keys).where(
        keys.c.owner_id == owner_id,
        keys.c.key == key,
        keys.c.created_at > func.now() - KEY_LIFETIME,
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    task = Task(row.task_id, row.task_version, row.task_json)
    return Creation(bytes(row.fingerprint), task, replayed=True)


def record(connection: Connection, owner_id: int, key: str, creation: Creation) -> None:
    """Store the creation. The key must be locked and unknown; an expired one is replaced."""
    statement = insert(keys).values(
        owner_id=owner_id,
        key=key,
        fingerprint=creation.fingerprint,
        task_id=creation.task.id,
        task_version=creation.task.version,
        task_json=creation.task.json,
    )
    identity = list(keys.primary_key)
    replaced = {column.name: statement.excluded[column.name] for column in keys.c}
    connection.execute(statement.on_conflict_do_update(index_elements=identity, set_=replaced))


def prune(connection: Connection) -> None:
    """Delete some expired keys, but none that another transaction is deleting."""
    expired = (
        select(*keys.primary_key)
        .where(keys.c.created_at <= func.now() - KEY_LIFETIME)
        .limit(_PRUNE_LIMIT)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(keys).where(tuple_(*keys.primary_key).in_(expired)))
