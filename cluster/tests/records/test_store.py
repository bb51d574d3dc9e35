"""records.store: what VictoriaLogs is asked, and its rows as records.

tests/e2e/test_log_store.py compares a real one with the files.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from cluster.tests.http_server import Agent, Refusal, Request, serving
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import AdminError, ApiError
from tasktracker_cluster.records import links, store
from tasktracker_cluster.records.conditions import Conditions
from tasktracker_cluster.records.record import Origin
from tasktracker_cluster.site import Site

ERROR = "2026-11-27 12:00:01.5 UTC [4] ERROR:"
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
ONE = "0a1b2c3d-1111-2222-3333-444455556666"
LINKS = Path("/var/lib/tasktracker/volumes/log-links")
LINK = LINKS / "consul.1.log"


class Victoria(Agent):
    """Stores one file's line of each of these hours, and refuses to sort.

    `asked` has the queries for lines.
    """

    def __init__(self, hours: Sequence[int] = ()) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.hours = hours
        self.answers["/select/logsql/query"] = self._rows

    def _rows(self, request: Request) -> object:
        query = request.body["query"]
        if "| sort" in query:
            return Refusal(400, "it requires more than 12MB of memory")
        rows = [
            {"_time": (NOON + timedelta(hours=each)).strftime("%Y-%m-%dT%H:00:00Z"),
             "_msg": str(each), "file": str(LINK), "rows": "2000"}
            for each in self.hours
        ]  # fmt: skip
        if len(query) > 16384:
            return Refusal(400, "the `query` arg length cannot exceed -search.maxQueryLen")
        if "| stats" in query:
            return lines(rows if str(LINK) in query else [])
        self.asked.append(query)
        for row in rows:
            del row["rows"]
        return lines([row for row in rows if f"_time:[{row['_time'][:-1]}" in query])


def lines(rows: Sequence[dict[str, str]]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


@pytest.fixture
def victoria() -> Iterator[Victoria]:
    with serving(Victoria()) as server:
        yield server


def test_a_link_says_who_wrote_the_log() -> None:
    names = [f"{ONE}.app.stdout.0", f"{ONE}.connect-proxy-portal.stderr.0", "consul.17.log",
             "9f8e7d6c-1.postgres.stderr.12", "consul@node-2.17.log"]  # fmt: skip
    assert links.origins([LINKS / name for name in names]) == {
        LINKS / names[0]: Origin("portal", "app", "0a1b2c3d"),
        LINKS / names[1]: Origin("portal", "connect-proxy-portal", "0a1b2c3d"),
        LINKS / names[2]: Origin("consul"),
        LINKS / names[3]: Origin("9f8e7d6c", "postgres", "9f8e7d6c"),
        LINKS / names[4]: Origin("consul@node-2"),
    }


def test_a_log_of_another_machine_is_not_taken_for_one_of_this(site: Site) -> None:
    site.logs.mkdir(parents=True)
    (site.logs / "consul.log").touch()
    inode = (site.logs / "consul.log").stat().st_ino
    assert links.has_file(site, LINKS / f"consul.{inode}.log")
    assert not links.has_file(site, LINKS / f"consul@node-2.{inode}.log")


@pytest.mark.parametrize(
    ("conditions", "text"),
    [
        (Conditions(), ""),
        (Conditions(request_id="r-1"), '(*:"r-1" or !level:*)'),
        (Conditions(user_id=7), 'user_id:="7"'),
        (Conditions(status="5xx"), '(status:~"^5" or DownstreamStatus:~"^5")'),
        (Conditions(level="info"), "!level:in(blat,debg,debug,trac,trace)"),
        (Conditions(since=NOON), "_time:>=2026-11-27T12:00:00.000000Z"),
    ],
)  # fmt: skip
def test_the_query_has_each_condition(conditions: Conditions, text: str) -> None:
    assert store.query(conditions) == text


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


def test_rows_are_those_of_the_files_that_are_asked_for(victoria: Victoria) -> None:
    victoria.hours = [0]
    origins = {LINK: Origin("consul"), LINKS / "nomad.2.log": Origin("nomad")}
    (found,) = store.search(victoria.api(), origins, Conditions(service="consul"))
    assert [record.event for record in found] == ["0"]
    assert "nomad" not in victoria.asked[0]
    assert store.search(victoria.api(), origins, Conditions(service="portal")) == []


def test_a_line_is_found_among_thousands_of_logs(victoria: Victoria) -> None:
    victoria.hours = [0]
    others = {LINKS / f"{uuid4()}.app.stdout.0": Origin("portal") for _ in range(3000)}
    (found,) = store.search(victoria.api(), others | {LINK: Origin("consul")}, Conditions())
    assert [record.event for record in found] == ["0"]


def test_many_lines_are_asked_for_a_span_at_a_time(victoria: Victoria) -> None:
    victoria.hours = [2, 0, 1]
    (found,) = store.search(victoria.api(), {LINK: Origin("consul")}, Conditions())
    # A record is whole when the next one begins.
    assert (next(found).event, len(victoria.asked)) == ("0", 2)
    assert [record.event for record in found] == ["1", "2"]
    assert "_time:[2026-11-27T12:00:00.000000Z, 2026-11-27T13:00:00.000000Z)" in victoria.asked[0]


def test_lines_of_a_span_are_sorted(victoria: Victoria) -> None:
    rows = [
        {"_time": f"2026-11-27T12:00:0{time}Z", "_msg": time, "file": str(LINK), "rows": "1"}
        for time in ("2", "1.5", "1", "1.45")
    ]
    victoria.answers["/select/logsql/query"] = lines(rows)
    (found,) = store.search(victoria.api(), {LINK: Origin("consul")}, Conditions())
    assert [record.moment[18:22] for record in found] == ["1.00", "1.45", "1.50", "2.00"]


def test_the_last_lines_do_not_need_the_others(victoria: Victoria) -> None:
    victoria.hours = range(100)
    origins = {LINK: Origin("consul")}
    (found,) = store.search(victoria.api(), origins, Conditions(), lines=2)
    assert [record.event for record in found][-2:] == ["98", "99"]
    assert len(victoria.asked) < 10
    (found,) = store.search(victoria.api(), origins, Conditions(), lines=1000)
    assert [record.event for record in found] == [str(number) for number in victoria.hours]


def test_hours_of_few_lines_are_asked_for_at_once() -> None:
    hours = {NOON + timedelta(hours=each): 900 for each in (0, 1, 5, 9)}
    assert list(store.joined(hours)) == [
        (NOON, NOON + timedelta(hours=6)),
        (NOON + timedelta(hours=9), NOON + timedelta(hours=10)),
    ]


def test_a_refusal_of_the_store_is_an_error(victoria: Victoria) -> None:
    victoria.answers = {}
    with pytest.raises(ApiError, match="VictoriaLogs answered 404"):
        store.search(victoria.api(), {LINK: Origin("consul")}, Conditions())


def test_an_error_between_the_rows_is_an_error(victoria: Victoria) -> None:
    victoria.answers["/select/logsql/query"] = b"cannot read a block"
    with pytest.raises(ApiError, match="VictoriaLogs failed: cannot read a block"):
        store.search(victoria.api(), {LINK: Origin("consul")}, Conditions())


def test_a_line_names_the_service_when_the_sidecars_lines_are_gone(victoria: Victoria) -> None:
    files = [LINKS / f"{ONE}.{task}.stdout.0" for task in ("app", "prepare")]
    rows = [{"file": str(files[0]), "service": name} for name in ("portal", "unheard-of")]
    victoria.answers["/select/logsql/query"] = lines(rows)
    assert links.named(victoria.api(), links.origins(files)) == {
        files[0]: Origin("portal", "app", "0a1b2c3d"),
        files[1]: Origin("portal", "prepare", "0a1b2c3d"),
    }


def test_without_a_store_there_are_only_files(cluster: Cluster) -> None:
    failures: list[AdminError] = []
    assert store.of_gone_files(cluster, Conditions(), None, failures) == []
    assert failures == [], "it does not run"
    cluster.site.log_links.mkdir(parents=True)
    assert store.of_gone_files(cluster, Conditions(), None, failures) == []
    assert len(failures) == 1, "Nomad knows no password"


def test_a_store_that_fails_later_ends_its_records(cluster: Cluster, victoria: Victoria) -> None:
    cluster.site.log_links.mkdir(parents=True)
    cluster.logs = victoria.api()
    victoria.hours = [0, 1, 2]
    victoria.answers["/select/logsql/stream_field_values"] = {"values": [{"value": str(LINK)}]}
    failures: list[AdminError] = []
    (found,) = store.of_gone_files(cluster, Conditions(), None, failures)
    next(found)
    victoria.answers = {}
    assert list(found) == []
    assert ["404" in failure.message for failure in failures] == [True]
