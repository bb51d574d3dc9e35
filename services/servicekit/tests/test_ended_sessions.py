"""The memory of ended sessions: its times and its capacity."""

from uuid import uuid4

from servicekit.ended_sessions import EndedSessions

A, B, C = uuid4(), uuid4(), uuid4()


def test_a_session_is_forgotten_when_its_time_is_over() -> None:
    now = 0.0
    ended = EndedSessions(clock=lambda: now)
    ended.add([A], 10)
    now = 5
    ended.add([A, B], 10)  # A comes again, and is over no later for that
    now = 10
    ended.add([], 10)
    assert (A in ended, B in ended) == (False, True)
    now = 15
    ended.add([], 10)
    assert len(ended) == 0


def test_too_many_displace_those_that_came_first() -> None:
    ended = EndedSessions(capacity=2)
    ended.add([A, B], 10)
    ended.add([C], 10)
    assert [each in ended for each in (A, B, C)] == [False, True, True]
