"""Every query on sessions. A trigger notes the end of each."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import (
    Connection,
    Engine,
    Interval,
    LargeBinary,
    String,
    Uuid,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningInsert

from user_service.domain.refresh_tokens import Lineage, RefreshToken
from user_service.domain.sessions import NewSession, SessionInfo
from user_service.persistence.database import Database
from user_service.persistence.ended_sessions import prune_ended_sessions
from user_service.persistence.tables import sessions, users

# Each new session deletes more expired ones than it adds, and never many at once.
_PRUNED = 10
# A new session of an account that has so many ends the one that was unused for the longest time.
MOST = 100

_ALIVE = sessions.c.expires_at > func.now()


class SessionRepository:
    """Keeps sessions in PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._database = Database(engine)

    async def insert(self, session: NewSession) -> datetime | None:
        return await self._database.transaction(partial(_insert, session=session))

    async def lineage(self, session_id: UUID) -> Lineage | None:
        columns = sessions.c.digest, sessions.c.seal_key
        rows = await self._database.fetch(select(*columns).where(sessions.c.id == session_id))
        return Lineage(bytes(rows[0].digest), bytes(rows[0].seal_key)) if rows else None

    async def rotate(
        self, used: RefreshToken, following: RefreshToken
    ) -> tuple[int, datetime] | None:
        statement = (
            update(sessions)
            .where(sessions.c.id == used.session_id, sessions.c.digest == used.digest, _ALIVE)
            .values(digest=following.digest, used_at=func.now())
            .returning(sessions.c.user_id, sessions.c.expires_at)
        )
        rows = await self._database.fetch(statement)
        return (rows[0].user_id, rows[0].expires_at) if rows else None

    async def delete(self, session_id: UUID) -> int | None:
        statement = delete(sessions).where(sessions.c.id == session_id)
        rows = await self._database.fetch(statement.returning(sessions.c.user_id))
        return rows[0].user_id if rows else None

    async def list(self, account_id: int) -> Sequence[SessionInfo]:
        columns = (sessions.c.id, sessions.c.created_at, sessions.c.used_at, sessions.c.expires_at)
        statement = (
            select(*columns, sessions.c.program)
            .where(sessions.c.user_id == account_id, _ALIVE)
            .order_by(sessions.c.used_at.desc(), sessions.c.id)
        )
        return [SessionInfo(*row) for row in await self._database.fetch(statement)]

    async def delete_one(self, account_id: int, session_id: UUID) -> bool:
        statement = delete(sessions).where(
            sessions.c.user_id == account_id, sessions.c.id == session_id, _ALIVE
        )
        return await self._database.execute(statement) == 1

    async def delete_others(self, account_id: int, session_id: UUID | None) -> None:
        statement = delete(sessions).where(
            sessions.c.user_id == account_id, sessions.c.id != session_id
        )
        await self._database.execute(statement)


def end_sessions(connection: Connection, account_id: int, keep: RefreshToken | None = None) -> None:
    """End the account's sessions but the one of `keep`."""
    statement = delete(sessions).where(sessions.c.user_id == account_id)
    if keep is not None:
        kept = (sessions.c.id == keep.session_id) & (sessions.c.digest == keep.digest)
        statement = statement.where(~kept)
    connection.execute(statement)


def _insert(connection: Connection, session: NewSession) -> datetime | None:
    _prune(connection)
    end = connection.execute(_insertion(session)).scalar_one_or_none()
    _end_unused(connection, session.account.id)
    return end


def _insertion(session: NewSession) -> ReturningInsert[datetime]:
    """Return the statement that inserts, if the account is active and has the same password.

    Its lock on the account waits for a change of the password and for a deactivation. Those end
    only the sessions that they can see, so a new one must not appear beside them.
    """
    account, token = session.account, session.refresh_token
    columns = {
        "id": literal(token.session_id, Uuid),
        "user_id": users.c.id,
        "digest": literal(token.digest, LargeBinary),
        "seal_key": literal(session.key, LargeBinary),
        "program": literal(session.program, String),
        "expires_at": func.now() + literal(session.lifetime, Interval),
    }
    holder = (
        select(*columns.values())
        .where(users.c.id == account.id, users.c.hashed_password == account.hashed_password)
        .where(users.c.is_active)
        .with_for_update(read=True)
    )
    return insert(sessions).from_select([*columns], holder).returning(sessions.c.expires_at)


def _end_unused(connection: Connection, account_id: int) -> None:
    """End the account's sessions beyond the most that it may have."""
    beyond = (
        select(sessions.c.id)
        .where(sessions.c.user_id == account_id)
        .order_by(sessions.c.used_at.desc(), sessions.c.id)
        .offset(MOST)
    )
    connection.execute(delete(sessions).where(sessions.c.id.in_(beyond)))


def _prune(connection: Connection) -> None:
    """Delete some expired sessions, but none that another transaction has locked."""
    expired = (
        select(sessions.c.id)
        .where(sessions.c.expires_at <= func.now())
        .limit(_PRUNED)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(sessions).where(sessions.c.id.in_(expired)))
    prune_ended_sessions(connection, _PRUNED)
