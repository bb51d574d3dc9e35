"""Every query on accounts."""

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

import psycopg2
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Executable,
    Row,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from user_service.domain.accounts import Account, Caller
from user_service.domain.errors import AccountConflictError, EmailTakenError, UsernameTakenError
from user_service.domain.refresh_tokens import RefreshToken
from user_service.persistence.database import Database
from user_service.persistence.sessions import end_sessions
from user_service.persistence.tables import EMAIL_INDEX, USERNAME_INDEX, sessions, users

_TAKEN: dict[str | None, type[AccountConflictError]] = {
    EMAIL_INDEX.name: EmailTakenError,
    USERNAME_INDEX.name: UsernameTakenError,
}


class AccountRepository:
    """Keeps accounts in PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._database = Database(engine)

    async def require_free(self, email: str, username: str) -> None:
        if await self.find_by_email(email):
            raise EmailTakenError
        if await self.find_by_username(username):
            raise UsernameTakenError

    async def insert(
        self, *, email: str, username: str, full_name: str | None, hashed_password: str
    ) -> Account:
        values = {
            "email": email,
            "username": username,
            "full_name": full_name,
            "hashed_password": hashed_password,
        }
        [account] = await self._write(insert(users).values(values).returning(*users.c))
        return account

    async def get_in_session(self, caller: Caller) -> Account | None:
        alive = exists().where(
            sessions.c.id == caller.session_id,
            sessions.c.user_id == users.c.id,
            sessions.c.expires_at > func.now(),
        )
        return await self._find(users.c.id == caller.account_id, alive)

    async def find_by_email(self, email: str) -> Account | None:
        return await self._find(func.lower(users.c.email) == func.lower(email))

    async def find_by_username(self, username: str) -> Account | None:
        return await self._find(func.lower(users.c.username) == func.lower(username))

    async def update(self, account_id: int, changes: Mapping[str, str | None]) -> Account | None:
        statement = update(users).where(users.c.id == account_id).values(changes)
        return next(iter(await self._write(statement.returning(*users.c))), None)

    async def replace_password(
        self, account: Account, hashed_password: str, keep: RefreshToken | None
    ) -> bool:
        replace = partial(
            _replace_password, account=account, hashed_password=hashed_password, keep=keep
        )
        return await self._database.transaction(replace)

    async def _find(self, *conditions: ColumnElement[bool]) -> Account | None:
        rows = await self._database.fetch(select(*users.c).where(*conditions))
        return account_of(rows[0]) if rows else None

    async def _write(self, statement: Executable) -> list[Account]:
        try:
            return [account_of(row) for row in await self._database.fetch(statement)]
        except IntegrityError as error:
            cause = cast(psycopg2.Error, error.orig)
            raise _TAKEN[cause.diag.constraint_name] from error


def account_of(row: Row[*tuple[Any, ...]]) -> Account:
    """Return the account in a row of all columns of `users`."""
    return Account(**row._mapping)


def _replace_password(
    connection: Connection, account: Account, hashed_password: str, keep: RefreshToken | None
) -> bool:
    statement = (
        update(users)
        .where(users.c.id == account.id, users.c.hashed_password == account.hashed_password)
        .where(users.c.is_active)
        .values(hashed_password=hashed_password)
    )
    if connection.execute(statement).rowcount == 0:
        return False
    end_sessions(connection, account.id, keep)
    return True
