"""Each phrase of phrases.txt, in three time zones, against what was worked out by hand."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from tasktracker_cli.dates.reading import parse_due
from tasktracker_cli.errors import UsageError
from tasktracker_cli.topics import TOPICS

ZONES = ("Asia/Kolkata", "Europe/Berlin", "America/New_York")
NOW = datetime(2026, 10, 23, 14, 30)  # noqa: DTZ001 - it is local in each zone


class Row(NamedTuple):
    phrase: str
    expected: list[str]  # one for each zone


def rows() -> Iterator[Row]:
    for line in (Path(__file__).parent / "phrases.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            phrase, expected = (part.strip() for part in line.split("|"))
            each = [one.strip() for one in expected.split(";")]
            yield Row(phrase, each if len(each) == len(ZONES) else each * len(ZONES))


ROWS = list(rows())


def nothing_said(_separator: str) -> str:
    return ""


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("row", ROWS, ids=[row.phrase for row in ROWS])
def test_a_phrase_means_what_the_table_says(
    row: Row, zone: str, live_in: Callable[[str], None]
) -> None:
    live_in(zone)
    expected = row.expected[ZONES.index(zone)]
    now = NOW.replace(tzinfo=ZoneInfo(zone))
    if expected.startswith("?"):
        with pytest.raises(UsageError) as refused:
            parse_due(row.phrase, now, nothing_said)
        assert "tasktracker-cli help dates" in refused.value.hint
        assert offered(refused.value.hint) == offered_by_table(expected)
        for phrase in offered(refused.value.hint):
            assert parse_due(phrase, now, nothing_said)
        return
    due = parse_due(row.phrase, now, nothing_said)
    assert due.moment.astimezone(UTC) == instant(expected, zone)
    assert due.whole_day == (len(expected) == len("2026-10-23"))
    assert parse_due(str(due), now, nothing_said).moment == due.moment


def test_the_table_has_no_phrase_twice_and_enough_of_them() -> None:
    phrases = [row.phrase for row in ROWS]
    assert len(set(phrases)) == len(phrases) >= 250


def instant(expected: str, zone: str) -> datetime:
    """Return what the table says as a moment in UTC."""
    if len(expected) == len("2026-10-23"):
        expected += " 23:59:59"
    moment = datetime.fromisoformat(expected)
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def offered(hint: str) -> list[str]:
    return re.findall(r"'([^']*)'", hint) if hint.startswith("Say ") else []


def offered_by_table(expected: str) -> list[str]:
    return [phrase for phrase in expected.removeprefix("?").strip().split(" / ") if phrase]


def shown_by_help() -> list[str]:
    """Return the phrases in the left column of the topic."""
    lines = [line[:41] for line in TOPICS["dates"].text().splitlines() if line.startswith("  ")]
    return [phrase for line in lines for phrase in re.split(" {2,}", line.strip()) if phrase]


@pytest.mark.parametrize("phrase", shown_by_help())
def test_what_the_help_shows_is_understood(phrase: str, live_in: Callable[[str], None]) -> None:
    live_in("Europe/Berlin")
    assert parse_due(phrase, NOW.replace(tzinfo=ZoneInfo("Europe/Berlin")), nothing_said)


def test_the_help_shows_enough_of_the_grammar() -> None:
    assert len(shown_by_help()) > 40
