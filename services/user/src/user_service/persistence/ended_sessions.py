"""Every query on sessions that have ended. What notes them is a trigger."""

from datetime import timedelta

from sqlalchemy import BigInteger, Connection, Engine, String, case, cast, delete, func, select

from servicekit import database
from user_service.domain.ended_sessions import Ended
from user_service.persistence.models import EndedSession

# Nobody asks for older ones: no access token is good for longer than a day.
_LONGEST = timedelta(hours=25)

# Every transaction with a smaller number is over, and all it did can be seen.
_OVER = cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), String), BigInteger)


class SqlEndedSessionStore:
    """Reads in PostgreSQL what its trigger has noted."""

    def __init__(self, engine: Engine) -> None:
        self._autocommit = database.autocommit(engine)

    def since(self, position: int, kept: timedelta) -> Ended:
        # A position that lies ahead is of another database, from before a restore.
        first = case((position <= _OVER, position), else_=0)
        statement = select(_OVER, func.json_agg(EndedSession.session_id)).where(
            EndedSession.transaction >= first, EndedSession.used_at > func.now() - kept
        )
        with self._autocommit.connect() as connection:
            following, sessions = connection.execute(statement).one()
        return Ended(following, sessions or [])


def prune(connection: Connection, most: int) -> None:
    """Remove some that nobody asks for any more."""
    old = (
        select(EndedSession.session_id)
        .where(EndedSession.used_at <= func.now() - _LONGEST)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(EndedSession).where(EndedSession.session_id.in_(old)))
