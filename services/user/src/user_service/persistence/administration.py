"""Every query over all accounts."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Connection, Engine, func, or_, select, update

from user_service.domain.accounts import Account
from user_service.domain.administration import Check
from user_service.persistence.accounts import account_of
from user_service.persistence.database import Database
from user_service.persistence.personal_tokens import end_personal_tokens
from user_service.persistence.sessions import end_sessions
from user_service.persistence.tables import users

_NAMES = (users.c.username, users.c.email, users.c.full_name)


class AdministrationRepository:
    """Administers accounts in PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._database = Database(engine)

    async def select(self, *, text: str | None, after: int, limit: int) -> list[Account]:
        statement = select(*users.c).where(users.c.id > after).order_by(users.c.id).limit(limit)
        if text is not None:
            matches = (name.icontains(text, autoescape=True) for name in _NAMES)
            statement = statement.where(or_(*matches))
        return [account_of(row) for row in await self._database.fetch(statement)]

    async def update(
        self, account_id: int, changes: Mapping[str, bool], check: Check
    ) -> Account | None:
        def work(connection: Connection) -> Account | None:
            others = _lock_superusers(connection) - {account_id}
            account = _set(connection, users.c.id == account_id, changes)
            if account is not None:
                check(account, len(others))
            return account

        return await self._database.transaction(work)

    async def update_by_username(
        self, username: str, changes: Mapping[str, bool]
    ) -> Account | None:
        """Set flags of the account with this username; None if there is none.

        For the cluster's operator, who may demote the last superuser and promote another.
        """
        named = func.lower(users.c.username) == func.lower(username)
        return await self._database.transaction(lambda connection: _set(connection, named, changes))


def _set(
    connection: Connection, named: ColumnElement[bool], changes: Mapping[str, bool]
) -> Account | None:
    # The id is set to itself, so that the statement is valid SQL without changes, too.
    statement = update(users).where(named).values(id=users.c.id, **changes).returning(*users.c)
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    account = account_of(row)
    if not account.is_active:
        end_sessions(connection, account.id)
        end_personal_tokens(connection, account.id)
    return account


def _lock_superusers(connection: Connection) -> set[int]:
    """Return the ids of the active superusers, and lock them until the transaction ends.

    So of two superusers who demote each other at once, the second waits for the first.
    """
    statement = select(users.c.id).where(users.c.is_superuser, users.c.is_active)
    locked = statement.order_by(users.c.id).with_for_update()
    return set(connection.execute(locked).scalars())
