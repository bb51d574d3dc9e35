"""What a caller can do with tasks. Every call is about one owner's tasks only."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from task_service.domain.errors import KeyReusedError, TaskNotFoundError, VersionMismatchError
from task_service.domain.idempotency import Creation, fingerprint
from task_service.domain.paging import Page, Query
from task_service.domain.statistics import Count, Statistics, summarise
from task_service.domain.task import Changes, Status, Task, settle

Versions = frozenset[int] | None
"""The versions that a write accepts the task at; None accepts any."""


class Repository(Protocol):
    """Where tasks are kept. A call that returns has stored what it says it stored."""

    def insert(self, owner_id: int, values: Changes) -> Task: ...

    def insert_once(self, owner_id: int, values: Changes, key: str, fingerprint: bytes) -> Creation:
        """What the owner's key made: now, or before, and then possibly from other values."""

    async def find(self, owner_id: int, task_id: int) -> Task | None: ...

    async def select(self, owner_id: int, query: Query) -> list[Task]: ...

    async def counts(self, owner_id: int) -> tuple[Iterable[Count], int]:
        """The counts of the owner's tasks, and how many of these are overdue."""

    def exists(self, owner_id: int, task_id: int) -> bool: ...

    def update(
        self, owner_id: int, task_id: int, changes: Changes, versions: Versions
    ) -> Task | None: ...

    def delete(self, owner_id: int, task_id: int, versions: Versions) -> bool:
        """Put it into the bin."""

    def restore(self, owner_id: int, task_id: int, versions: Versions) -> Task | None:
        """Take it back from the bin, as a new version; None if it is not there at one of these."""

    def exists_deleted(self, owner_id: int, task_id: int) -> bool: ...


class Tasks:
    """The service itself. Raises the errors of `domain.errors` and nothing else.

    Reads are awaited; writes block, for a thread of their own.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def create(self, owner_id: int, values: Changes, key: str | None = None) -> Creation:
        """A new task; if the key made one before, that one as it was then."""
        settled = settle(values)
        settled.pop("is_completed", None)  # A new task is not done unless its status says so.
        asked = fingerprint(settled)
        if key is None:
            return Creation(asked, self._repository.insert(owner_id, settled))
        creation = self._repository.insert_once(owner_id, settled, key, asked)
        if creation.fingerprint != asked:
            raise KeyReusedError
        return creation

    async def get(self, owner_id: int, task_id: int) -> Task:
        task = await self._repository.find(owner_id, task_id)
        if task is None:
            raise TaskNotFoundError(task_id)
        return task

    async def page(self, owner_id: int, query: Query) -> Page:
        # One task more than asked for tells whether there is a next page, without a count.
        one_more = replace(query, limit=query.limit + 1)
        found = await self._repository.select(owner_id, one_more)
        return Page(found[: query.limit], more=len(found) > query.limit)

    def change(
        self, owner_id: int, task_id: int, changes: Changes, versions: Versions = None
    ) -> Task:
        """Set the fields given, leave the others; the same values again change nothing."""
        task = self._repository.update(owner_id, task_id, settle(changes), versions)
        if task is None:
            raise self._refusal(owner_id, task_id)
        return task

    def complete(self, owner_id: int, task_id: int, versions: Versions = None) -> Task:
        return self.change(owner_id, task_id, {"status": Status.DONE}, versions)

    def reopen(self, owner_id: int, task_id: int, versions: Versions = None) -> Task:
        return self.change(owner_id, task_id, {"status": Status.TODO}, versions)

    def delete(self, owner_id: int, task_id: int, versions: Versions = None) -> None:
        if not self._repository.delete(owner_id, task_id, versions):
            raise self._refusal(owner_id, task_id)

    def restore(self, owner_id: int, task_id: int, versions: Versions = None) -> Task:
        """Bring a deleted task back; one that is there is answered as it is."""
        task = self._repository.restore(owner_id, task_id, versions)
        if task is not None:
            return task
        if self._repository.exists_deleted(owner_id, task_id):
            raise VersionMismatchError(task_id)
        return self.change(owner_id, task_id, {}, versions)

    async def statistics(self, owner_id: int) -> Statistics:
        counts, overdue = await self._repository.counts(owner_id)
        return summarise(counts, overdue)

    def _refusal(self, owner_id: int, task_id: int) -> Exception:
        """Why a write found nothing to change."""
        exists = self._repository.exists(owner_id, task_id)
        return VersionMismatchError(task_id) if exists else TaskNotFoundError(task_id)
