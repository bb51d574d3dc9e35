"""Every query on personal access tokens. A trigger notes the end of each."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from servicekit import database
from user_service.domain.accounts import Account
from user_service.domain.errors import TooManyTokensError, WrongPasswordError
from user_service.domain.personal_tokens import Draft, Entry, Grant
from user_service.persistence.tables import personal_tokens, users

_ALIVE = personal_tokens.c.expires_at > func.now()
_ENTRY = (
    personal_tokens.c.id,
    personal_tokens.c.name,
    personal_tokens.c.scopes,
    personal_tokens.c.created_at,
    personal_tokens.c.used_at,
    personal_tokens.c.expires_at,
)
_GRANT = (
    personal_tokens.c.id,
    personal_tokens.c.user_id,
    personal_tokens.c.scopes,
    personal_tokens.c.expires_at,
)


class PersonalTokenRepository:
    """Keeps tokens in PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._autocommit = database.autocommit(engine)

    def insert(self, account: Account, draft: Draft, most: int) -> Entry:
        # Locked, so that two at once do not each take the last place, and that no deactivation and
        # no new password comes between the proof and the token.
        holder = (
            select(users.c.id)
            .where(users.c.id == account.id, users.c.hashed_password == account.hashed_password)
            .where(users.c.is_active)
            .with_for_update()
        )
        theirs = personal_tokens.c.user_id == account.id
        values = {
            "user_id": account.id,
            "name": draft.name,
            "scopes": " ".join(draft.scopes),
            "digest": draft.digest,
            "expires_at": func.now() + draft.lifetime,
        }
        with self._engine.begin() as connection:
            if connection.execute(holder).one_or_none() is None:
                raise WrongPasswordError
            connection.execute(delete(personal_tokens).where(theirs, ~_ALIVE))
            count = select(func.count()).select_from(personal_tokens).where(theirs)
            if connection.execute(count).scalar_one() >= most:
                raise TooManyTokensError
            made = insert(personal_tokens).values(values).returning(*_ENTRY)
            return _entry(connection.execute(made).one())

    def entries(self, account_id: int) -> list[Entry]:
        statement = (
            select(*_ENTRY)
            .where(personal_tokens.c.user_id == account_id, _ALIVE)
            .order_by(personal_tokens.c.created_at.desc(), personal_tokens.c.id)
        )
        with self._autocommit.connect() as connection:
            return [_entry(row) for row in connection.execute(statement)]

    def delete(self, account_id: int, token_id: UUID) -> bool:
        theirs = (
            (personal_tokens.c.user_id == account_id) & (personal_tokens.c.id == token_id) & _ALIVE
        )
        with self._autocommit.connect() as connection:
            return connection.execute(delete(personal_tokens).where(theirs)).rowcount == 1

    def use(self, digest: bytes) -> Grant | None:
        statement = (
            update(personal_tokens)
            .where(personal_tokens.c.digest == digest, _ALIVE)
            .where(personal_tokens.c.user_id == users.c.id, users.c.is_active)
            .values(used_at=func.now())
            .returning(*_GRANT)
        )
        with self._autocommit.connect() as connection:
            row = connection.execute(statement).one_or_none()
        return Grant(row.id, row.user_id, row.scopes.split(), row.expires_at) if row else None


def end_personal_tokens(connection: Connection, account_id: int) -> None:
    """End all tokens of the account."""
    connection.execute(delete(personal_tokens).where(personal_tokens.c.user_id == account_id))


def _entry(row: Row[*tuple[Any, ...]]) -> Entry:
    return Entry(row.id, row.name, row.scopes.split(), row.created_at, row.used_at, row.expires_at)
