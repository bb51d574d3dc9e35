"""No log contains data that a database must protect."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tasktracker_cluster.errors import CommandError
from tasktracker_cluster.jobs import gateway, postgres
from tasktracker_cluster.machine import processes, shell, wait
from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tasktracker_cluster.topology import MAIN_TASKS
from tests.e2e import task_logs

MARK = "zqx"  # no other text contains it
ACCOUNT = {
    "username": f"{MARK}-name",
    "email": f"{MARK}-mail@example.com",
    "password": f"{MARK} is my passphrase",
    "full_name": f"{MARK} Full Name",
}
AUTH, TASKS = "/api/v1/auth", "/api/v1/tasks/"
DATABASES = ("user-db", "task-db")
# Failing statements by the message that the log must have. PostgreSQL could log their text or the
# conflicting value, too.
FAILING = {
    "division by zero": f"SELECT 1/0 /* {MARK} statement */",
    'duplicate key value violates unique constraint "twice_a_key"': (
        f"CREATE TEMP TABLE twice (a text UNIQUE); INSERT INTO twice VALUES ('{MARK}'), ('{MARK}')"
    ),
}
LIMIT_SECONDS = 180  # generous: a machine may be busy


def test_no_log_contains_user_data_or_secrets(cluster: ThrowawayCluster) -> None:
    with httpx.Client(base_url=GATEWAY_URL, trust_env=False, timeout=60) as client:
        secrets = _use_every_call(client)
        _use_a_dead_database(cluster, client)
    statement = "SELECT hashed_password FROM users"
    secrets += shell.run(postgres.query(cluster.site, "user-db", statement)).split()
    for database in DATABASES:
        _run_failing_statements(cluster, database)
    task_logs.wait_until_written(cluster)

    logs = {path: path.read_text(errors="replace") for path in _logs(cluster)}
    # These events must be there: they show that the right files are read.
    for event in ('"status": 409', "[INFO]"):
        assert any(event in text for text in logs.values()), event
    for path, text in logs.items():
        for number, secret in enumerate([MARK, *secrets]):
            assert secret not in text, f"{path} has secret {number}"


@pytest.mark.parametrize(
    ("job", "task", "text"),
    [("portal", "connect-proxy-portal", "[warning]"), ("user-service", "migrate", "alembic")],
)
def test_the_log_of_a_task_without_a_collector_is_shown(
    cluster: ThrowawayCluster, job: str, task: str, text: str
) -> None:
    assert text in cluster.admin("logs", job, "--task", task).stdout


def test_after_a_start_a_full_log_is_followed_by_another(
    cluster: ThrowawayCluster, settled: None
) -> None:
    task = "connect-proxy-portal"
    folder = cluster.home / "nomad/alloc" / cluster.allocation("portal")["ID"] / "alloc/logs"
    full, next_ = folder / f"{task}.stderr.0", folder / f"{task}.stderr.1"
    full.write_text("a line of a full log\n" * 300_000)
    os.kill(cluster.sidecar_pid("portal"), signal.SIGKILL)
    wait.until("lines", lambda: next_.exists() and "[warning]" in next_.read_text(), LIMIT_SECONDS)
    shown = cluster.admin("logs", "portal", "--task", task, "-n", "100").stdout
    assert "a line of a full log" in shown
    assert "[warning]" in shown


def test_nomad_runs_a_log_collector_for_each_main_task_only(cluster: ThrowawayCluster) -> None:
    def collectors() -> int:
        found = 0
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # the process ended in the meantime
                words = processes.command_line(process)
                found += words[:2] == [f"{cluster.site.bin}/nomad", "logmon"]
        return found

    # Those of replaced allocations end a moment later.
    wait.until("a collector for each task", lambda: collectors() == len(MAIN_TASKS), LIMIT_SECONDS)


def _use_every_call(client: httpx.Client) -> list[str]:
    """Make calls that succeed and calls that are refused, and return the tokens in the answers."""
    register = f"{AUTH}/register"
    assert client.post(register, json=ACCOUNT).status_code == 201
    assert client.post(register, json={**ACCOUNT, "email": "other@example.com"}).status_code == 409
    assert client.post(register, json={**ACCOUNT, "username": "another"}).status_code == 409
    assert client.post(register, json={**ACCOUNT, "email": f"{MARK}@"}).status_code == 422

    login = {"username": ACCOUNT["username"], "password": ACCOUNT["password"]}
    wrong = {**login, "password": f"{MARK} wrong"}
    assert client.post(f"{AUTH}/login", json=wrong).status_code == 401
    assert client.post(f"{AUTH}/login", json={**login, "username": f"{MARK}?"}).status_code == 401
    assert client.post(f"{AUTH}/token", data=wrong).status_code == 401
    grants = [client.post(f"{AUTH}/login", json=login).json()]
    refresh = {"refresh_token": grants[0]["refresh_token"]}
    grants.append(client.post(f"{AUTH}/refresh", json=refresh).json())
    assert client.post(f"{AUTH}/refresh", json=refresh).status_code == 401  # used twice
    grants.append(client.post(f"{AUTH}/login", json=login).json())

    client.headers["Authorization"] = f"Bearer {grants[-1]['access_token']}"
    assert client.patch(f"{AUTH}/me", json={"full_name": f"{MARK} New"}).status_code == 200
    key = {"Idempotency-Key": f"{MARK}-key"}
    for title, status in ((f"{MARK} title", 201), (f"{MARK} other", 422)):
        assert client.post(TASKS, json={"title": title}, headers=key).status_code == status
    assert client.post(TASKS, json={"title": "a", "status": MARK}).status_code == 422
    broken, as_json = f'{{"{MARK}', {"Content-Type": "application/json"}
    assert client.post(TASKS, content=broken, headers=as_json).status_code == 400
    assert client.get(TASKS, params={"q": MARK}).json()
    assert client.get(TASKS, params={"limit": MARK}).status_code == 422
    assert client.get(f"{TASKS}{MARK}").status_code == 422
    assert client.get(f"/{MARK}").status_code == 404
    tokens = [grant[kind] for grant in grants for kind in ("access_token", "refresh_token")]
    return [*tokens, _use_a_programs_token(client)]


def _use_a_programs_token(client: httpx.Client) -> str:
    """Make a program's token, use it within and beyond its scope, and return it."""
    draft = {"scopes": ["tasks:read"], "current_password": ACCOUNT["password"]}
    made = client.post(f"{AUTH}/tokens", json={"name": f"{MARK} ci", **draft})
    assert made.status_code == 201
    token: str = made.json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get(TASKS, headers=headers).status_code == 200
    assert client.post(TASKS, json={"title": MARK}, headers=headers).status_code == 403
    assert client.get(TASKS, headers={"Authorization": f"Bearer {token}x"}).status_code == 401
    return token


def _use_a_dead_database(cluster: ThrowawayCluster, client: httpx.Client) -> None:
    """Make each service fail while it handles marked values."""
    login = {"username": ACCOUNT["username"], "password": ACCOUNT["password"]}
    for database, path, body in (
        ("user-db", f"{AUTH}/login", login),
        ("task-db", TASKS, {"title": f"{MARK} lost"}),
    ):
        os.kill(cluster.postmaster(database), signal.SIGKILL)
        # A busy machine has another server before the request fails, or only after 15 s: a 504.
        assert client.post(path, json=body).status_code in (503, 504, 200, 201)
        wait.until(database, gateway.answers, LIMIT_SECONDS)


def _run_failing_statements(cluster: ThrowawayCluster, database: str) -> None:
    """Run each failing statement, and wait until the log has the database's message."""
    for event, statement in FAILING.items():
        with pytest.raises(CommandError):
            shell.run(postgres.query(cluster.site, database, statement))
        task_logs.lines(cluster, database, "postgres", event)


def _logs(cluster: ThrowawayCluster) -> list[Path]:
    """Return every log of the cluster: of agents, of all jobs' tasks, and PostgreSQL's own."""
    agents = list(cluster.site.logs.iterdir())
    tasks = task_logs.files(cluster)
    databases = list(cluster.site.home.glob("volumes/*/data/*.log"))
    assert agents
    assert tasks
    assert len(databases) >= len(DATABASES)
    return [path for path in (*agents, *tasks, *databases) if path.is_file()]
