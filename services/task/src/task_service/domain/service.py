"""What a caller can do with tasks. Each call sees the tasks of one owner only."""

from collections.abc import Iterable
from typing import Protocol

from task_service.domain.errors import KeyReusedError, TaskNotFoundError, VersionMismatchError
from task_service.domain.idempotency import Creation, fingerprint
from task_service.domain.pagination import Page, TaskQuery
from task_service.domain.statistics import Count, Statistics, summarise
from task_service.domain.task import Changes, Status, Task, Versions, normalise


class Repository(Protocol):
    """Where tasks are stored. Every change is stored when the call returns."""

    async def insert(self, owner_id: int, values: Changes) -> Task: ...

    async def insert_once(
        self, owner_id: int, values: Changes, key: str, fingerprint: bytes
    ) -> Creation:
        """Return what the owner created with this key: now, or before, even from other values."""

    async def find(self, owner_id: int, task_id: int) -> Task | None: ...

    async def select(self, owner_id: int, query: TaskQuery) -> list[str]:
        """Return each task as JSON, in order: those of the page, and one more if there is one.

        That one tells whether there is a next page, without a count.
        """

    async def counts(self, owner_id: int) -> tuple[Iterable[Count], int]:
        """Return the counts of the owner's tasks, and how many tasks are overdue."""

    async def exists(self, owner_id: int, task_id: int) -> bool: ...

    async def update(
        self, owner_id: int, task_id: int, changes: Changes, versions: Versions
    ) -> Task | None:
        """Return the changed task, or None if no task has the id and one of the versions."""

    async def delete(self, owner_id: int, task_id: int, versions: Versions) -> bool:
        """Move the task into the bin. Return False if none has the id and one of the versions."""

    async def restore(self, owner_id: int, task_id: int, versions: Versions) -> Task | None:
        """Take the task out of the bin, as a new version. None as for `update`."""

    async def exists_deleted(self, owner_id: int, task_id: int) -> bool: ...


class TaskService:
    """The use cases. Raises the errors of `domain.errors` and nothing else."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def create(self, owner_id: int, values: Changes, key: str | None = None) -> Creation:
        """Create a task. If the key created one before, return that one as it was then."""
        normalised = normalise(values)
        normalised.pop("is_completed", None)  # A new task is not done unless its status says so.
        requested = fingerprint(normalised)
        if key is None:
            return Creation(requested, await self._repository.insert(owner_id, normalised))
        creation = await self._repository.insert_once(owner_id, normalised, key, requested)
        if creation.fingerprint != requested:
            raise KeyReusedError
        return creation

    async def get(self, owner_id: int, task_id: int) -> Task:
        task = await self._repository.find(owner_id, task_id)
        if task is None:
            raise TaskNotFoundError(task_id)
        return task

    async def list_page(self, owner_id: int, query: TaskQuery) -> Page:
        found = await self._repository.select(owner_id, query)
        return Page(found[: query.limit], has_more=len(found) > query.limit)

    async def change(
        self, owner_id: int, task_id: int, changes: Changes, versions: Versions = None
    ) -> Task:
        """Set the fields given, leave the others. The same values again change nothing."""
        task = await self._repository.update(owner_id, task_id, normalise(changes), versions)
        if task is None:
            raise await self._refusal(owner_id, task_id, versions)
        return task

    async def complete(self, owner_id: int, task_id: int, versions: Versions = None) -> Task:
        return await self.change(owner_id, task_id, {"status": Status.DONE}, versions)

    async def reopen(self, owner_id: int, task_id: int, versions: Versions = None) -> Task:
        return await self.change(owner_id, task_id, {"status": Status.TODO}, versions)

    async def delete(self, owner_id: int, task_id: int, versions: Versions = None) -> None:
        if not await self._repository.delete(owner_id, task_id, versions):
            raise await self._refusal(owner_id, task_id, versions)

    async def restore(self, owner_id: int, task_id: int, versions: Versions = None) -> Task:
        """Take a task out of the bin. Return a task that is not in the bin as it is."""
        task = await self._repository.restore(owner_id, task_id, versions)
        if task is not None:
            return task
        if versions is not None and await self._repository.exists_deleted(owner_id, task_id):
            raise VersionMismatchError(task_id)
        return await self.change(owner_id, task_id, {}, versions)

    async def statistics(self, owner_id: int) -> Statistics:
        counts, overdue = await self._repository.counts(owner_id)
        return summarise(counts, overdue)

    async def _refusal(self, owner_id: int, task_id: int, versions: Versions) -> Exception:
        """Return the reason why a write found no task to change.

        A call that accepts any version found none at all, even if the task has come back since.
        """
        if versions is not None and await self._repository.exists(owner_id, task_id):
            return VersionMismatchError(task_id)
        return TaskNotFoundError(task_id)
