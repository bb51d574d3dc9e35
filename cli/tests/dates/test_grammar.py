"""Phrases that hypothesis makes of the grammar, against an oracle; and words outside it."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.tests.dates.oracle import Said, instant, sayings
from tasktracker_cli.dates.phrases import LONGEST
from tasktracker_cli.dates.reading import parse_due
from tasktracker_cli.dates.words import VOCABULARY
from tasktracker_cli.errors import UsageError
from tasktracker_cli.terminal.relative_times import full_date

ZONES = ("Asia/Kolkata", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")
BOUNDED = settings(max_examples=400, derandomize=True, deadline=None, database=None)
# How many phrases an exploration tries: ./just fuzz
EXPLORED = settings(
    max_examples=int(os.environ.get("TASKTRACKER_FUZZ_EXAMPLES", "5000")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2032, 12, 31))  # noqa: DTZ001 - local


@st.composite
def conversations(draw: Any) -> tuple[str, datetime, Said]:
    """Give a time zone, the local time there, and what somebody says then."""
    zone = draw(st.sampled_from(ZONES))
    moment = draw(MOMENTS).replace(microsecond=0, tzinfo=UTC)
    now = moment.astimezone(ZoneInfo(zone))
    return zone, now, draw(sayings(now))


def agree(conversation: tuple[str, datetime, Said]) -> None:
    zone, now, said = conversation
    move_to(zone)
    if len(said.phrase) > LONGEST:
        return
    due = parse_due(said.phrase, now, nothing_said)
    assert due.moment.astimezone(UTC) == instant(said, ZoneInfo(zone)), said.phrase
    assert due.whole_day == said.whole_day
    # What is shown back means the same, whether a program reads it or a person types it.
    assert parse_due(str(due), now, nothing_said).moment == due.moment
    once = due.moment.replace(tzinfo=None, second=0) + timedelta(0)
    if once.replace(tzinfo=ZoneInfo(zone), fold=0).utcoffset() == due.moment.utcoffset():
        shown = full_date(due, now).partition(" (")[0]
        seconds = timedelta(seconds=0 if due.whole_day else due.moment.second)
        assert parse_due(shown, now, nothing_said).moment == due.moment - seconds


def refuse(conversation: tuple[str, datetime, Said], stranger: str, place: int) -> None:
    """Refuse a phrase that has a word outside the grammar anywhere."""
    zone, now, said = conversation
    move_to(zone)
    words = said.phrase.split()
    words.insert(place % (len(words) + 1), stranger)
    with pytest.raises(UsageError) as refused:
        parse_due(" ".join(words), now, nothing_said)
    for phrase in re.findall("'([^']+)'", refused.value.hint.partition("See:")[0]):
        assert parse_due(phrase, now, nothing_said)


def understand_or_refuse(text: str, zone: str, now: datetime) -> None:
    """Whatever is typed is understood or refused, never anything else."""
    move_to(zone)
    with suppress(UsageError):
        due = parse_due(text, now.replace(tzinfo=ZoneInfo(zone)), nothing_said)
        assert parse_due(str(due), now.replace(tzinfo=ZoneInfo(zone)), nothing_said)


def is_stranger(word: str) -> bool:
    return word not in VOCABULARY


STRANGE_WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=9).filter(is_stranger)
SHUFFLED = st.lists(
    st.sampled_from([*VOCABULARY, "5", "17:00", "2031", "24.12.", "+"]),
    max_size=7,
).map(" ".join)


def test_a_phrase_means_what_the_oracle_says() -> None:
    BOUNDED(given(conversations())(agree))()


def test_a_word_outside_the_grammar_is_refused() -> None:
    BOUNDED(given(conversations(), STRANGE_WORDS, st.integers(0, 9))(refuse))()


def test_any_words_are_understood_or_refused() -> None:
    BOUNDED(given(SHUFFLED, st.sampled_from(ZONES), MOMENTS)(understand_or_refuse))()


@pytest.mark.fuzz
@pytest.mark.timeout(0)
def test_an_exploration_finds_no_phrase_that_means_anything_else() -> None:
    EXPLORED(given(conversations())(agree))()


@pytest.mark.fuzz
@pytest.mark.timeout(0)
def test_an_exploration_finds_nothing_that_is_neither_understood_nor_refused() -> None:
    texts = st.one_of(SHUFFLED, st.text(max_size=40))
    EXPLORED(given(conversations(), STRANGE_WORDS, st.integers(0, 9))(refuse))()
    EXPLORED(given(texts, st.sampled_from(ZONES), MOMENTS)(understand_or_refuse))()


@pytest.fixture(autouse=True)
def _back_home() -> Iterator[None]:
    """Come back to the time zone of before."""
    before = os.environ.get("TZ")
    yield
    move_to(before)


def move_to(zone: str | None) -> None:
    os.environ.pop("TZ", None)
    if zone is not None:
        os.environ["TZ"] = zone
    time.tzset()


def nothing_said(_separator: str) -> str:
    return ""
