"""Due dates in words: what is understood, and what is refused."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tasktracker_cli.dates.reading import parse_due, parse_iso
from tasktracker_cli.errors import UsageError
from tasktracker_cli.terminal.relative_times import full_date, relative_time


@pytest.fixture(autouse=True)
def _berlin(live_in: Callable[[str], None]) -> None:
    live_in("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone()


def due(text: str, now: str = "2026-11-23T14:30") -> str:
    """Parse on a Monday afternoon; give the local date, and the time if it is not a whole day."""
    parsed = parse_due(text, at(now))
    return f"{parsed.moment:%Y-%m-%d}" if parsed.whole_day else f"{parsed.moment:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2030-01-31", "2030-01-31T23:59:59+01:00"),
        ("2030-07-31", "2030-07-31T23:59:59+02:00"),
        ("20300131", "2030-01-31T23:59:59+01:00"),
        (" 2030-01-31 ", "2030-01-31T23:59:59+01:00"),
        ("2030-01-31T17:00", "2030-01-31T17:00:00+01:00"),
        ("2030-01-31 17:00", "2030-01-31T17:00:00+01:00"),
        ("2030-01-31T17:00Z", "2030-01-31T18:00:00+01:00"),
        ("2030-01-31T17:00+05:00", "2030-01-31T13:00:00+01:00"),
    ],
)
def test_a_date_is_the_end_of_its_day_and_a_naive_time_is_local(text: str, moment: str) -> None:
    assert str(parse_due(text, at("2026-11-23T14:30"))) == moment
    assert str(parse_iso(text)) == moment


def test_a_weekday_is_within_the_next_seven_days_whatever_today_is() -> None:
    today = at("2027-01-20T23:30")
    for _ in range(50):
        for number, name in enumerate(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]):
            day = parse_due(name, today).moment
            assert day.weekday() == number
            assert 1 <= (day.date() - today.date()).days <= 7
        today += timedelta(days=1)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"])
@pytest.mark.parametrize("hour", ["00:10", "23:50"])
def test_today_is_the_users_own_day(live_in: Callable[[str], None], zone: str, hour: str) -> None:
    live_in(zone)
    now = f"2026-11-30T{hour}"
    assert due("today", now) == "2026-11-30"
    assert due("tomorrow", now) == "2026-12-01"
    assert due("+3d", now) == "2026-12-03"
    assert due("tomorrow 5pm", now) == "2026-12-01 17:00"


def test_a_time_that_the_clock_skips_is_moved_and_told() -> None:
    parsed = parse_due("2027-03-28 02:30", at("2027-03-27T12:00"))
    assert str(parsed) == "2027-03-28T03:30:00+02:00"
    assert "skips 02:30" in parsed.notes[0]


def test_a_time_that_comes_twice_is_the_first_and_told() -> None:
    parsed = parse_due("tomorrow 2:30am", at("2026-10-24T12:00"))
    assert str(parsed) == "2026-10-25T02:30:00+02:00"
    assert "twice" in parsed.notes[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("in 1 minute", "2026-10-25T02:31:00+01:00"), ("2:45am", "2026-10-26T02:45:00+01:00")],
)
def test_in_an_hour_that_comes_twice_now_is_the_one_that_it_is(text: str, expected: str) -> None:
    second = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin"))
    assert str(parse_due(text, second)) == expected


def test_hours_are_real_hours_and_days_are_days_when_the_clock_is_changed() -> None:
    assert due("+3h", "2027-03-28T00:30") == "2027-03-28 04:30"
    assert due("+1d", "2027-03-27T12:00") == "2027-03-28"
    assert due("tomorrow 9am", "2027-03-27T12:00") == "2027-03-28 09:00"


def test_a_moment_in_the_past_is_taken_and_told() -> None:
    assert parse_due("yesterday", at("2026-11-23T14:30")).notes == ("That is in the past.",)
    assert parse_due("2020-01-01", at("2026-11-23T14:30")).notes == ("That is in the past.",)
    assert parse_due("today", at("2026-11-23T14:30")).notes == ()


def test_a_weekday_that_is_today_says_that_it_is_the_one_in_a_week() -> None:
    parsed = parse_due("mon", at("2026-11-23T14:30"))
    assert parsed.notes == ("Today is a Monday: the one in a week is meant.",)
    assert parse_due("tue", at("2026-11-23T14:30")).notes == ()


def test_both_days_that_next_friday_could_be_are_named() -> None:
    with pytest.raises(UsageError) as refused:
        due("next friday", "2026-11-24T09:00")
    assert "Fri 27 Nov or Fri 4 Dec" in refused.value.message
    assert due("next friday", "2026-11-28T09:00") == "2026-12-04"


def test_midnight_is_the_end_of_the_day_and_told() -> None:
    parsed = parse_due("friday midnight", at("2026-11-23T14:30"))
    assert str(parsed) == "2026-11-28T00:00:00+01:00"
    assert parsed.notes == ("Midnight is the end of Friday.",)


def test_an_early_hour_without_am_is_told_to_be_in_the_morning() -> None:
    assert "05:30 in the morning" in parse_due("fri 5:30", at("2026-11-23T14:30")).notes[0]
    assert parse_due("fri 05:30", at("2026-11-23T14:30")).notes == ()
    assert parse_due("fri 9:30", at("2026-11-23T14:30")).notes == ()


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        ("2027-01-31", "in a month", "2027-02-28"),
        ("2028-01-31", "in a month", "2028-02-29"),
        ("2027-01-31", "in 2 months", "2027-03-31"),
        ("2027-01-31", "end of next month", "2027-02-28"),
        ("2027-03-31", "1 month ago", "2027-02-28"),
        ("2028-02-29", "in a year", "2029-02-28"),
        ("2028-02-29", "29 feb", "2028-02-29"),
        ("2027-12-31", "tomorrow", "2028-01-01"),
        ("2027-12-31", "eoy", "2027-12-31"),
        ("2027-12-31", "eom", "2027-12-31"),
        ("2027-12-31", "end of next month", "2028-01-31"),
        ("2027-12-31", "the 15th", "2028-01-15"),
        ("2027-12-31", "end of december", "2027-12-31"),
        ("2027-02-01", "the 30th", "2027-03-30"),
        ("2026-12-28", "monday next week", "2027-01-04"),
        ("2027-01-03", "eow", "2027-01-03"),
        ("2027-01-03", "start of next week", "2027-01-04"),
    ],
)
def test_the_ends_of_months_and_years(now: str, text: str, expected: str) -> None:
    assert due(text, f"{now}T12:00") == expected


def test_a_month_that_lacks_the_day_gives_its_last_and_says_so() -> None:
    parsed = parse_due("in a month", at("2027-01-31T12:00"))
    assert parsed.notes == ("February 2027 has 28 days: the last one is meant.",)


def test_a_day_that_is_another_in_the_zone_that_is_named_is_refused() -> None:
    assert due("tomorrow 5pm UTC", "2026-11-24T12:00") == "2026-11-25 18:00"
    with pytest.raises(UsageError, match="another day in that time zone"):
        due("tomorrow 5pm UTC", "2026-11-24T00:30")
    assert due("2026-11-25 5pm UTC", "2026-11-24T00:30") == "2026-11-25 18:00"


def test_a_long_text_is_refused() -> None:
    with pytest.raises(UsageError, match="100 characters"):
        due("tomorrow " * 1000)


@pytest.mark.parametrize("text", ["9999-12-31T23:59Z", "0001-01-01T00:00", "9999 years"])
def test_a_date_beyond_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        due(text)
    assert "2030-12-31" in refused.value.hint


def test_before_and_after_a_day_leave_the_day_out() -> None:
    friday = parse_due("fri", at("2026-11-23T14:30"))
    assert friday.before() == at("2026-11-27T00:00")
    assert friday.after() == at("2026-11-28T00:00")
    five = parse_due("fri 5pm", at("2026-11-23T14:30"))
    assert five.before() == five.after() == at("2026-11-27T17:00")


@pytest.mark.parametrize(
    ("due", "words"),
    [
        ("2030-06-15T23:59:59", "today"),
        ("2030-06-15T09:00", "today 09:00"),
        ("2030-06-16T08:30", "tomorrow 08:30"),
        ("2030-06-14T23:59:59", "yesterday"),
        ("2030-06-18T23:59:59", "in 3 days"),
        ("2030-06-17T09:00", "Mon 09:00"),
        ("2030-06-21T09:00", "Fri 09:00"),
        ("2030-06-22T09:00", "22 Jun 09:00"),
        ("2030-06-22T23:59:59", "in 7 days"),
        ("2030-03-01T12:00", "1 Mar"),
        ("2030-06-10T12:00", "5 days ago"),
        ("2030-09-01T12:00", "1 Sep 12:00"),
        ("2030-09-01T23:59:59", "1 Sep"),
        ("2031-01-01T12:00", "1 Jan 2031"),
    ],
)
def test_a_moment_is_said_as_people_say_it(due: str, words: str) -> None:
    now = datetime.fromisoformat("2030-06-15T12:00").astimezone()
    assert relative_time(datetime.fromisoformat(due).astimezone(), now) == words


def test_a_due_date_is_said_in_full() -> None:
    now = at("2026-11-23T14:30")
    assert full_date(parse_due("fri 5pm", now), now) == "Fri 27 Nov 2026, 17:00 (in 4 days)"
    assert full_date(parse_due("tomorrow", now), now) == "Tue 24 Nov 2026 (tomorrow)"
