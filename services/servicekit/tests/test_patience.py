"""patience: how long a request waits for a database that has gone."""

from servicekit.patience import Patience


def test_a_database_that_has_never_answered_is_not_waited_for() -> None:
    assert not Patience().is_left()


def test_the_wait_ends_some_seconds_after_the_first_failure_for_all_callers() -> None:
    now = [100.0]
    patience = Patience(5, lambda: now[0])
    patience.restore()
    now[0] = 200

    assert patience.is_left()
    now[0] = 204.9
    assert patience.is_left()
    now[0] = 205
    assert not patience.is_left()


def test_the_next_outage_is_waited_for_again() -> None:
    now = [100.0]
    patience = Patience(5, lambda: now[0])
    patience.restore()
    assert patience.is_left()
    now[0] = 110
    assert not patience.is_left()

    patience.restore()

    assert patience.is_left()
