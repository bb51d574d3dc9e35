"""logs, psql, users and top, in a running cluster."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.machine import wait
from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.throwaway import PASSWORD, PROGRAM, ThrowawayCluster
from tasktracker_cluster.topology import JOBS
from tests.terminal import Terminal

LIMIT_SECONDS = 180  # generous: a machine may be busy


def on_terminal(cluster: ThrowawayCluster, *words: str, controls: bool = True) -> Terminal:
    """Start a command of the operator's on a terminal of 100 columns and 30 lines."""
    home = {"TASKTRACKER_HOME": str(cluster.home), "TERM": "xterm-256color"}
    command: list[str | Path] = [PROGRAM, "admin", *words]
    return Terminal(command, {**os.environ, **home}, columns=100, lines=30, controls=controls)


def ask() -> httpx.Response:
    """Send a request to the task service."""
    return httpx.get(f"{GATEWAY_URL}/api/v1/tasks/", trust_env=False, timeout=LIMIT_SECONDS)


@pytest.fixture
def request_id() -> str:
    """Send a request to the task service, and return its id."""
    return ask().headers["X-Request-ID"]


def test_logs_in_a_pipe_prints_the_lines_unchanged(
    cluster: ThrowawayCluster, request_id: str
) -> None:
    wait.until("the line", lambda: request_id in logged(cluster), LIMIT_SECONDS)
    lines = cluster.admin("logs", "task-service", "-n", "5").stdout.splitlines()
    assert len(lines) == 5
    assert {json.loads(line)["service"] for line in lines} == {"task-service"}


def logged(cluster: ThrowawayCluster) -> str:
    return cluster.admin("logs", "task-service", "-n", "1000").stdout


def test_logs_shows_another_task_and_the_agents(cluster: ThrowawayCluster) -> None:
    assert "schema is current" in cluster.admin("logs", "user-service", "--task", "migrate").stdout
    for agent in ("consul", "nomad"):
        assert len(cluster.admin("logs", agent, "-n", "3").stdout.splitlines()) == 3


def test_logs_on_a_terminal_follows_and_ends_with_ctrl_c(cluster: ThrowawayCluster) -> None:
    terminal = on_terminal(cluster, "logs", "task-service", "--follow", "-n", "0")
    wait.until("a line", lambda: _line_appears(terminal), LIMIT_SECONDS)
    assert "\x1b[" in terminal.shown, "colours"
    assert '"event"' not in terminal.shown, "for people, not JSON"
    terminal.type("\x03")
    assert terminal.end() == 130


def _line_appears(terminal: Terminal) -> bool:
    # The request is repeated: the first ones may come before the command reads.
    ask()
    return "/api/v1/tasks/" in terminal.look(0.2)


def test_a_request_is_found_by_its_id_in_every_service_that_it_passed(
    cluster: ThrowawayCluster,
) -> None:
    with cluster.user("seeker").http() as client:
        answer = client.get("/api/v1/stats/", headers={"X-Request-ID": "sought-by-its-id"})
        user_id = client.get("/api/v1/auth/me").json()["id"]
    assert answer.headers["X-Request-ID"] == "sought-by-its-id"
    passed = {"stats-service", "task-service"}
    wait.until("its lines", lambda: found(cluster, "sought-by-its-id") >= passed, LIMIT_SECONDS)
    words = ("--user-id", str(user_id), "--since", "5m", "--status", "2xx")
    assert "sought-by-its-id" in cluster.admin("logs", "stats-service", *words).stdout


def found(cluster: ThrowawayCluster, request_id: str) -> set[str]:
    """Return the services whose logs have the request."""
    printed = cluster.admin("logs", "--request-id", request_id, "--json", check=False).stdout
    return {json.loads(line)["service"] for line in printed.splitlines()}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nobody"], "There is no service 'nobody'. There are user-db"),
        (["task-db", "--task", "app"], "There is no task 'app'. There are connect-proxy-task-db"),
    ],
)
def test_logs_of_an_unknown_name_lists_the_known_ones(
    cluster: ThrowawayCluster, words: list[str], says: str
) -> None:
    result = cluster.admin("logs", *words, check=False)
    assert result.returncode == 2
    assert says in result.stderr


@pytest.mark.parametrize(
    ("words", "role"), [([], "postgres"), (["--role", "owner"], "user_owner"),
                        (["--role", "app"], "user_app")]
)  # fmt: skip
def test_psql_runs_inside_the_database_as_the_role_that_is_asked_for(
    cluster: ThrowawayCluster, words: list[str], role: str
) -> None:
    statement = "select current_user, inet_server_addr() is null"
    printed = cluster.admin("psql", "user", *words, "--", "-Atc", statement).stdout
    assert printed == f"{role}|t\n", "over a Unix socket: no port"


def test_psql_of_a_replica_says_that_there_is_none(cluster: ThrowawayCluster) -> None:
    result = cluster.admin("psql", "user", "--replica", check=False)
    assert result.returncode == 1
    assert "No member of user-db copies its leader now." in result.stderr


def test_psql_reads_statements_from_a_pipe_and_returns_its_exit_code(
    cluster: ThrowawayCluster,
) -> None:
    words = ["admin", "psql", "task", "--", "-At", "--set", "ON_ERROR_STOP=1"]
    environment = {**os.environ, "TASKTRACKER_HOME": str(cluster.home)}
    done = subprocess.run(
        [PROGRAM, *words],
        input="select 6 * 7;\nselect missing_column;\n",
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (3, "42\n")
    assert "missing_column" in done.stderr


def test_psql_is_interactive_on_a_terminal(cluster: ThrowawayCluster) -> None:
    terminal = on_terminal(cluster, "psql", "task", "--", "-At")
    terminal.wait_for("task_db=#")
    terminal.type("select 6 * 7;\r")
    terminal.wait_for("42")
    terminal.type("\\q\r")
    assert terminal.end() == 0


def test_logs_of_a_service_without_an_instance_is_an_error(
    cluster: ThrowawayCluster, stopped_stats: None
) -> None:
    result = cluster.admin("logs", "stats-service", check=False)
    assert result.returncode == 1
    assert "stats-service has no instance" in result.stderr


@pytest.fixture
def stopped_stats(cluster: ThrowawayCluster) -> Iterator[None]:
    cluster.nomad.call("DELETE", "/v1/job/stats-service", no_shutdown_delay="true")
    wait.until("its end", lambda: not _runs(cluster, "stats-service"), LIMIT_SECONDS)
    yield
    cluster.admin("up")


def _runs(cluster: ThrowawayCluster, job: str) -> bool:
    allocations = cluster.nomad.call("GET", f"/v1/job/{job}/allocations")
    return any(each["ClientStatus"] in ("running", "pending") for each in allocations)


def test_users_are_listed_deactivated_activated_and_promoted(cluster: ThrowawayCluster) -> None:
    cluster.user("olga")
    (listed,) = json.loads(cluster.admin("users", "list", "olga", "--json").stdout)
    assert (listed["username"], listed["is_active"], listed["is_superuser"]) == (
        "olga",
        True,
        False,
    )

    cluster.admin("users", "deactivate", "OLGA")
    assert _log_in("olga") == httpx.codes.UNAUTHORIZED

    cluster.admin("users", "activate", "olga")
    assert _log_in("olga") == httpx.codes.OK

    promoted = json.loads(cluster.admin("users", "promote", "olga", "--json").stdout)
    assert promoted["is_superuser"] is True


def _log_in(name: str) -> int:
    body = {"username": name, "password": PASSWORD}
    url = f"{GATEWAY_URL}/api/v1/auth/login"
    return httpx.post(url, json=body, trust_env=False, timeout=60).status_code


def test_an_unknown_account_is_an_error_with_its_name(cluster: ThrowawayCluster) -> None:
    result = cluster.admin("users", "promote", "nobody", check=False)
    assert (result.returncode, result.stdout) == (5, "")
    assert "There is no user 'nobody'." in result.stderr


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("words", [["status"], ["top", "--once"], ["doctor"]])
def test_quiet_prints_names(cluster: ThrowawayCluster, words: list[str]) -> None:
    names = cluster.admin(*words, "-q").stdout.splitlines()
    assert "None" not in names
    assert {"doctor": "node", "status": "task-db", "top": "task-db"}[words[0]] in names


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("words", [["status"], ["top", "--once"], ["users", "list"]])
def test_a_table_in_a_pipe_has_tabs(cluster: ThrowawayCluster, words: list[str]) -> None:
    cluster.user(f"tabs-{words[0]}")
    header, *rows = cluster.admin(*words).stdout.splitlines()
    assert rows
    assert {row.count("\t") for row in rows} == {header.count("\t")} != {0}


@pytest.mark.usefixtures("settled")
def test_top_counts_requests_errors_memory_and_connections(cluster: ThrowawayCluster) -> None:
    rows = wait.until("all figures", lambda: all_figures(cluster), LIMIT_SECONDS)
    assert rows["task-service"]["requests_per_second"] > 0
    assert rows["task-service"]["errors_percent"] == 0
    assert rows["task-service"]["p95_ms"] > 0
    assert rows["traefik"]["requests_per_second"] > 0
    assert rows["task-db"]["connections"] > 0
    assert {row["health"] for row in rows.values()} == {"passing"}
    assert all(rows[job]["memory_mib"] > 10 for job in JOBS)


def all_figures(cluster: ThrowawayCluster) -> dict[str, dict[str, Any]] | None:
    """Return the rows of `top` by their names, None when it has left out one of these figures.

    It leaves out what does not answer in time.
    """
    process = cluster.start_admin("top", "--json", "--interval", "3")
    while process.poll() is None:
        ask()
    rows = {row["name"]: row for row in json.loads(process.communicate()[0])}
    figures = [(job, "memory_mib") for job in JOBS] + [("task-db", "connections")]
    for name in ("task-service", "traefik"):
        figures += [(name, "requests_per_second"), (name, "p95_ms")]
    return None if any(rows[name][figure] is None for name, figure in figures) else rows


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_top_restores_the_terminal(cluster: ThrowawayCluster, key: str) -> None:
    terminal = on_terminal(cluster, "top", "--interval", "0.5")
    terminal.wait_for("task-service")
    terminal.type(key)
    assert terminal.end() == 0
    assert terminal.shown.count("\x1b[?1049h") == terminal.shown.count("\x1b[?1049l") == 1
    assert terminal.shown.count("\x1b[?25l") <= terminal.shown.count("\x1b[?25h"), "the cursor"


@pytest.mark.parametrize("controls", [True, False])
def test_top_ends_when_its_terminal_is_closed(cluster: ThrowawayCluster, controls: bool) -> None:
    terminal = on_terminal(cluster, "top", "--interval", "0.5", controls=controls)
    terminal.wait_for("task-service")
    terminal.hang_up()  # raises TimeoutExpired if it goes on


def test_the_agents_write_logs_that_they_rotate_themselves(cluster: ThrowawayCluster) -> None:
    for agent in ("consul", "nomad"):
        process = Path("/proc", str(cluster.agent_pid(agent)))
        opened = set()
        for file in (process / "fd").iterdir():
            with suppress(FileNotFoundError):  # a connection that has ended
                opened.add(os.readlink(file))
        assert str(cluster.site.logs / f"{agent}.log") in opened
        assert os.readlink(process / "fd" / "1") == "/dev/null"
        assert (cluster.site.logs / f"{agent}.err").stat().st_size < 4096


@pytest.mark.drill
def test_up_replaces_an_agent_that_runs_with_another_command(cluster: ThrowawayCluster) -> None:
    conf = cluster.site.agent / "supervisord.conf"
    old = conf.read_text().replace(">/dev/null", f">>{cluster.site.logs}/everything")
    conf.write_text(old)
    supervisor.ensure(cluster.site, "consul", changed=True)
    assert _standard_output(cluster) == f"{cluster.site.logs}/everything"
    cluster.admin("up")
    assert _standard_output(cluster) == "/dev/null"


def _standard_output(cluster: ThrowawayCluster) -> str:
    """Return the target of Consul's standard output, after the shell has executed Consul."""
    wait.until("Consul", lambda: cluster.agent_pid("consul"), LIMIT_SECONDS)
    process = Path("/proc", str(cluster.agent_pid("consul")))
    wait.until("its program", lambda: "consul" in os.readlink(process / "exe"), LIMIT_SECONDS)
    return os.readlink(process / "fd" / "1")


@pytest.mark.drill
def test_up_shows_the_error_of_an_agent_that_does_not_stay_up(cluster: ThrowawayCluster) -> None:
    invalid = cluster.site.agent / "consul" / "invalid.json"  # `up` deletes a foreign .hcl file
    invalid.write_text('{"unknown_setting": true}')
    supervisor.call(cluster.site, "stopProcess", "consul")
    result = cluster.admin("up", check=False)
    invalid.unlink()
    cluster.admin("up")
    assert result.returncode == 1
    assert "The consul agent does not stay up." in result.stderr
    assert "invalid config key unknown_setting" in result.stderr
