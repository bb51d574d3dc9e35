"""How rows are sent: without a gateway, so that its faults can be chosen."""

from collections.abc import Mapping
from typing import Any

import pytest

from cli.tests.conftest import TASK
from tasktracker_cli.errors import ConflictError, NotLoggedInError, UnavailableError, UsageError
from tasktracker_cli.gateway.tasks import Reply, Tasks
from tasktracker_cli.transfer.rows import Row
from tasktracker_cli.transfer.sending import ATTEMPTS, RowSender, digest


def rows(count: int) -> list[Row]:
    return [Row(n, n, {}, {"title": str(n)}) for n in range(1, count + 1)]


class Server:
    """Makes each key's task once, after the faults that a test wants."""

    def __init__(self, *faults: Exception) -> None:
        self.made: dict[str, int] = {}  # the number of each key's task
        self.titles: list[str] = []
        self.deleted: set[int] = set()
        self.calls = 0
        self._faults = list(faults)

    def create_once(self, fields: Mapping[str, Any], key: str) -> tuple[Any, bool]:
        self.calls += 1
        if self._faults:
            raise self._faults.pop(0)
        replayed = key in self.made
        if not replayed:
            self.titles.append(fields["title"])
        number = self.made.setdefault(key, len(self.titles))
        return {**TASK, "id": number}, replayed

    def exists(self, task_id: int) -> bool:
        return task_id not in self.deleted


def send(server: Server, count: int, file: str = "file", *, again: bool = False) -> list[Any]:
    paused: list[float] = []
    sending = RowSender(server, file, again=again, sleep=paused.append)
    return list(sending.outcomes(rows(count)))


def busy(seconds: int = 0) -> UnavailableError:
    error = UnavailableError("Overloaded.", status=503)
    error.retry_after = seconds
    return error


def test_every_row_is_sent_once_and_a_second_time_it_is_there() -> None:
    server = Server()
    assert not any(outcome.replayed for outcome in send(server, 50))
    assert all(outcome.replayed for outcome in send(server, 50))
    assert len(server.made) == 50


def test_rows_are_made_in_the_files_order() -> None:
    server = Server(busy())
    outcomes = send(server, 50)
    assert [outcome.row.number for outcome in outcomes] == list(range(1, 51))
    assert server.titles == [str(number) for number in range(1, 51)]


def test_what_was_deleted_since_is_told_and_made_again_only_on_request() -> None:
    server = Server()
    send(server, 3)
    server.deleted = {2}
    assert [one.deleted for one in send(server, 3)] == [False, True, False]
    assert len(server.titles) == 3
    assert [one.replayed for one in send(server, 3, again=True)] == [True, False, True]
    # However often it is run, and however often what it made is deleted.
    assert [one.replayed for one in send(server, 3, again=True)] == [True, True, True]
    server.deleted = {2, 4}
    assert [one.replayed for one in send(server, 3, again=True)] == [True, False, True]
    assert server.titles == ["1", "2", "3", "2", "2"]


def test_a_fault_that_passes_is_waited_for() -> None:
    server = Server(busy(1), busy())
    paused: list[float] = []
    told: list[str] = []
    sending = RowSender(server, "file", sleep=paused.append, tell=told.append)
    [outcome] = sending.outcomes(rows(1))
    assert outcome.error is None
    assert server.calls == 3
    assert paused == [1, 0.5]
    assert told == ["Overloaded. Trying again in 1 s."]


@pytest.mark.parametrize(
    "error", [busy(61), NotLoggedInError("Expired."), ZeroDivisionError("A defect")]
)
def test_what_would_meet_every_row_ends_it(error: Exception) -> None:
    server = Server(error)
    with pytest.raises(type(error)):
        send(server, 1)
    assert server.calls == 1


def test_a_fault_that_does_not_pass_ends_it() -> None:
    server = Server(*(busy() for _ in range(ATTEMPTS)))
    with pytest.raises(UnavailableError):
        send(server, 1)
    assert server.calls == ATTEMPTS


def test_attempts_do_not_multiply_with_those_of_a_single_create() -> None:
    calls = []

    class Away:
        def call(self, *request: Any, **_: Any) -> Reply:
            calls.append(request)
            raise busy()

    tasks = Tasks(Away(), sleep=lambda _: None)
    with pytest.raises(UnavailableError):
        list(RowSender(tasks, "file", sleep=lambda _: None).outcomes(rows(1)))
    assert len(calls) == ATTEMPTS


@pytest.mark.parametrize("error", [UsageError("Too long."), ConflictError("Taken.")])
def test_a_row_that_is_refused_does_not_stop_the_others(error: Exception) -> None:
    server = Server(error)
    assert [outcome.error for outcome in send(server, 9) if outcome.error] == [error]
    assert len(server.made) == 8


def test_another_content_has_other_keys() -> None:
    server = Server()
    for content in (b"a", b"b"):
        send(server, 3, digest(content))
    assert len(server.made) == 6
    assert all(len(key) < 255 and key.isascii() for key in server.made)
