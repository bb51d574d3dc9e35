"""Every query on ended sessions. Triggers write them."""

from datetime import timedelta

from sqlalchemy import BigInteger, Connection, Engine, String, case, cast, delete, func, select

from user_service.domain.ended_sessions import Ended
from user_service.persistence.database import Database
from user_service.persistence.tables import ended_sessions

# No reader asks for older ones: an access token is good for a day at most.
_LONGEST = timedelta(hours=25)

# Every transaction with a smaller number is over, and what it did can be seen.
_FINISHED = cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), String), BigInteger)


class EndedSessionRepository:
    """Reads the ended sessions from PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._database = Database(engine)

    async def since(self, position: int, kept: timedelta) -> Ended:
        # A position ahead of this database is from another one, of before a restore.
        first = case((position <= _FINISHED, position), else_=0)
        statement = select(_FINISHED, func.json_agg(ended_sessions.c.session_id)).where(
            ended_sessions.c.transaction >= first, ended_sessions.c.used_at > func.now() - kept
        )
        [(following, sessions)] = await self._database.fetch(statement)
        return Ended(following, sessions or [])


def prune_ended_sessions(connection: Connection, most: int) -> None:
    """Delete up to `most` that no reader asks for any more."""
    old = (
        select(ended_sessions.c.session_id)
        .where(ended_sessions.c.used_at <= func.now() - _LONGEST)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(ended_sessions).where(ended_sessions.c.session_id.in_(old)))
