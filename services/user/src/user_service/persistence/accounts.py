"""Every query on accounts."""

from collections.abc import Mapping
from typing import Any, cast

import psycopg2
from sqlalchemy import (
    ColumnElement,
    Engine,
    Executable,
    RowMapping,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from servicekit import database
from user_service.domain.accounts import Account, Caller
from user_service.domain.errors import AccountConflictError, EmailTakenError, UsernameTakenError
from user_service.domain.refresh_tokens import RefreshToken
from user_service.persistence.sessions import end_sessions
from user_service.persistence.tables import EMAIL_INDEX, USERNAME_INDEX, sessions, users

COLUMNS = users.c
_TAKEN: dict[str | None, type[AccountConflictError]] = {
    EMAIL_INDEX.name: EmailTakenError,
    USERNAME_INDEX.name: UsernameTakenError,
}


class AccountRepository:
    """Keeps accounts in PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # For the calls that are one statement: one round trip instead of three.
        self._autocommit = database.autocommit(engine)

    def require_free(self, email: str, username: str) -> None:
        if self.find_by_email(email):
            raise EmailTakenError
        if self.find_by_username(username):
            raise UsernameTakenError

    def insert(
        self, *, email: str, username: str, full_name: str | None, hashed_password: str
    ) -> Account:
        values = {
            "email": email,
            "username": username,
            "full_name": full_name,
            "hashed_password": hashed_password,
        }
        [account] = self._write(insert(users).values(values).returning(*COLUMNS))
        return account

    def get_in_session(self, caller: Caller) -> Account | None:
        alive = exists().where(
            sessions.c.id == caller.session_id,
            sessions.c.user_id == users.c.id,
            sessions.c.expires_at > func.now(),
        )
        return self._find(users.c.id == caller.account_id, alive)

    def find_by_email(self, email: str) -> Account | None:
        return self._find(func.lower(users.c.email) == func.lower(email))

    def find_by_username(self, username: str) -> Account | None:
        return self._find(func.lower(users.c.username) == func.lower(username))

    def update(self, account_id: int, changes: Mapping[str, str | None]) -> Account | None:
        changed = update(users).where(users.c.id == account_id).values(changes).returning(*COLUMNS)
        return next(iter(self._write(changed)), None)

    def replace_password(
        self, account: Account, hashed_password: str, keep: RefreshToken | None
    ) -> bool:
        replaced = (
            update(users)
            .where(users.c.id == account.id, users.c.hashed_password == account.hashed_password)
            .where(users.c.is_active)
            .values(hashed_password=hashed_password)
        )
        with self._engine.begin() as connection:
            if connection.execute(replaced).rowcount == 0:
                return False
            end_sessions(connection, account.id, keep)
        return True

    def _find(self, *conditions: ColumnElement[bool]) -> Account | None:
        return next(iter(self._execute(select(*COLUMNS).where(*conditions))), None)

    def _write(self, statement: Executable) -> list[Account]:
        try:
            return self._execute(statement)
        except IntegrityError as error:
            cause = cast(psycopg2.Error, error.orig)
            raise _TAKEN[cause.diag.constraint_name] from error

    def _execute(self, statement: Executable) -> list[Account]:
        with self._autocommit.connect() as connection:
            return [account(row) for row in connection.execute(statement).mappings()]


def account(row: RowMapping) -> Account:
    """The account in a row of COLUMNS."""
    return Account(**cast(dict[str, Any], row))
