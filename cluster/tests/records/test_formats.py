"""records.formats: what each program's lines say."""

from datetime import UTC, datetime, timedelta

import pytest

from tasktracker_cluster.records import formats

DAY = datetime(2026, 11, 27, tzinfo=UTC)
NOON = DAY + timedelta(hours=12, milliseconds=34)


@pytest.mark.parametrize(
    ("line", "level", "event"),
    [
        ("2026-11-27T12:00:00.034Z [WARN]  agent: a: b=1", "warning", "agent: a: b=1"),
        ("    2026-11-27T13:00:00.034+0100 [ERROR] client: x", "error", "client: x"),
        ("2026-11-27 12:00:00.034 UTC [41] LOG:  ready", "info", "LOG:  ready"),
        ("2026-11-27 12:00:00.034 GMT [41] FATAL:  no", "critical", "FATAL:  no"),
        ('{"ts":1795780800.034,"level":"warn","msg":"no home"}', "warning", "no home"),
        ('{"timestamp":"2026-11-27T12:00:00.034000Z","event":"request"}', "info", "request"),
        ('{"level":"error","time":"2026-11-27T12:00:00.034Z","message":"no"}', "error", "no"),
    ],
)
def test_a_line_has_its_time_its_level_and_its_event(line: str, level: str, event: str) -> None:
    said = formats.read(line)
    assert (said.time, said.level, said.event) == (NOON, level, event)


@pytest.mark.parametrize(
    ("line", "level", "event"),
    [
        ("[2026-11-27 12:00:00.034][7][warning][config] [a] x", "warning", "[config] [a] x"),
        ("2026-11-27 12:00:00,034 CRIT uncaptured", "critical", "uncaptured"),
    ],
)  # fmt: skip
def test_programs_without_a_zone_mean_the_machines(line: str, level: str, event: str) -> None:
    said = formats.read(line)
    local = datetime(2026, 11, 27, 12, 0, 0, 34_000).astimezone()
    assert (said.time, said.level, said.event) == (local, level, event)


def test_the_line_of_a_request_that_a_machine_sent_to_join() -> None:
    said = formats.read('10.77.0.2 - - [27/Nov/2026 12:00:00] "POST /admit HTTP/1.1" 200 -')
    assert said.time == datetime(2026, 11, 27, 12, 0, 0).astimezone()
    assert "POST /admit" in said.event


def test_the_gateways_access_log_has_the_names_of_the_services() -> None:
    line = (
        '{"DownstreamStatus":502,"RequestMethod":"GET","RequestPath":"/api/v1/stats/",'
        '"StartUTC":"2026-11-27T12:00:00.034Z","downstream_X-Request-Id":"r1","level":"info",'
        '"msg":"","time":"2026-11-27T12:00:00Z"}'
    )
    said = formats.read(line)
    assert (said.time, said.event) == (NOON, "request")
    assert said.fields == {
        "status": "502",
        "method": "GET",
        "RequestPath": "/api/v1/stats/",
        "request_id": "r1",
    }


def test_values_become_text_and_inner_objects_get_dots() -> None:
    facts = {
        "h": 9.0,
        "i": 2.51,
        "a": {"b": 1, "c": "x"},
        "d": [1, "é"],
        "e": None,
        "f": "",
        "g": True,
    }
    assert formats.flat(facts) == {
        "h": "9",
        "i": "2.51",
        "a.b": "1",
        "a.c": "x",
        "d": '[1,"é"]',
        "g": "true",
    }


@pytest.mark.parametrize(
    "text",
    ["one two", "", '{"broken', "[]", '{"ts":"soon","event":"one"}', '{"ts":9e99}',
     "2026-99-27 12:00:00.034 UTC [41] LOG:  x", "2026-99-27T12:00:00.034Z [INFO]  x"],
)  # fmt: skip
def test_what_has_no_known_time_is_kept_without_one(text: str) -> None:
    assert formats.read(text).time is None


@pytest.mark.parametrize(
    ("line", "belongs"),
    [
        ("\tFROM tasks", True),
        ('  File "app.py", line 1', True),
        ("2026-11-27 12:00:00.034 UTC [41] HINT:  try", True),
        ("2026-11-27 12:00:00.034 UTC [41] ERROR:  no", False),
        ("    2026-11-27T12:00:00.034Z [INFO]  client: x", False),
        ("ValueError: x", False),
        ("{}", False),
    ],
)
def test_indented_lines_and_postgresqls_details_belong_to_the_line_before(
    line: str, belongs: bool
) -> None:
    assert formats.is_continuation(line) is belongs
