"""Every query on sessions."""

from datetime import datetime
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

from servicekit import database
from user_service.domain import sessions as domain
from user_service.domain.refresh_tokens import Lineage, RefreshToken
from user_service.persistence.ended_sessions import prune_ended_sessions
from user_service.persistence.tables import sessions, users

# Each new session takes more expired ones away than it adds, and never many at once.
_PRUNED = 10
# The session that was unused the longest makes room: nobody keeps track of more.
MOST = 100  # of one account

_ALIVE = sessions.c.expires_at > func.now()


class SessionRepository:
    """Keeps sessions in PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # For the calls that are one statement: one round trip instead of three.
        self._autocommit = database.autocommit(engine)

    def insert(self, opening: domain.Opening) -> datetime | None:
        account, token = opening.account, opening.refresh_token
        # The lock waits for a change of the password or a deactivation, which ends sessions that
        # it sees: one that it cannot see yet must not be opened behind its back.
        holder = (
            select(
                literal(token.session_id, Uuid),
                users.c.id,
                literal(token.digest, LargeBinary),
                literal(opening.key, LargeBinary),
                literal(opening.program, String),
                func.now() + literal(opening.lifetime, Interval),
            )
            .where(users.c.id == account.id, users.c.hashed_password == account.hashed_password)
            .where(users.c.is_active)
            .with_for_update(read=True)
        )
        columns = ["id", "user_id", "digest", "seal_key", "program", "expires_at"]
        opened = insert(sessions).from_select(columns, holder).returning(sessions.c.expires_at)
        with self._engine.begin() as connection:
            _prune(connection)
            end = connection.execute(opened).scalar_one_or_none()
            _make_room(connection, account.id)
        return end

    def lineage(self, session_id: UUID) -> Lineage | None:
        statement = select(sessions.c.digest, sessions.c.seal_key).where(
            sessions.c.id == session_id
        )
        with self._autocommit.connect() as connection:
            row = connection.execute(statement).one_or_none()
        return Lineage(bytes(row.digest), bytes(row.seal_key)) if row else None

    def rotate(self, used: RefreshToken, following: RefreshToken) -> tuple[int, datetime] | None:
        statement = (
            update(sessions)
            .where(sessions.c.id == used.session_id, sessions.c.digest == used.digest, _ALIVE)
            .values(digest=following.digest, used_at=func.now())
            .returning(sessions.c.user_id, sessions.c.expires_at)
        )
        with self._engine.begin() as connection:
            row = connection.execute(statement).one_or_none()
        return (row.user_id, row.expires_at) if row else None

    def delete(self, session_id: UUID) -> int | None:
        statement = (
            delete(sessions).where(sessions.c.id == session_id).returning(sessions.c.user_id)
        )
        with self._engine.begin() as connection:
            return connection.execute(statement).scalar_one_or_none()

    def entries(self, account_id: int) -> list[domain.Entry]:
        columns = (sessions.c.id, sessions.c.created_at, sessions.c.used_at, sessions.c.expires_at)
        statement = (
            select(*columns, sessions.c.program)
            .where(sessions.c.user_id == account_id, _ALIVE)
            .order_by(sessions.c.used_at.desc(), sessions.c.id)
        )
        with self._autocommit.connect() as connection:
            return [domain.Entry(*row) for row in connection.execute(statement)]

    def delete_one(self, account_id: int, session_id: UUID) -> bool:
        theirs = (sessions.c.user_id == account_id) & (sessions.c.id == session_id) & _ALIVE
        with self._engine.begin() as connection:
            return connection.execute(delete(sessions).where(theirs)).rowcount == 1

    def delete_others(self, account_id: int, session_id: UUID | None) -> None:
        others = (sessions.c.user_id == account_id) & (sessions.c.id != session_id)
        with self._engine.begin() as connection:
            connection.execute(delete(sessions).where(others))


def end_sessions(connection: Connection, account_id: int, keep: RefreshToken | None = None) -> None:
    """End the account's sessions but the one that `keep` carries on."""
    statement = delete(sessions).where(sessions.c.user_id == account_id)
    if keep is not None:
        kept = (sessions.c.id == keep.session_id) & (sessions.c.digest == keep.digest)
        statement = statement.where(~kept)
    connection.execute(statement)


def _make_room(connection: Connection, account_id: int) -> None:
    """End the account's sessions beyond the most that it may have."""
    beyond = (
        select(sessions.c.id)
        .where(sessions.c.user_id == account_id)
        .order_by(sessions.c.used_at.desc(), sessions.c.id)
        .offset(MOST)
    )
    connection.execute(delete(sessions).where(sessions.c.id.in_(beyond)))


def _prune(connection: Connection) -> None:
    """Remove some expired sessions; those that another transaction is at are left to it."""
    expired = (
        select(sessions.c.id)
        .where(sessions.c.expires_at <= func.now())
        .limit(_PRUNED)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(sessions).where(sessions.c.id.in_(expired)))
    prune_ended_sessions(connection, _PRUNED)
