"""Every query on what is counted and on known clients."""

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

from servicekit import database
from user_service.domain.throttle import KNOWN, Counter
from user_service.persistence.tables import failed_sign_ins, known_clients

# Each new counter takes more expired ones away than it adds, and never many at once.
_PRUNED = 10
# How exactly it is known when a client was last seen: not every sign-in has to write it.
_SEEN_STEP = timedelta(days=1)


class ThrottleRepository:
    """Counts failures in PostgreSQL, for all instances of the service together."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._autocommit = database.autocommit(engine)

    def wait(self, counters: Sequence[Counter]) -> timedelta | None:
        digests = [_digest(each) for each in counters]
        statement = select(func.max(failed_sign_ins.c.blocked_until), func.now()).where(
            failed_sign_ins.c.blocked_until > func.now(), failed_sign_ins.c.digest.in_(digests)
        )
        with self._autocommit.connect() as connection:
            until, now = connection.execute(statement).one()
        return until - now if until else None

    def add(self, counters: Sequence[Counter]) -> None:
        with self._engine.begin() as connection:
            _prune(connection)
            # In the order of the counters, which is the same for all: nobody waits in a circle.
            for each in counters:
                failures = connection.execute(_add(each)).scalar_one()
                wait = each.limit.wait(failures)
                if wait:
                    connection.execute(_block(each, wait))

    def clear(self, counter: Counter) -> None:
        with self._autocommit.connect() as connection:
            connection.execute(
                delete(failed_sign_ins).where(failed_sign_ins.c.digest == _digest(counter))
            )

    def is_known(self, account_id: int, client: str) -> bool:
        statement = select(known_clients.c.user_id).where(
            known_clients.c.user_id == account_id,
            known_clients.c.client == client,
            known_clients.c.seen_at > func.now() - KNOWN,
        )
        with self._autocommit.connect() as connection:
            return connection.execute(statement).first() is not None

    def remember(self, account_id: int, client: str) -> None:
        forgotten = delete(known_clients).where(
            known_clients.c.user_id == account_id, known_clients.c.seen_at <= func.now() - KNOWN
        )
        seen = insert(known_clients).values(user_id=account_id, client=client)
        seen = seen.on_conflict_do_update(
            index_elements=["user_id", "client"],
            set_={"seen_at": func.now()},
            where=known_clients.c.seen_at <= func.now() - _SEEN_STEP,
        )
        with self._engine.begin() as connection:
            connection.execute(forgotten)
            connection.execute(seen)


def _add(counter: Counter) -> ReturningInsert[int]:
    memory = func.now() + counter.limit.memory
    new = insert(failed_sign_ins).values(digest=_digest(counter), failures=1, expires_at=memory)
    expired = failed_sign_ins.c.expires_at <= func.now()
    kept = memory if counter.limit.lasting else failed_sign_ins.c.expires_at
    return new.on_conflict_do_update(
        index_elements=[failed_sign_ins.c.digest],
        set_={
            "failures": case((expired, 1), else_=failed_sign_ins.c.failures + 1),
            "expires_at": case((expired, memory), else_=kept),
        },
    ).returning(failed_sign_ins.c.failures)


def _block(counter: Counter, wait: timedelta) -> Update:
    until = func.now() + wait
    # A counter is not forgotten while somebody has to wait for it.
    kept = func.greatest(failed_sign_ins.c.expires_at, until)
    return (
        update(failed_sign_ins)
        .where(failed_sign_ins.c.digest == _digest(counter))
        .values(blocked_until=until, expires_at=kept)
    )


def _digest(counter: Counter) -> ColumnElement[bytes]:
    """People type passwords where a name belongs: no text is kept.

    The database lowers the case, because it does so where it finds the account.
    """
    lowered = func.lower(literal(counter.name))
    return func.sha256(func.convert_to(lowered, "UTF8"), type_=LargeBinary)


def _prune(connection: Connection) -> None:
    """Remove some expired counters; those that another transaction is at are left to it."""
    expired = (
        select(failed_sign_ins.c.digest)
        .where(failed_sign_ins.c.expires_at <= func.now())
        .limit(_PRUNED)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(failed_sign_ins).where(failed_sign_ins.c.digest.in_(expired)))
