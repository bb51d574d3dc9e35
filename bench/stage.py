"""The programs that the figures measure. They start on first use, and stop together."""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from types import TracebackType
from typing import Any

import psycopg

import user_service
from bench import databases, tokens
from bench.errors import BenchError
from bench.processes import serving
from bench.processor import Programs
from servicekit import logs, migrate
from servicekit.keys import shared
from servicekit.testing import postgres
from tasktracker_cluster.testing import throwaway
from tasktracker_cluster.testing.throwaway import ThrowawayCluster


class Stage:
    """A PostgreSQL with services, each at http://127.0.0.1:port, and a whole cluster."""

    def __init__(self, *, traces: bool = False) -> None:
        """Prepare nothing yet. With `traces` the cluster can store traces."""
        self._traces = traces
        self._exit = ExitStack()
        self._key = secrets.token_hex()
        self._pids: dict[str, int] = {}
        logs.configure("bench", "WARNING")

    def __enter__(self) -> "Stage":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exit.close()

    def bearer(self, user_id: int) -> dict[str, str]:
        """Return the Authorization header of a caller of these services."""
        return tokens.bearer(shared(self._key), user_id)

    @cached_property
    def tasks(self) -> str:
        """The address of a task service with 1,000 tasks."""
        return self._serve("task_service", DATABASE_URL=self._small)

    @cached_property
    def many_tasks(self) -> str:
        """The address of a task service with 1,000,000 tasks."""
        url = databases.create_tasks(self.server, "large", databases.LARGE)
        return self._serve("task_service", DATABASE_URL=url)

    @cached_property
    def peer(self) -> str:
        """The address of the minimal service (bench.peer) with the same 1,000 tasks."""
        return self._serve("bench.peer", DATABASE_URL=self._small)

    @cached_property
    def statistics(self) -> str:
        """The address of a stats service that calls `tasks`."""
        return self._serve("stats_service", TASK_SERVICE_URL=self.tasks)

    def pid(self, address: str) -> int:
        """Return the process id of the service at an address."""
        return self._pids[address]

    @property
    def task_programs(self) -> Programs:
        """The programs behind a request to `tasks`."""
        return {"task-service": self.pid(self.tasks), **self._postgres}

    @property
    def peer_programs(self) -> Programs:
        """The programs behind a request to `peer`."""
        return {"peer": self.pid(self.peer), **self._postgres}

    @contextmanager
    def task_service(self, database: str) -> Iterator[str]:
        """Run one more task service during the block, and give its address."""
        settings = {"SECRET_KEY": self._key, "DATABASE_URL": database}
        with serving("task_service", settings) as service:
            yield service.address

    @cached_property
    def users(self) -> str:
        """The address of a user service."""
        return self._exit.enter_context(self.temporary_users())

    @contextmanager
    def temporary_users(self) -> Iterator[str]:
        """Run a user service without accounts during the block, and give its address."""
        url = databases.create(self.server, f"users_{secrets.token_hex(4)}")
        migrate.upgrade(url, user_service.MIGRATIONS)
        with serving("user_service", {"SECRET_KEY": self._key, "DATABASE_URL": url}) as users:
            yield users.address

    @cached_property
    def cluster(self) -> ThrowawayCluster:
        """A cluster of the benchmark's own, not started.

        After its first use this process is in the cluster's network, and cannot reach the other
        services of this object.
        """
        if os.geteuid() != 0:
            raise BenchError("The figures of a whole cluster need root. Run: sudo ./just bench")
        return self._exit.enter_context(throwaway.installed(traces=self._traces))

    @cached_property
    def server(self) -> str:
        """The URL of PostgreSQL, without a database."""
        return self._exit.enter_context(postgres.running())

    @cached_property
    def _postgres(self) -> Programs:
        return {"PostgreSQL": databases.first_process(self.server)}

    @cached_property
    def watch(self) -> psycopg.Connection[Any]:
        """A connection to PostgreSQL that stays."""
        connection = psycopg.connect(f"{self.server}/postgres", autocommit=True)
        return self._exit.enter_context(connection)

    @cached_property
    def _small(self) -> str:
        return databases.create_tasks(self.server, "small", databases.SMALL)

    def _serve(self, module: str, **settings: str) -> str:
        settings["SECRET_KEY"] = self._key
        service = self._exit.enter_context(serving(module, settings))
        self._pids[service.address] = service.process.pid
        return service.address
