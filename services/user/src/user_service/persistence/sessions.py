"""Every query on sessions."""

from uuid import UUID

from sqlalchemy import (
    Connection,
    Engine,
    LargeBinary,
    Uuid,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from user_service.domain import sessions as domain
from user_service.domain.refresh_tokens import RefreshToken
from user_service.domain.sessions import LIFETIME
from user_service.persistence.models import Session, User

# Each new session takes more expired ones away than it adds, and never many at once.
_PRUNED = 10


class SqlSessionStore:
    """Keeps sessions in PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def insert(self, session: domain.Session) -> bool:
        account, token = session.account, session.refresh_token
        # The lock waits for a change of the password or a deactivation, which ends sessions that
        # it sees: one that it cannot see yet must not be opened behind its back.
        holder = (
            select(
                literal(token.session_id, Uuid),
                User.id,
                literal(token.digest, LargeBinary),
                func.now() + LIFETIME,
            )
            .where(User.id == account.id, User.hashed_password == account.hashed_password)
            .where(User.is_active)
            .with_for_update(read=True)
        )
        columns = ["id", "user_id", "digest", "expires_at"]
        with self._engine.begin() as connection:
            _prune(connection)
            return connection.execute(insert(Session).from_select(columns, holder)).rowcount == 1

    def rotate(self, used: RefreshToken, following: RefreshToken) -> int | None:
        statement = (
            update(Session)
            .where(Session.id == used.session_id, Session.digest == used.digest)
            .where(Session.expires_at > func.now())
            .values(digest=following.digest, expires_at=func.now() + LIFETIME)
            .returning(Session.user_id)
        )
        with self._engine.begin() as connection:
            return connection.execute(statement).scalar_one_or_none()

    def delete(self, session_id: UUID) -> bool:
        with self._engine.begin() as connection:
            return connection.execute(delete(Session).where(Session.id == session_id)).rowcount == 1


def end(connection: Connection, account_id: int, keep: RefreshToken | None = None) -> None:
    """End the account's sessions but the one that `keep` carries on."""
    statement = delete(Session).where(Session.user_id == account_id)
    if keep is not None:
        kept = (Session.id == keep.session_id) & (Session.digest == keep.digest)
        statement = statement.where(~kept)
    connection.execute(statement)


def _prune(connection: Connection) -> None:
    """Remove some expired sessions; those that another transaction is at are left to it."""
    expired = (
        select(Session.id)
        .where(Session.expires_at <= func.now())
        .limit(_PRUNED)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(Session).where(Session.id.in_(expired)))
