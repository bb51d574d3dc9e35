"""records.store: what VictoriaLogs is asked, and its rows as records.

tests/e2e/test_log_store.py compares a real one with the files.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cluster.tests.http_server import Agent, Request, serving
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import ApiError
from tasktracker_cluster.records import store
from tasktracker_cluster.records.conditions import Conditions
from tasktracker_cluster.records.record import Origin

ERROR = "2026-11-27 12:00:01.5 UTC [4] ERROR:"
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
ONE = "0a1b2c3d-1111-2222-3333-444455556666"
LINKS = Path("/var/lib/tasktracker/volumes/log-links")


@pytest.fixture
def victoria() -> Iterator[Agent]:
    with serving(Agent()) as server:
        yield server


def test_a_link_says_who_wrote_the_log() -> None:
    names = [f"{ONE}.app.stdout.0", f"{ONE}.connect-proxy-portal.stderr.0", "consul.17.log",
             "9f8e7d6c-1.postgres.stderr.12"]  # fmt: skip
    assert store.origins([LINKS / name for name in names]) == {
        LINKS / names[0]: Origin("portal", "app", "0a1b2c3d"),
        LINKS / names[1]: Origin("portal", "connect-proxy-portal", "0a1b2c3d"),
        LINKS / names[2]: Origin("consul"),
        LINKS / names[3]: Origin("9f8e7d6c", "postgres", "9f8e7d6c"),
    }


@pytest.mark.parametrize(
    ("conditions", "text"),
    [
        (Conditions(), ""),
        (Conditions(request_id="r-1"), ' (*:"r-1" or !level:*)'),
        (Conditions(user_id=7), ' user_id:="7"'),
        (Conditions(status="5xx"), ' (status:~"^5" or DownstreamStatus:~"^5")'),
        (Conditions(level="info"), " !level:in(blat,debg,debug,trac,trace)"),
        (Conditions(since=NOON), " _time:>=2026-11-27T12:00:00.000000Z"),
    ],
)  # fmt: skip
def test_the_query_has_each_condition(conditions: Conditions, text: str) -> None:
    assert store.query([Path("/a")], conditions) == f'{{file in ("/a")}}{text} | sort by (_time)'


def test_rows_become_records_and_lines_of_text_are_joined() -> None:
    rows = [
        {"_time": "2026-11-27T12:00:00.034Z", "_msg": "request", "status": "503", "level": "info",
         "ms": "2.5100000000000002", "service": "portal", "file": "x", "_stream": "{}",
         "_stream_id": "1"},
        {"_time": "2026-11-27T12:00:09.000000001Z", "_msg": f"{ERROR}  no"},
        {"_time": "2026-11-27T12:00:09.000000002Z", "_msg": "\tFROM x"},
        {"_time": "2026-11-27T12:00:10Z", "_msg": "no time"},
        {"_time": "2026-11-27T12:00:11Z", "_msg": "-", "error": "x"},
    ]  # fmt: skip
    one, two, three, four = store.records(Origin("portal"), rows)
    assert (one.moment, one.event, one.fields) == (
        "2026-11-27T12:00:00.034Z", "request", {"status": "503", "ms": "2.51"},
    )  # fmt: skip
    assert (two.moment[17:21], two.level, two.event) == ("01.5", "error", "ERROR:  no\n\tFROM x")
    assert (four.event, four.fields) == ("", {"error": "x"})
    assert (three.moment[17:19], three.event) == ("10", "no time")


def test_rows_are_those_of_the_files_that_are_asked_for(victoria: Agent) -> None:
    def rows(request: Request) -> bytes:
        assert "level" not in request.query
        row = {"_time": "2026-11-27T12:00:00Z", "_msg": "x", "file": str(LINKS / "consul.1.log")}
        return f"{json.dumps(row)}\n".encode()

    victoria.answers["/select/logsql/query"] = rows
    origins = {LINKS / "consul.1.log": Origin("consul"), LINKS / "nomad.2.log": Origin("nomad")}
    (found,) = store.search(victoria.api(), origins, Conditions(service="consul"))
    assert [record.event for record in found] == ["x"]
    assert store.search(victoria.api(), origins, Conditions(service="portal")) == []


def test_a_refusal_of_the_store_is_an_error(victoria: Agent) -> None:
    with pytest.raises(ApiError, match="VictoriaLogs answered 404"):
        store.search(victoria.api(), {LINKS / "consul.1.log": Origin("consul")}, Conditions())


def test_without_a_store_there_are_only_files(cluster: Cluster) -> None:
    assert store.of_gone_files(cluster, Conditions()) == []
    cluster.site.log_links.mkdir(parents=True)
    assert store.of_gone_files(cluster, Conditions()) == [], "Nomad knows no password"
