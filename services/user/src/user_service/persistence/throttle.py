"""Every query on the throttle's counters and known clients."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    LargeBinary,
    Update,
    case,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from user_service.domain.throttle import KNOWN_FOR, Counter
from user_service.persistence.database import Database
from user_service.persistence.tables import failed_sign_ins, known_clients

# Each new counter deletes more expired ones than it adds, and never many at once.
_PRUNED = 10
# How exact `seen_at` is: not every login has to write it.
_SEEN_STEP = timedelta(days=1)


class ThrottleRepository:
    """Counts in PostgreSQL, for all instances of the service together."""

    def __init__(self, engine: Engine) -> None:
        self._database = Database(engine)

    async def wait(self, counters: Sequence[Counter]) -> timedelta | None:
        digests = [_digest(each) for each in counters]
        statement = select(func.max(failed_sign_ins.c.blocked_until), func.now()).where(
            failed_sign_ins.c.blocked_until > func.now(), failed_sign_ins.c.digest.in_(digests)
        )
        [(until, now)] = await self._database.fetch(statement)
        return until - now if until else None

    async def add(self, counters: Sequence[Counter]) -> None:
        def work(connection: Connection) -> None:
            _prune(connection)
            # The order of the counters is always the same, so there are no deadlocks.
            for each in counters:
                failures = connection.execute(_add(each)).scalar_one()
                if wait := each.limit.wait(failures):
                    connection.execute(_block(each, wait))

        await self._database.transaction(work)

    async def reset(self, counter: Counter) -> None:
        statement = delete(failed_sign_ins).where(failed_sign_ins.c.digest == _digest(counter))
        await self._database.execute(statement)

    async def is_known(self, account_id: int, client: str) -> bool:
        statement = select(known_clients.c.user_id).where(
            known_clients.c.user_id == account_id,
            known_clients.c.client == client,
            known_clients.c.seen_at > func.now() - KNOWN_FOR,
        )
        return len(await self._database.fetch(statement)) > 0

    async def remember(self, account_id: int, client: str) -> None:
        forgotten = delete(known_clients).where(
            known_clients.c.user_id == account_id,
            known_clients.c.seen_at <= func.now() - KNOWN_FOR,
        )
        seen = insert(known_clients).values(user_id=account_id, client=client)
        seen = seen.on_conflict_do_update(
            index_elements=["user_id", "client"],
            set_={"seen_at": func.now()},
            where=known_clients.c.seen_at <= func.now() - _SEEN_STEP,
        )

        def work(connection: Connection) -> None:
            connection.execute(forgotten)
            connection.execute(seen)

        await self._database.transaction(work)


def _add(counter: Counter) -> ReturningInsert[int]:
    end = func.now() + counter.limit.window
    new = insert(failed_sign_ins).values(digest=_digest(counter), failures=1, expires_at=end)
    expired = failed_sign_ins.c.expires_at <= func.now()
    kept = end if counter.limit.sliding else failed_sign_ins.c.expires_at
    return new.on_conflict_do_update(
        index_elements=[failed_sign_ins.c.digest],
        set_={
            "failures": case((expired, 1), else_=failed_sign_ins.c.failures + 1),
            "expires_at": case((expired, end), else_=kept),
        },
    ).returning(failed_sign_ins.c.failures)


def _block(counter: Counter, wait: timedelta) -> Update:
    until = func.now() + wait
    # A counter must not expire before its wait is over.
    kept = func.greatest(failed_sign_ins.c.expires_at, until)
    return (
        update(failed_sign_ins)
        .where(failed_sign_ins.c.digest == _digest(counter))
        .values(blocked_until=until, expires_at=kept)
    )


def _digest(counter: Counter) -> ColumnElement[bytes]:
    """Return the digest that stands for the counter's name in any case.

    The name itself is not stored, because people type passwords where a login name belongs. The
    database lowers the case, as it does where it finds the account.
    """
    lowered = func.lower(literal(counter.name))
    return func.sha256(func.convert_to(lowered, "UTF8"), type_=LargeBinary)


def _prune(connection: Connection) -> None:
    """Delete some expired counters, but none that another transaction has locked."""
    expired = (
        select(failed_sign_ins.c.digest)
        .where(failed_sign_ins.c.expires_at <= func.now())
        .limit(_PRUNED)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(failed_sign_ins).where(failed_sign_ins.c.digest.in_(expired)))
