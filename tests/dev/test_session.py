"""The use of a running session: requests, faults and changes."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from servicekit.testing.conformance import assert_problem
from tasktracker_cluster.machine import wait
from tasktracker_cluster.site import CONSUL_PAGE
from tasktracker_cluster.testing.throwaway import frozen
from tasktracker_cluster.topology import DATABASES, ROLES, SERVICES, Service
from tests.dev.session import CHECKOUT, Process, Session
from tests.dev.traffic import gateway, register, traffic
from tests.figures import Say

LIMIT = 120  # seconds: a machine may be busy


@pytest.fixture(scope="module")
def alice(session: Session) -> Iterator[httpx.Client]:
    """Give a client of the gateway with a user's login."""
    with gateway() as client:
        register(client, "alice")
        yield client


def get(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False, timeout=LIMIT)


def healthy(service: str) -> int:
    """Return the number of healthy instances of the service in Consul."""
    url = f"{CONSUL_PAGE}/v1/health/service/{service}?passing"
    try:
        return len(get(url).json())
    except (httpx.TransportError, ValueError):
        return 0


def test_a_user_works_through_the_gateway(alice: httpx.Client) -> None:
    task = alice.post("/api/v1/tasks/", json={"title": "try ./just dev", "priority": "high"})
    assert task.status_code == 201
    done = alice.patch(f"/api/v1/tasks/{task.json()['id']}/complete")
    assert done.status_code == 200

    stats = alice.get("/api/v1/stats/")  # the stats service finds the task service in Consul

    assert stats.json()["completed_tasks"] == 1
    assert alice.get("/api/v1/nowhere").status_code == 404
    assert alice.get("/docs").status_code == 200


each_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)


@each_service
def test_a_service_answers_on_its_own_port(session: Session, service: Service) -> None:
    health = get(f"http://127.0.0.1:{service.port}/health")

    assert health.status_code == 200


@each_service
def test_a_service_has_the_tags_that_its_job_has(session: Session, service: Service) -> None:
    job = (CHECKOUT / "nomad" / "jobs" / f"{service.name}.nomad.hcl").read_text()
    tags = re.findall(r'"(traefik\.[^"]+)"', job)

    (entry,) = get(f"{CONSUL_PAGE}/v1/catalog/service/{service.name}").json()

    assert entry["ServiceTags"] == tags


def test_the_pages_of_traefik_and_consul_can_be_opened(session: Session) -> None:
    for url in ("http://127.0.0.1:8080/dashboard/", f"{CONSUL_PAGE}/ui/"):
        assert get(url).status_code == 200, url


def test_secrets_are_private_and_in_no_command_line(session: Session) -> None:
    files = [*session.site.secrets.iterdir(), *(session.site.home / "environment").iterdir()]
    assert len(files) == len(DATABASES) * len(ROLES) + 1 + 6
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(session.site.home.stat().st_mode) == 0o700

    commands = "\n".join(session.commands())
    assert "task_service" in commands
    assert not [file for file in session.site.secrets.iterdir() if file.read_text() in commands]


def test_nothing_listens_beyond_loopback(session: Session) -> None:
    listening = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True).stdout
    addresses = {line.split()[3].rpartition(":")[0] for line in listening.splitlines()}

    assert addresses == {"127.0.0.1"}


def test_a_killed_service_is_restarted_and_meanwhile_the_gateway_answers_502_or_503(
    session: Session, alice: httpx.Client, say: Say
) -> None:
    with traffic(alice, "/api/v1/tasks/") as seen:
        seen.wait_for_more()
        os.kill(session.pid("task-service"), signal.SIGKILL)
        wait.until("a failed request", lambda: seen.failed > 0, LIMIT)
        wait.until("the service", lambda: seen.answers[-1][1] == 200, LIMIT)
        wait.until("its health", lambda: healthy("task-service") == 1, LIMIT)
        seen.wait_for_more()

    say(f"the only instance of a service killed: {seen}")
    assert seen.answers[-1][1] == 200
    assert seen.statuses.keys() <= {200, 502, 503}
    assert seen.outage < LIMIT


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (signal.SIGKILL, 502),
        pytest.param(signal.SIGSTOP, 504, marks=pytest.mark.drill),  # after the gateway's 15 s
    ],
)
def test_the_answer_for_a_service_that_does_not_respond_is_a_problem(
    session: Session, fault: signal.Signals, status: int
) -> None:
    with gateway() as client:
        wait.until("the service", lambda: client.get("/api/v1/stats/").status_code == 401, LIMIT)
        pid, consul = session.pid("stats-service"), session.pid("consul")
        supervisor = int((session.site.run / "supervisord.pid").read_text())
        with ExitStack() as stack:
            if fault == signal.SIGKILL:  # else they may start another one, or end the route, first
                for each in (supervisor, consul):
                    stack.enter_context(frozen(each))
            os.kill(pid, fault)
            try:
                answer = client.get("/api/v1/stats/", timeout=LIMIT)
            finally:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        wait.until("the service", lambda: client.get("/api/v1/stats/").status_code == 401, LIMIT)

    assert_problem(answer, status)
    assert answer.headers["Retry-After"] == "1"


def test_a_body_that_is_too_large_is_a_problem(session: Session) -> None:
    with gateway() as client:
        assert_problem(client.post("/api/v1/tasks/", content=b"x" * 2_000_000), 413)


@pytest.mark.drill
def test_at_most_the_request_under_way_fails_when_one_of_two_instances_is_killed(
    session: Session, alice: httpx.Client, say: Say
) -> None:
    with (
        another_instance(session, "task-service", 8012) as process,
        traffic(alice, "/api/v1/stats/") as inside,
        traffic(alice, "/api/v1/tasks/") as seen,
    ):
        for each in (inside, seen):
            each.wait_for_more()
        process.kill()
        wait.until("one instance", lambda: healthy("task-service") == 1, LIMIT)
        for each in (inside, seen):
            each.wait_for_more()

    say(f"one of two instances killed, called by a service: {inside}")
    say(f"one of two instances killed, called by the gateway: {seen}")
    assert not inside.failed  # a service tries a second instance
    assert seen.failed <= 1  # the gateway cannot know how much of the request was done


@pytest.mark.drill
def test_no_request_fails_when_one_of_two_instances_is_stopped(
    session: Session, alice: httpx.Client, say: Say
) -> None:
    with (
        another_instance(session, "task-service", 8012) as process,
        traffic(alice, "/api/v1/stats/") as inside,
        traffic(alice, "/api/v1/tasks/") as seen,
    ):
        for each in (inside, seen):
            each.wait_for_more()
        process.terminate()
        process.wait()
        assert healthy("task-service") == 1  # it is out of Consul at once
        for each in (inside, seen):
            each.wait_for_more()

    say(f"one of two instances stopped, called by a service: {inside}")
    say(f"one of two instances stopped, called by the gateway: {seen}")
    assert not inside.failed
    assert not seen.failed


def test_no_request_fails_when_consul_is_killed_and_comes_back(
    session: Session, alice: httpx.Client, say: Say
) -> None:
    with traffic(alice, "/api/v1/stats/") as seen:
        seen.wait_for_more()
        killed = session.pid("consul")
        os.kill(killed, signal.SIGKILL)
        wait.until("another Consul", lambda: session.pid("consul") not in (0, killed), LIMIT)
        wait.until("every service", lambda: all(healthy(s.name) for s in SERVICES), LIMIT)
        seen.wait_for_more()

    say(f"Consul killed: {seen}")
    assert not seen.failed


def test_a_changed_source_restarts_its_service_only(
    session: Session, alice: httpx.Client, say: Say
) -> None:
    before, begin = session.pid("stats-service"), time.monotonic()
    others = session.pid("portal"), session.pid("user-service")

    (CHECKOUT / "services/stats/src/stats_service/app.py").touch()

    wait.until("a new process", lambda: session.pid("stats-service") not in (0, before), LIMIT)
    wait.until("the service", lambda: alice.get("/api/v1/stats/").is_success, LIMIT)
    say(f"a change is served after {time.monotonic() - begin:.1f} s")
    assert others == (session.pid("portal"), session.pid("user-service"))


def test_a_service_runs_by_hand_with_a_database_and_a_secret_key_only(session: Session) -> None:
    text = (session.site.home / "environment" / "user-service.sh").read_text()
    environment = dict(re.findall(r"export (\w+)='(.+)'", text))
    uvicorn = Path(sys.executable).with_name("uvicorn")
    command = f"exec {uvicorn} --factory user_service.app:create_app --port 8011"
    brief = {name: environment[name] for name in ("DATABASE_URL", "SECRET_KEY")}

    process = session.by_hand(command, brief, "by-hand")
    try:
        wait.until("the service", lambda: answers(8011), LIMIT)
        assert healthy("user-service") == 1  # it has not registered itself
    finally:
        process.terminate()
        process.wait()


def test_a_second_session_is_refused(session: Session) -> None:
    assert "./just dev runs already" in session.refused()


@contextmanager
def another_instance(session: Session, service: str, port: int) -> Iterator[Process]:
    """Run a second instance, which registers itself in Consul, during the block."""
    file = session.site.home / "environment" / f"{service}.sh"
    module = service.replace("-", "_")
    command = f". {file} && PORT={port} exec {sys.executable} -m {module}"
    process = session.by_hand(command, {}, service)
    try:
        wait.until("two instances", lambda: healthy(service) == 2, LIMIT)
        yield process
    finally:
        process.kill()
        process.wait()
        wait.until("one instance", lambda: healthy(service) == 1, LIMIT)


def answers(port: int) -> bool:
    try:
        return get(f"http://127.0.0.1:{port}/health").is_success
    except httpx.TransportError:
        return False
