import os
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from tasktracker_cli.due import parse_due, relative
from tasktracker_cli.errors import UsageError


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setitem(os.environ, "TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "due"),
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
def test_a_date_is_the_end_of_its_day_and_a_naive_time_is_local(text: str, due: str) -> None:
    assert parse_due(text) == due


@pytest.mark.parametrize("text", ["", "tomorrow", "2030-02-30", "31.12.2030", "9999-12-31T23:59Z"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_due(text)
    assert "2030-12-31" in refused.value.hint


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
