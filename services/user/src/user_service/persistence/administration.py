"""Every query that goes over all accounts."""

from collections.abc import Mapping

from sqlalchemy import Connection, Engine, func, or_, select, update

from user_service.domain.accounts import Account
from user_service.domain.errors import LastSuperuserError
from user_service.persistence.accounts import COLUMNS, account
from user_service.persistence.personal_tokens import end_personal_tokens
from user_service.persistence.sessions import end_sessions
from user_service.persistence.tables import users

_NAMES = (users.c.username, users.c.email, users.c.full_name)


class AdministrationRepository:
    """Administers accounts in PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def select(self, *, text: str | None, after: int, limit: int) -> list[Account]:
        statement = select(*COLUMNS).where(users.c.id > after).order_by(users.c.id).limit(limit)
        if text is not None:
            matches = (name.icontains(text, autoescape=True) for name in _NAMES)
            statement = statement.where(or_(*matches))
        with self._engine.connect() as connection:
            return [account(row) for row in connection.execute(statement).mappings()]

    def update(self, account_id: int, changes: Mapping[str, bool]) -> Account | None:
        # The id stays what it is: setting it makes a change of no field valid SQL, too.
        changed = update(users).where(users.c.id == account_id).values(id=account_id, **changes)
        with self._engine.begin() as connection:
            others = _superusers(connection) - {account_id}
            row = connection.execute(changed.returning(*COLUMNS)).mappings().one_or_none()
            if row is None:
                return None
            result = account(row)
            if not others and not (result.is_active and result.is_superuser):
                raise LastSuperuserError
            if not result.is_active:
                end_sessions(connection, account_id)
                end_personal_tokens(connection, account_id)
        return result

    def set(self, username: str, changes: Mapping[str, bool]) -> Account | None:
        """Set flags of the one with this name; None if there is none.

        For whoever runs the cluster: he may take the last superuser, since he can make another.
        """
        named = func.lower(users.c.username) == func.lower(username)
        changed = update(users).where(named).values(**changes).returning(*COLUMNS)
        with self._engine.begin() as connection:
            row = connection.execute(changed).mappings().one_or_none()
            if row is None:
                return None
            result = account(row)
            if not result.is_active:
                end_sessions(connection, result.id)
                end_personal_tokens(connection, result.id)
        return result


def _superusers(connection: Connection) -> set[int]:
    """Who can administer. They stay locked, so that no two of them remove each other at once."""
    statement = (
        select(users.c.id).where(users.c.is_superuser, users.c.is_active).order_by(users.c.id)
    )
    return set(connection.execute(statement.with_for_update()).scalars())
