import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from tasktracker_cli.editing.due import parse_due, parse_iso
from tasktracker_cli.errors import UsageError
from tasktracker_cli.terminal.moments import relative, spoken


@pytest.fixture
def live_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Move this process to a time zone until the test is over."""

    def move(zone: str) -> None:
        monkeypatch.setitem(os.environ, "TZ", zone)
        time.tzset()

    with monkeypatch.context() as monkeypatch:
        yield move
    time.tzset()


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("today", "2026-11-23"),
        ("Tomorrow", "2026-11-24"),
        ("day after tomorrow", "2026-11-25"),
        ("tomorrow 5pm", "2026-11-24 17:00"),
        ("tomorrow at 5 pm", "2026-11-24 17:00"),
        ("5pm tomorrow", "2026-11-24 17:00"),
        ("tomorrow 17:00", "2026-11-24 17:00"),
        ("tomorrow noon", "2026-11-24 12:00"),
        ("tomorrow morning", "2026-11-24 09:00"),
        ("today 18:30", "2026-11-23 18:30"),
        ("tonight", "2026-11-23 20:00"),
        ("5pm", "2026-11-23 17:00"),
        ("9am", "2026-11-24 09:00"),
        ("midnight", "2026-11-24 00:00"),
        ("12pm", "2026-11-24 12:00"),
        ("eod", "2026-11-23"),
        ("tue", "2026-11-24"),
        ("fri", "2026-11-27"),
        ("Friday 5pm", "2026-11-27 17:00"),
        ("fri 17:00", "2026-11-27 17:00"),
        ("on friday", "2026-11-27"),
        ("thurs", "2026-11-26"),
        ("weekend", "2026-11-28"),
        ("mon", "2026-11-30"),
        ("monday at noon", "2026-11-30 12:00"),
        ("next monday", "2026-11-30"),
        ("next friday 9:30am", "2026-11-27 09:30"),
        ("next week", "2026-11-30"),
        ("next month", "2026-12-23"),
        ("+3d", "2026-11-26"),
        ("3d", "2026-11-26"),
        ("in 3 days", "2026-11-26"),
        ("in three days at 5pm", "2026-11-26 17:00"),
        ("+2w", "2026-12-07"),
        ("in 2 weeks", "2026-12-07"),
        ("in a week", "2026-11-30"),
        ("in 2 weeks 9am", "2026-12-07 09:00"),
        ("+1mo", "2026-12-23"),
        ("1y", "2027-11-23"),
        ("+2h", "2026-11-23 16:30"),
        ("in an hour", "2026-11-23 15:30"),
        ("in 90 minutes", "2026-11-23 16:00"),
        ("1h30m", "2026-11-23 16:00"),
        ("in 1.5 hours", "2026-11-23 16:00"),
        ("24 dec", "2026-12-24"),
        ("Dec 24th", "2026-12-24"),
        ("december 24, 2027 6pm", "2027-12-24 18:00"),
        ("thu 24 dec", "2026-12-24"),
        ("jan 5", "2027-01-05"),
        ("24.12.2026", "2026-12-24"),
        ("12/24/2026", "2026-12-24"),
        ("2027-01-05 5pm", "2027-01-05 17:00"),
        ("5pm UTC", "2026-11-23 18:00"),
        ("yesterday", "2026-11-22"),
        ("3 days ago", "2026-11-20"),
    ],
)
def test_words_mean_what_people_mean_by_them(text: str, expected: str) -> None:
    assert due(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "banana",
        "someday",
        "fri banana",
        "tomorow",
        "every monday",
        "december",
        "2027",
        "5",
        "fri at 5",
        "2 fri",
        "the 24th",
        "1.5",
        "13pm",
        "25:00",
        "tomorrow 25:00",
        "12:60",
        "feb 30",
        "2030-02-30",
        "2030-13-01",
        "99999 days",
        "9999 years",
        "9999-12-31T23:59Z",
        "0001-01-01T00:00",
        "2000000000",
        "tue 24 dec",
        "1/2/2027",
        "\x00",
    ],
)
def test_what_could_only_be_guessed_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        due(text)
    assert "2030-12-31" in refused.value.hint


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


def test_hours_are_real_hours_and_days_are_days_when_the_clock_is_changed() -> None:
    assert due("+3h", "2027-03-28T00:30") == "2027-03-28 04:30"
    assert due("+1d", "2027-03-27T12:00") == "2027-03-28"
    assert due("tomorrow 9am", "2027-03-27T12:00") == "2027-03-28 09:00"


def test_a_moment_in_the_past_is_taken_and_told() -> None:
    assert parse_due("yesterday", at("2026-11-23T14:30")).notes == ("That is in the past.",)
    assert parse_due("2020-01-01", at("2026-11-23T14:30")).notes == ("That is in the past.",)
    assert parse_due("today", at("2026-11-23T14:30")).notes == ()


def test_next_friday_says_which_friday() -> None:
    assert "first Friday" in parse_due("next fri", at("2026-11-23T14:30")).notes[0]


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
        ("2030-06-10T12:00", "5 days ago"),
        ("2030-09-01T12:00", "1 Sep"),
        ("2031-01-01T12:00", "1 Jan 2031"),
    ],
)
def test_a_moment_is_said_as_people_say_it(due: str, words: str) -> None:
    now = datetime.fromisoformat("2030-06-15T12:00").astimezone()
    assert relative(datetime.fromisoformat(due).astimezone(), now) == words


def test_a_due_date_is_said_in_full() -> None:
    now = at("2026-11-23T14:30")
    assert spoken(parse_due("fri 5pm", now), now) == "Fri 27 Nov 2026, 17:00 (in 4 days)"
    assert spoken(parse_due("tomorrow", now), now) == "Tue 24 Nov 2026 (tomorrow)"
