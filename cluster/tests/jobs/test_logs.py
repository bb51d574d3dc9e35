"""jobs.logs: the last lines of a task's log, and new lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.tests.http_server import Refusal, Request
from cluster.tests.nomad_server import Nomad, allocation, node, task_state
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import ApiError, NoInstanceError, NoLogError
from tasktracker_cluster.jobs import logs
from tasktracker_cluster.jobs.logs import AgentLog, Line, TaskLog

ALLOCATION = "0a1b2c3d-1111-2222-3333-444455556666"


@dataclass
class Written:
    """What a task has written to a stream, as Nomad keeps it: in several files."""

    nomad: Nomad
    content: bytes = b""
    asked: int = 0  # bytes that Nomad sent
    file_size: int = 1000

    def __post_init__(self) -> None:
        self.nomad.answers[f"/v1/client/fs/ls/{ALLOCATION}"] = self._files
        self.nomad.answers[f"/v1/client/fs/logs/{ALLOCATION}"] = self._from

    @property
    def log(self) -> TaskLog:
        return TaskLog(self.nomad.api(), ALLOCATION, "app", "stdout")

    def last(self, count: int) -> list[str]:
        return [line.text for line in self.log.lines(count, follow=False)]

    def _files(self, request: Request) -> object:
        assert request.query == {"path": "/alloc/logs"}
        sizes = [
            len(self.content[start : start + self.file_size])
            for start in range(0, len(self.content), self.file_size)
        ]
        others = [{"Name": "app.stderr.0", "Size": 77}, {"Name": "migrate.stdout.0", "Size": 77}]
        own = [{"Name": f"app.stdout.{n}", "Size": size} for n, size in enumerate(sizes)]
        return [*own, *others]

    def _from(self, request: Request) -> bytes:
        assert request.query["origin"] == "start"
        assert (request.query["task"], request.query["type"]) == ("app", "stdout")
        sent = self.content[int(request.query["offset"]) :]
        self.asked += len(sent)
        return sent


@pytest.fixture
def written(nomad: Nomad) -> Written:
    return Written(nomad)


@pytest.mark.parametrize("width", [1, 120, 400, 3000])
@pytest.mark.parametrize("count", [0, 1, 3, 19, 20, 50])
def test_exactly_the_last_lines_are_given_however_long_they_are(
    written: Written, width: int, count: int
) -> None:
    lines = [f"{number:02}{'x' * width}" for number in range(20)]
    written.content = "".join(f"{line}\n" for line in lines).encode()
    assert written.last(count) == lines[len(lines) - min(count, len(lines)) :]


def test_a_large_log_is_not_read_as_a_whole(written: Written) -> None:
    written.content = b"x" * 99 + b"\n"
    written.content *= 10_000
    assert len(written.last(10)) == 10
    assert written.asked < len(written.content) / 100


def test_a_line_that_is_being_written_is_not_shown_yet(written: Written) -> None:
    written.content = b"one\ntwo\nthr"
    assert written.last(2) == ["one", "two"]


def test_following_begins_where_the_last_whole_line_ended(written: Written) -> None:
    written.content = b"one\ntwo\nthr"

    def grows(lines: Iterator[Line]) -> Iterator[str]:
        yield next(lines).text
        written.content += b"ee\nfour\n"
        yield from (line.text for line in lines)

    assert list(grows(written.log.lines(1, follow=True))) == ["two", "three", "four"]


def test_a_log_that_is_not_utf_8_is_shown_with_marks(written: Written) -> None:
    written.content = b"caf\xe9\n"
    assert written.last(1) == ["caf\N{REPLACEMENT CHARACTER}"]


def test_a_task_that_wrote_nothing_has_no_lines(written: Written) -> None:
    assert written.last(10) == []


def test_an_agents_log_is_the_end_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "consul.log"
    file.write_text("one\ntwo\nthree\n")
    lines = AgentLog("consul", file).lines(2, follow=False)
    assert list(lines) == [Line("consul", "two"), Line("consul", "three")]
    assert list(AgentLog("nomad", tmp_path / "nowhere").lines(2, follow=False)) == []


@dataclass(frozen=True)
class Said:
    """A log that ends, also when it is followed."""

    name: str
    texts: tuple[str, ...]

    def lines(self, count: int, follow: bool) -> Iterator[Line]:  # noqa: ARG002 - as a Source's
        yield from (Line(self.name, text) for text in self.texts[-count:])


TWO = (Said("a", ("1", "2", "3")), Said("b", ("4",)))


def test_logs_that_are_not_followed_come_one_after_the_other() -> None:
    assert [line.text for line in logs.read(TWO, 2, follow=False)] == ["2", "3", "4"]


def test_logs_that_are_followed_all_come_until_the_last_one_ends() -> None:
    seen = [(line.writer, line.text) for line in logs.read(TWO, 2, follow=True)]
    assert sorted(seen) == [("a", "2"), ("a", "3"), ("b", "4")]


def test_a_log_that_cannot_be_read_ends_those_that_are_followed(nomad: Nomad) -> None:
    log = TaskLog(nomad.api(), ALLOCATION, "app", "stdout")
    nomad.answers[f"/v1/client/fs/ls/{ALLOCATION}"] = Refusal(500)
    with pytest.raises(ApiError, match="500"):
        list(logs.read([*TWO, log], 2, follow=True))


def test_a_services_logs_are_both_streams_of_each_instance(cluster: Cluster, nomad: Nomad) -> None:
    lost = allocation("lost", status="unknown")
    nomad.has_job("portal", allocation("one"), allocation("two", status="pending"), lost)
    found = [
        (log.allocation, log.task, log.stream)
        for log in logs.sources(cluster, "portal", None)
        if isinstance(log, TaskLog)
    ]
    assert found == [
        (identifier, "app", stream)
        for identifier in ("one", "two")
        for stream in ("stdout", "stderr")
    ]


def test_in_a_larger_cluster_each_line_names_the_node(cluster: Cluster, nomad: Nomad) -> None:
    nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2")]
    nomad.has_job("portal", allocation(ALLOCATION, NodeName="node-2"))
    Written(nomad, b"one\n")
    out, _ = logs.sources(cluster, "portal", None)
    assert list(out.lines(1, follow=False)) == [Line(f"node-2/{ALLOCATION[:8]}", "one")]


def test_logs_of_another_task_are_chosen_by_its_name(cluster: Cluster, nomad: Nomad) -> None:
    states = {"app": task_state(), "connect-proxy-portal": task_state()}
    nomad.has_job("portal", allocation(TaskStates=states))
    (log, _) = logs.sources(cluster, "portal", "connect-proxy-portal")
    assert isinstance(log, TaskLog)
    assert log.task == "connect-proxy-portal"
    with pytest.raises(NoLogError, match=r"There is no task 'nope'\.") as raised:
        logs.sources(cluster, "portal", "nope")
    assert raised.value.hint == "There are app, connect-proxy-portal."


@pytest.mark.parametrize(("name", "task"), [("store", "server"), ("release", "install")])
def test_the_logs_of_a_job_of_releases_are_those_of_the_task_that_writes(
    cluster: Cluster, nomad: Nomad, name: str, task: str
) -> None:
    nomad.has_job(name, allocation())
    found = logs.sources(cluster, name, None)
    assert [log.task for log in found if isinstance(log, TaskLog)] == [task, task]


def test_an_agents_log_needs_no_nomad(cluster: Cluster) -> None:
    file = cluster.site.logs / "nomad.log"
    assert logs.sources(cluster, "nomad", None) == [AgentLog("nomad", file)]


def test_an_unknown_service_is_a_usage_error_and_a_stopped_one_an_error(
    cluster: Cluster, nomad: Nomad
) -> None:
    with pytest.raises(NoLogError, match=r"There is no service 'nope'\.") as raised:
        logs.sources(cluster, "nope", None)
    assert (raised.value.exit_code, raised.value.code) == (2, "usage")
    known = "store, release, metrics, logs, postgres-exporter, intake, collector, traces, consul"
    assert known in raised.value.hint
    nomad.has_job("portal", allocation(status="complete"))
    with pytest.raises(NoInstanceError, match="portal has no instance"):
        logs.sources(cluster, "portal", None)
