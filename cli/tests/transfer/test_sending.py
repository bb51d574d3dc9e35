"""How rows are sent: without a gateway, so that its faults can be chosen."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from tasktracker_cli.errors import ConflictError, NotLoggedInError, UnavailableError, UsageError
from tasktracker_cli.transfer.reading import Row
from tasktracker_cli.transfer.sending import ATTEMPTS, CONNECTIONS, Sending, digest


def rows(count: int) -> list[Row]:
    return [Row(n, n, {}, {"title": str(n)}) for n in range(1, count + 1)]


class Server:
    """Makes each key's task once, after the faults that a test wants."""

    def __init__(self, *faults: Exception) -> None:
        self.made: dict[str, str] = {}
        self.calls = 0
        self._faults = list(faults)
        self._lock = threading.Lock()

    def create(self, fields: Mapping[str, Any], key: str) -> tuple[Any, bool]:
        with self._lock:
            self.calls += 1
            if self._faults:
                raise self._faults.pop(0)
            replayed = key in self.made
            self.made[key] = fields["title"]
            return {}, replayed


def busy(seconds: int = 0) -> UnavailableError:
    error = UnavailableError("Overloaded.", status=503)
    error.retry_after = seconds
    return error


def test_every_row_is_sent_once_and_a_second_time_it_is_there() -> None:
    server = Server()
    first = list(Sending(lambda: server, "file").outcomes(rows(50)))
    assert sorted(outcome.row.number for outcome in first) == list(range(1, 51))
    assert not any(outcome.replayed for outcome in first)
    assert all(outcome.replayed for outcome in Sending(lambda: server, "file").outcomes(rows(50)))
    assert len(server.made) == 50


def test_no_more_connections_than_rows_or_than_the_bound() -> None:
    connections = []

    def connect() -> Server:
        connections.append(1)
        return Server()

    list(Sending(connect, "file").outcomes(rows(2)))
    assert len(connections) == 2
    list(Sending(connect, "file").outcomes(rows(100)))
    assert len(connections) == 2 + CONNECTIONS


def test_a_fault_that_passes_is_waited_for() -> None:
    server = Server(busy(1), busy())
    [outcome] = Sending(lambda: server, "file").outcomes(rows(1))
    assert outcome.error is None
    assert server.calls == 3


@pytest.mark.parametrize(
    "error", [busy(61), NotLoggedInError("Expired."), ZeroDivisionError("A defect")]
)
def test_what_would_meet_every_row_ends_it(error: Exception) -> None:
    server = Server(error)
    with pytest.raises(type(error)):
        list(Sending(lambda: server, "file").outcomes(rows(1)))
    assert server.calls == 1


def test_a_fault_that_does_not_pass_ends_it() -> None:
    server = Server(*(busy() for _ in range(ATTEMPTS)))
    sending = Sending(lambda: server, "file", first_pause=0.001)
    with pytest.raises(UnavailableError):
        list(sending.outcomes(rows(1)))
    assert server.calls == ATTEMPTS


@pytest.mark.parametrize("error", [UsageError("Too long."), ConflictError("Taken.")])
def test_a_row_that_is_refused_does_not_stop_the_others(error: Exception) -> None:
    server = Server(error)
    outcomes = list(Sending(lambda: server, "file").outcomes(rows(9)))
    assert [outcome.error for outcome in outcomes if outcome.error] == [error]
    assert len(server.made) == 8


def test_who_stops_listening_stops_the_sending() -> None:
    server = Server()
    outcomes = Sending(lambda: server, "file").outcomes(rows(100_000))
    next(outcomes)
    outcomes.close()
    assert server.calls < 100_000
    assert not [thread for thread in threading.enumerate() if "_work" in thread.name]


def test_another_content_has_other_keys() -> None:
    server = Server()
    for content in (b"a", b"b"):
        list(Sending(lambda: server, digest(content)).outcomes(rows(3)))
    assert len(server.made) == 6
    assert all(len(key) < 255 and key.isascii() for key in server.made)
