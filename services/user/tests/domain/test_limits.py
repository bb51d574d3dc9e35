"""The wait after each number of failures."""

from datetime import timedelta

import pytest

from user_service.domain.limits import Limits

LIMITS = Limits(per_account=10, per_client=100, registrations_per_client=50)
DAY = timedelta(days=1)


def seconds(wait: timedelta) -> float:
    return wait.total_seconds()


@pytest.mark.parametrize(
    ("failures", "wait"),
    [(0, 0), (9, 0), (10, 1), (11, 2), (12, 4), (15, 32), (16, 60), (99, 60), (100, 900)],
)
def test_a_known_client_waits_a_minute_at_most_until_a_hundred_failures(
    failures: int, wait: float
) -> None:
    assert seconds(LIMITS.known_client.wait(failures)) == wait


@pytest.mark.parametrize(
    ("failures", "wait"),
    [(9, 0), (10, 1), (19, 512), (20, 900), (99, 900), (100, 3600), (10**9, 3600)],
)
def test_other_clients_wait_longer_and_longer(failures: int, wait: float) -> None:
    assert seconds(LIMITS.other_clients.wait(failures)) == wait


@pytest.mark.parametrize(("failures", "wait"), [(99, 0), (100, 900), (200, 900)])
def test_a_client_that_failed_often_waits_for_a_quarter_of_an_hour(
    failures: int, wait: float
) -> None:
    assert seconds(LIMITS.client.wait(failures)) == wait


@pytest.mark.parametrize(("times", "wait"), [(49, 0), (50, 900)])
def test_registrations_have_a_limit_of_their_own(times: int, wait: float) -> None:
    assert seconds(LIMITS.registrations.wait(times)) == wait


def guesses_in(limited: str, days: int) -> int:
    """Return the number of guesses of a client that tries again after each wait."""
    limit = getattr(LIMITS, limited)
    clock, failures = timedelta(), 0
    while clock < days * DAY:
        failures += 1
        clock += limit.wait(failures)
    return failures


def test_guessing_stays_expensive() -> None:
    assert guesses_in("other_clients", days=1) <= 110
    assert guesses_in("other_clients", days=365) < 10_000
    assert guesses_in("known_client", days=1) < 200
    assert guesses_in("known_client", days=365) < 40_000
