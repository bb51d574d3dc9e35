"""records.conditions: which records meet them, and which make no sense."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasktracker_cluster.errors import BadConditionError
from tasktracker_cluster.records.conditions import Conditions, moment
from tasktracker_cluster.records.record import Origin, Record

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def record(**changes: Any) -> Record:
    fields = {"request_id": "r1", "status": "503", "user_id": "7"}
    said = {"time": NOW, "origin": Origin("portal", "app", "0a1b2c3d"), "level": "warning"}
    return Record(**{**said, "event": "request r2", "fields": fields, **changes})


@pytest.mark.parametrize(
    "conditions",
    [
        {}, {"service": "portal"}, {"task": "app"}, {"since": NOW}, {"request_id": "r1"},
        {"request_id": "r2"}, {"level": "info"}, {"level": "warning"}, {"user_id": 7},
        {"status": "5xx"}, {"status": "503"}, {"status": "503", "user_id": 7, "level": "debug"},
    ],
)  # fmt: skip
def test_a_record_that_meets_every_condition_is_found(conditions: dict[str, Any]) -> None:
    assert Conditions(**conditions).meets(record())


@pytest.mark.parametrize(
    "conditions",
    [
        {"service": "traefik"}, {"task": "migrate"}, {"since": NOW + timedelta(seconds=1)},
        {"request_id": "r"}, {"request_id": "r11"}, {"level": "error"}, {"user_id": 77},
        {"status": "4xx"}, {"status": "500"}, {"status": "503", "user_id": 8},
    ],
)  # fmt: skip
def test_a_record_that_misses_one_condition_is_not(conditions: dict[str, Any]) -> None:
    assert not Conditions(**conditions).meets(record())


def test_a_record_without_a_user_or_a_status_is_nobodys() -> None:
    bare = record(fields={})
    assert not Conditions(user_id=7).meets(bare)
    assert not Conditions(status="5xx").meets(bare)


@pytest.mark.parametrize("status", ["5", "600", "5xxx", "xx", "abc", "503 "])
def test_a_status_that_http_does_not_have_is_refused(status: str) -> None:
    with pytest.raises(BadConditionError, match="is no status of HTTP"):
        Conditions(status=status)


@pytest.mark.parametrize("identifier", ["a b", "x" * 65, "é", '"'])
def test_a_request_id_that_no_service_accepts_is_refused(identifier: str) -> None:
    with pytest.raises(BadConditionError, match="is no request id"):
        Conditions(request_id=identifier)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("15m", NOW - timedelta(minutes=15)),
        ("1h", NOW - timedelta(hours=1)),
        ("2d", NOW - timedelta(days=2)),
        ("2026-11-27T11:30", NOW - timedelta(minutes=30)),
        ("2026-11-27T12:30+01:00", NOW - timedelta(minutes=30)),
        ("2026-11-27", NOW - timedelta(hours=12)),
    ],
)
def test_since_is_how_long_ago_or_a_time(text: str, time: datetime) -> None:
    assert moment(text, NOW) == time


@pytest.mark.parametrize("text", ["1", "h", "1w", "-1h", "1h30m", "yesterday", "2026-13-01", " "])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadConditionError, match="is no time") as raised:
        moment(text, NOW)
    assert "15m" in raised.value.hint


def test_a_time_before_all_times_is_refused() -> None:
    with pytest.raises(BadConditionError, match="is no time"):
        moment("999999d", NOW)


def test_an_agent_is_that_of_all_machines() -> None:
    joined = Origin("consul@node-2")
    assert Conditions(service="consul").concern(joined)
    assert not Conditions(service="nomad").concern(joined)
    assert not Conditions(service="consul@node-3").concern(joined)
