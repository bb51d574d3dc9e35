"""Every query on personal access tokens. A trigger notes the end of each."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from user_service.domain.accounts import Account
from user_service.domain.errors import TooManyTokensError, WrongPasswordError
from user_service.domain.personal_tokens import Introspection, NewToken, PersonalToken
from user_service.persistence.database import Database
from user_service.persistence.tables import personal_tokens, users

_ALIVE = personal_tokens.c.expires_at > func.now()
_COLUMNS = (
    personal_tokens.c.id,
    personal_tokens.c.name,
    personal_tokens.c.scopes,
    personal_tokens.c.created_at,
    personal_tokens.c.used_at,
    personal_tokens.c.expires_at,
)


class PersonalTokenRepository:
    """Keeps tokens in PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._database = Database(engine)

    async def insert(self, account: Account, token: NewToken, most: int) -> PersonalToken:
        return await self._database.transaction(
            partial(_insert, account=account, token=token, most=most)
        )

    async def list(self, account_id: int) -> Sequence[PersonalToken]:
        statement = (
            select(*_COLUMNS)
            .where(personal_tokens.c.user_id == account_id, _ALIVE)
            .order_by(personal_tokens.c.created_at.desc(), personal_tokens.c.id)
        )
        return [_token(row) for row in await self._database.fetch(statement)]

    async def delete(self, account_id: int, token_id: UUID) -> bool:
        statement = delete(personal_tokens).where(
            personal_tokens.c.user_id == account_id, personal_tokens.c.id == token_id, _ALIVE
        )
        return await self._database.execute(statement) == 1

    async def use(self, digest: bytes) -> Introspection | None:
        statement = (
            update(personal_tokens)
            .where(personal_tokens.c.digest == digest, _ALIVE)
            .where(personal_tokens.c.user_id == users.c.id, users.c.is_active)
            .values(used_at=func.now())
            .returning(personal_tokens.c.user_id, *_COLUMNS)
        )
        for row in await self._database.fetch(statement):
            return Introspection(row.id, row.user_id, row.scopes.split(), row.expires_at)
        return None


def end_personal_tokens(connection: Connection, account_id: int) -> None:
    """End all tokens of the account."""
    connection.execute(delete(personal_tokens).where(personal_tokens.c.user_id == account_id))


def _insert(connection: Connection, account: Account, token: NewToken, most: int) -> PersonalToken:
    if not _lock(connection, account):
        raise WrongPasswordError
    owned = personal_tokens.c.user_id == account.id
    connection.execute(delete(personal_tokens).where(owned, ~_ALIVE))
    count = select(func.count()).select_from(personal_tokens).where(owned)
    if connection.execute(count).scalar_one() >= most:
        raise TooManyTokensError
    statement = insert(personal_tokens).values(
        user_id=account.id,
        name=token.name,
        scopes=" ".join(token.scopes),
        digest=token.digest,
        expires_at=func.now() + token.lifetime,
    )
    return _token(connection.execute(statement.returning(*_COLUMNS)).one())


def _lock(connection: Connection, account: Account) -> bool:
    """Return whether the account is active and has the same password, and keep it so.

    The lock is held until the transaction ends. It also makes two requests at once take two places.
    """
    statement = (
        select(users.c.id)
        .where(users.c.id == account.id, users.c.hashed_password == account.hashed_password)
        .where(users.c.is_active)
        .with_for_update()
    )
    return connection.execute(statement).one_or_none() is not None


def _token(row: Row[*tuple[Any, ...]]) -> PersonalToken:
    return PersonalToken(
        row.id, row.name, row.scopes.split(), row.created_at, row.used_at, row.expires_at
    )
