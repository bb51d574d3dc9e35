"""`logs` as a search, as a process: its output, its exit codes and its sentences."""

import json
from pathlib import Path

import pytest

from cli.tests.conftest import Cli

LINES = [
    {"timestamp": "2026-11-27T12:00:00.034Z", "level": "info", "event": "request", "status": 503,
     "request_id": "r1", "user_id": 7, "service": "portal", "route": "/a b"},
    {"timestamp": "2026-11-27T12:00:01Z", "level": "error", "event": "it\nbroke"},
]  # fmt: skip


@pytest.fixture
def search(isolated: Cli, tmp_path: Path) -> Cli:
    """Return the program with the logs of one instance of the portal, and of an empty agent."""
    home = tmp_path / "home"
    folder = home / "nomad/alloc/0a1b2c3d-1111-2222-3333-444455556666/alloc/logs"
    folder.mkdir(parents=True)
    (home / "logs").mkdir()
    (folder / "connect-proxy-portal.stderr.0").touch()
    (folder / "app.stdout.0").write_text("".join(f"{json.dumps(line)}\n" for line in LINES))
    return Cli({**isolated.env, "TASKTRACKER_HOME": str(home)})


def test_a_record_is_one_readable_line(search: Cli) -> None:
    done = search("admin", "logs")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "2026-11-27T12:00:00.034Z portal info request "
        'status=503 request_id=r1 user_id=7 route="/a b" instance=0a1b2c3d',
        r"2026-11-27T12:00:01.000Z portal error it\nbroke instance=0a1b2c3d",
    ]


def test_json_is_one_object_a_line(search: Cli) -> None:
    done = search("admin", "logs", "--json", "--status", "5xx")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"time": "2026-11-27T12:00:00.034Z", "service": "portal", "task": "app",
         "instance": "0a1b2c3d", "level": "info", "event": "request", "status": 503,
         "request_id": "r1", "user_id": 7, "route": "/a b"}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["--request-id", "r1"], 1),
        (["--level", "error"], 1),
        (["--user-id", "7"], 1),
        (["--since", "2026-11-27T12:00:00.5"], 1),
        (["--since", "2026-11-27", "-n", "1"], 1),
        (["portal", "--since", "2026-11-27"], 2),
        (["portal", "--json"], 2),
    ],
)
def test_a_search_shows_what_meets_its_conditions(
    search: Cli, words: list[str], count: int
) -> None:
    assert len(search("admin", "logs", *words).stdout.splitlines()) == count


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--since", "1x"], 2, "'1x' is no time. Write it like 90s,"),
        (["--status", "9xx"], 2, "'9xx' is no status of HTTP. Write it like 404"),
        (["--request-id", "a b"], 2, "'a b' is no request id. It has at most 64"),
        (["--level", "loud"], 2, "'loud'"),
        (["--user-id", "0"], 2, "0 is not in the range"),
        (["nobody", "--since", "1h"], 2, "There is no service 'nobody'. There are user-db"),
        (["--since", "1h", "--follow"], 2, "A search does not follow. Leave --follow out"),
        (["--request-id", "r9"], 5, "No log has such a line. Look further back"),
        (["traefik", "--level", "info"], 5, "No log has such a line."),
    ],
)
def test_an_error_is_a_sentence_and_what_to_do(
    search: Cli, words: list[str], code: int, says: str
) -> None:
    done = search("admin", "logs", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr


def test_without_a_cluster_there_are_no_logs(isolated: Cli, tmp_path: Path) -> None:
    done = Cli({**isolated.env, "TASKTRACKER_HOME": str(tmp_path / "none")})("admin", "logs")
    assert done.returncode == 1
    assert "has no logs. Start it with: ./just up" in done.stderr


def test_an_error_is_json_when_the_records_are(search: Cli) -> None:
    done = search("admin", "logs", "--request-id", "r9", "--json")
    assert json.loads(done.stderr)["error"]["code"] == "not-found"


def test_a_store_without_an_answer_is_named(search: Cli, tmp_path: Path) -> None:
    (tmp_path / "home/volumes/log-links").mkdir(parents=True)  # it runs, but not Nomad
    done = search("admin", "logs", "--request-id", "r1")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
    assert "The store of logs did not answer, so lines of ended instances are" in done.stderr
    done = search("admin", "logs", "--request-id", "r9")
    assert (done.returncode, done.stdout) == (5, "")
    assert "The store of logs did not answer" in done.stderr
