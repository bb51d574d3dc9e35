"""Every query on sessions that have ended. What notes them is a trigger."""

from datetime import timedelta

from sqlalchemy import BigInteger, Connection, Engine, String, case, cast, delete, func, select

from servicekit import database
from user_service.domain.ended_sessions import Ended
from user_service.persistence.tables import ended_sessions

# Nobody asks for older ones: no access token is good for longer than a day.
_LONGEST = timedelta(hours=25)

# Every transaction with a smaller number is over, and all it did can be seen.
_OVER = cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), String), BigInteger)


class EndedSessionRepository:
    """Reads in PostgreSQL what its trigger has noted."""

    def __init__(self, engine: Engine) -> None:
        self._autocommit = database.autocommit(engine)

    def since(self, position: int, kept: timedelta) -> Ended:
        # A position that lies ahead is of another database, from before a restore.
        first = case((position <= _OVER, position), else_=0)
        statement = select(_OVER, func.json_agg(ended_sessions.c.session_id)).where(
            ended_sessions.c.transaction >= first, ended_sessions.c.used_at > func.now() - kept
        )
        with self._autocommit.connect() as connection:
            following, sessions = connection.execute(statement).one()
        return Ended(following, sessions or [])


def prune_ended_sessions(connection: Connection, most: int) -> None:
    """Remove some that nobody asks for any more."""
    old = (
        select(ended_sessions.c.session_id)
        .where(ended_sessions.c.used_at <= func.now() - _LONGEST)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(ended_sessions).where(ended_sessions.c.session_id.in_(old)))
