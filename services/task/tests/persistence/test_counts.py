"""The counts that triggers keep are those that counting would give."""

import asyncio
import random
from collections import Counter

import psycopg2.errors
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from servicekit import migrate
from servicekit.settings import psycopg2_url
from servicekit.testing.plugin import MakeDatabase
from task_service import MIGRATIONS
from task_service.domain.errors import TaskNotFoundError
from task_service.domain.service import TaskService
from task_service.domain.task import Changes, Priority, Status
from task_service.persistence.tables import task_counts, tasks
from task_service.persistence.tasks import TaskRepository

OWNERS = range(2_000_001, 2_000_005)  # no other test's
CALLS, WORKERS = 500, 16

CHANGES: list[Changes] = [{"title": "b"}, {"priority": Priority.LOW}, {"is_completed": False}]


def _assert_counts_equal_a_recount(database: sa.Engine) -> int:
    """Check the counts of all owners. Return the number of tasks."""
    recount = sa.select(tasks.c.owner_id, tasks.c.status, tasks.c.priority, sa.func.count())
    grouped = recount.group_by(*list(recount.selected_columns)[:3])
    kept = sa.select(task_counts).where(task_counts.c.tasks != 0)
    with database.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        counted = set(map(tuple, connection.execute(grouped)))
        assert set(map(tuple, connection.execute(kept))) == counted
    return sum(count for *_, count in counted)


class _Client:
    """Makes random calls on tasks that others change at the same time."""

    def __init__(self, service: TaskService) -> None:
        self.service = service
        self.made: list[tuple[int, int]] = []
        self.outcomes: Counter[str] = Counter()

    async def call(self, seed: int) -> None:
        choose = random.Random(seed)
        name = choose.choice(["create", "create", "once", "update", "complete", "reopen", "delete"])
        try:
            await getattr(self, name)(choose)
        except TaskNotFoundError:
            name += " of a task that another call deleted"
        self.outcomes[name] += 1

    async def create(self, choose: random.Random) -> None:
        status, priority = choose.choice(list(Status)), choose.choice(list(Priority))
        await self._create(
            choose.choice(OWNERS), {"title": "a", "status": status, "priority": priority}
        )

    async def once(self, choose: random.Random) -> None:
        await self._create(choose.choice(OWNERS), {"title": "a"}, key=str(choose.randrange(5)))

    async def update(self, choose: random.Random) -> None:
        changes: list[Changes] = [
            {"title": "b"},
            {"priority": Priority.LOW},
            {"is_completed": False},
        ]
        await self.service.change(*self._one(choose), choose.choice(changes))

    async def complete(self, choose: random.Random) -> None:
        await self.service.complete(*self._one(choose))

    async def reopen(self, choose: random.Random) -> None:
        await self.service.reopen(*self._one(choose))

    async def delete(self, choose: random.Random) -> None:
        await self.service.delete(*self._one(choose))

    async def _create(self, owner: int, values: Changes, key: str | None = None) -> None:
        created = await self.service.create(owner, values, key)
        self.made.append((owner, created.task.id))

    def _one(self, choose: random.Random) -> tuple[int, int]:
        return choose.choice(self.made)


@pytest.mark.anyio
async def test_after_500_random_concurrent_calls_the_counts_equal_a_recount(
    database: sa.Engine, repository: TaskRepository
) -> None:
    client = _Client(TaskService(repository))
    for seed in range(WORKERS):
        await client.create(random.Random(seed))
    seeds = iter(range(CALLS))

    async def work() -> None:
        for seed in seeds:
            await client.call(seed)

    await asyncio.gather(*(work() for _ in range(WORKERS)))  # an error of any call ends the test

    assert client.outcomes.total() == CALLS
    assert min(client.outcomes[name] for name in ("create", "update", "complete", "delete")) > 20
    assert _assert_counts_equal_a_recount(database) > 0


@pytest.mark.anyio
async def test_many_concurrent_writes_of_one_owner_all_succeed(
    database: sa.Engine, repository: TaskRepository
) -> None:
    service, owner = TaskService(repository), OWNERS[-1] + 1

    async def work(number: int) -> None:
        for _ in range(10):
            values: Changes = {"title": "a", "status": list(Status)[number % 3]}
            created = await service.create(owner, values)
            await service.complete(owner, created.task.id)
            await service.reopen(owner, created.task.id)

    await asyncio.gather(*map(work, range(WORKERS)))

    of_owner = sa.select(task_counts.c.status, task_counts.c.tasks).where(
        task_counts.c.owner_id == owner, task_counts.c.tasks != 0
    )
    with database.connect() as connection:
        assert connection.execute(of_owner).all() == [(Status.TODO, 10 * WORKERS)]
    _assert_counts_equal_a_recount(database)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tasks SET status = 'done'",
        "UPDATE tasks SET status = CASE status WHEN 'done' THEN 'todo' ELSE status END",
        "UPDATE tasks SET owner_id = 1 + owner_id, priority = 'low'",
        "UPDATE tasks SET status = 'done' WHERE false",
        "DELETE FROM tasks WHERE id % 2 = 0",
    ],
)
def test_a_statement_over_many_owners_keeps_every_count(
    make_database: MakeDatabase, statement: str
) -> None:
    url = psycopg2_url(make_database("counts"))
    migrate.upgrade(url, MIGRATIONS)
    database = sa.create_engine(url, poolclass=sa.NullPool)
    with database.begin() as connection:
        connection.execute(sa.text(_MANY))
        connection.execute(sa.text(statement))

    assert _assert_counts_equal_a_recount(database) > 0


_MANY = (
    "INSERT INTO tasks (title, owner_id, status, priority) SELECT 'a', 1 + n % 7,"
    " (enum_range(NULL::task_status))[1 + n % 3], (enum_range(NULL::task_priority))[1 + n % 2]"
    " FROM generate_series(1, 200) n"
)


def test_tasks_from_before_the_counts_are_counted_by_the_migration(
    make_database: MakeDatabase,
) -> None:
    database = sa.create_engine(psycopg2_url(make_database("before")), poolclass=sa.NullPool)
    with database.connect() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        command.upgrade(config, "0002")
        connection.execute(sa.text(_MANY))
        connection.commit()
        command.upgrade(config, "head")

    assert _assert_counts_equal_a_recount(database) == 200


def test_the_applications_role_reads_the_counts_and_cannot_write_them(
    restricted_url: str,
) -> None:
    database = sa.create_engine(restricted_url, poolclass=sa.NullPool)
    owner = OWNERS[0]
    with database.begin() as connection:
        connection.execute(sa.insert(tasks).values(title="a", owner_id=owner))

    assert _assert_counts_equal_a_recount(database) > 0
    for write in (
        sa.update(task_counts).values(tasks=0),
        sa.delete(task_counts),
        sa.insert(task_counts).values(owner_id=owner, status="done", priority="low", tasks=7),
    ):
        with database.connect() as connection, pytest.raises(sa.exc.ProgrammingError) as refused:
            connection.execute(write)
        assert isinstance(refused.value.orig, psycopg2.errors.InsufficientPrivilege)
