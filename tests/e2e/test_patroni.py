"""Patroni runs the databases: what it survives, what it reaches, and data of an earlier version."""

import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

from tasktracker_cluster.agents import supervisor, variables
from tasktracker_cluster.jobs import postgres, replication
from tasktracker_cluster.machine import processes, shell, wait
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tests.e2e.traffic import titles, writing

LIMIT_SECONDS = 180  # generous: a machine may be busy
TTL_SECONDS = 20  # of a member's session
AWAY_SECONDS = 3 * TTL_SECONDS

CONSUL = "http://127.0.0.1:8500"

pytestmark = pytest.mark.usefixtures("settled")


def query(cluster: ThrowawayCluster, statement: str) -> str:
    return shell.run(postgres.query(cluster.site, "task-db", statement)).strip()


def test_a_killed_patroni_is_restarted_and_no_write_is_lost(cluster: ThrowawayCluster) -> None:
    old, before = cluster.task_pid("task-db", "postgres"), servers(cluster)
    with cluster.user("patricia").http() as client:
        with writing(client) as traffic:
            wait.until("some writes", lambda: len(traffic.acknowledged) > 5, LIMIT_SECONDS)
            os.kill(old, signal.SIGKILL)
            # PostgreSQL goes on without it. The next one could not stop it (start.sh).
            wait.until("another Patroni", lambda: is_replaced(cluster, old), LIMIT_SECONDS)
            cluster.settle()
            so_far = len(traffic.acknowledged)
            wait.until("more writes", lambda: len(traffic.acknowledged) > so_far + 5, LIMIT_SECONDS)
        assert set(traffic.acknowledged) <= titles(client)
    wait.until("one server", lambda: len(servers(cluster)) == 1, LIMIT_SECONDS)
    assert servers(cluster) != before


def is_replaced(cluster: ThrowawayCluster, old: int) -> bool:
    return cluster.task_pid("task-db", "postgres") not in (0, old)


def servers(cluster: ThrowawayCluster) -> list[int]:
    """Return the first process of each PostgreSQL on the data of the tasks."""
    data, found = str(cluster.site.volume("task-db") / "data"), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = processes.command_line(folder)
        except OSError:  # the process has ended
            continue
        if words[0] == f"{postgres.BIN}/postgres" and data in words:
            found.append(int(folder.name))
    return found


@pytest.mark.drill
def test_a_leader_goes_on_while_consul_is_away(cluster: ThrowawayCluster) -> None:
    before = {name: cluster.postmaster(name) for name in ("user-db", "task-db")}
    with cluster.user("quirin").http() as client:
        supervisor.call(cluster.site, "stopProcess", "consul")
        try:
            with writing(client) as traffic:
                begin = time.monotonic()  # longer than a session lasts
                wait.until(
                    "a minute without Consul",
                    lambda: time.monotonic() - begin > AWAY_SECONDS,
                    AWAY_SECONDS + LIMIT_SECONDS,
                )
                so_far = len(traffic.acknowledged)
                wait.until("a write", lambda: len(traffic.acknowledged) > so_far, LIMIT_SECONDS)
        finally:
            supervisor.ensure(cluster.site, "consul", changed=False)
        cluster.settle()
        assert traffic.failed == []
        assert set(traffic.acknowledged) <= titles(client)
    assert {name: cluster.postmaster(name) for name in before} == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/kv/service/user-db/leader", 200),
        ("/v1/kv/service/user-db/?recurse", 200),
        ("/v1/kv/service/task-db/leader", 404),
        ("/v1/kv/tasktracker/servers", 404),
        ("/v1/agent/connect/ca/leaf/traefik", 404),
        ("/v1/agent/self", 404),
        ("/v1/session/list", 404),
        ("/v1/kv/service/user-db/../task-db/leader", 404),
        ("/v1/kv/service/user-db/..%2f..%2f..%2f..%2fv1/agent/self", 400),
        ("/v1/kv/service/user-db/../../../agent/connect/ca/leaf/traefik", 404),
    ],
)
def test_a_database_reaches_its_own_keys_of_consul_and_nothing_else(
    cluster: ThrowawayCluster, path: str, status: int
) -> None:
    token = (cluster.task_folder("user-db", "postgres") / "secrets/consul_token").read_text()
    command = ["curl", "-s", "--path-as-is", "-o", "/dev/null", "-w", "%{http_code}",
               "-H", f"X-Consul-Token: {token}", f"{CONSUL}{path}"]  # fmt: skip
    assert cluster.exec("user-db", command, "tasktracker-user-db").stdout == str(status)


def test_the_token_of_a_database_changes_no_key_of_another(cluster: ThrowawayCluster) -> None:
    token = (cluster.task_folder("user-db", "postgres") / "secrets/consul_token").read_text()
    socket = cluster.site.consul_api / "user-db" / "http.sock"
    command = ["curl", "-s", "-X", "PUT", "-d", "m9", "-H", f"X-Consul-Token: {token}",
               "--unix-socket", str(socket)]  # fmt: skip
    user = "tasktracker-user-db-envoy"
    for name, answer in (("user-db", "true"), ("task-db", "Permission denied")):
        key = f"http://consul/v1/kv/service/{name}/a-key-of-a-test"
        assert answer in cluster.exec("user-db", [*command, key], user).stdout
    cluster.consul.call("DELETE", "/v1/kv/service/user-db/a-key-of-a-test")


@pytest.mark.parametrize("user", ["tasktracker-user-db", "tasktracker-task-db-envoy", "nobody"])
def test_only_its_sidecar_enters_the_folder_of_a_socket(
    cluster: ThrowawayCluster, user: str
) -> None:
    socket = cluster.site.consul_api / "user-db" / "http.sock"
    command = ["curl", "-s", "--unix-socket", str(socket), "http://consul/v1/status/leader"]
    assert cluster.exec("user-db", command, user).returncode == 7, "no connection"
    own = cluster.exec("user-db", command, "tasktracker-user-db-envoy")
    assert own.returncode == 0, own.stderr


def test_patronis_api_asks_for_a_password_before_it_changes_anything(
    cluster: ThrowawayCluster,
) -> None:
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"]
    for method, path, status in (
        ("GET", "/primary", "200"), ("POST", "/restart", "401"), ("PATCH", "/config", "401"),
        ("POST", "/switchover", "401"), ("DELETE", "/switchover", "401"),
    ):  # fmt: skip
        url = f"http://127.0.0.1:8008{path}"
        asked = cluster.exec("task-db", [*command, "-X", method, "-d", "{}", url], "nobody")
        assert asked.stdout == status, (method, path)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/primary", 200),
        ("GET", "/patroni", 404),
        ("GET", "/config", 404),
        ("GET", "/primary/../config", 404),
        ("GET", "/primary%2f..%2fconfig", 404),
        ("POST", "/restart", 404),
    ],
)
def test_the_port_for_the_check_of_a_database_has_one_path(
    cluster: ThrowawayCluster, method: str, path: str, status: int
) -> None:
    allocation = cluster.nomad.call("GET", f"/v1/allocation/{cluster.allocation('task-db')['ID']}")
    ports = allocation["AllocatedResources"]["Shared"]["Ports"]
    (port,) = [each for each in ports if each["Label"] == "patroni"]
    command = ["curl", "-s", "--path-as-is", "-o", "/dev/null", "-w", "%{http_code}", "-m", "9",
               *(["--head"] if method == "HEAD" else ["-X", method]),
               f"http://{port['HostIP']}:{port['Value']}{path}"]  # fmt: skip
    assert cluster.exec("stats-service", command, "nobody").stdout == str(status)


@pytest.mark.drill
def test_data_of_a_version_without_patroni_are_taken_over_where_they_are(
    cluster: ThrowawayCluster,
) -> None:
    user = cluster.user("roswitha")
    user.run("task", "create", "Survive")
    number = query(cluster, "SELECT system_identifier FROM pg_control_system()")
    query(cluster, "ALTER ROLE task_replica RENAME TO task_former")  # the roles of members are new
    as_of_an_earlier_version(cluster)
    cluster.admin("up")
    assert [task["title"] for task in user.json("task", "list")] == ["Survive"]
    assert query(cluster, "SELECT system_identifier FROM pg_control_system()") == number
    role = "SELECT rolreplication FROM pg_roles WHERE rolname = 'task_replica'"
    assert query(cluster, role) == "t"
    query(cluster, "DROP ROLE task_former")
    (leader,) = replication.members_of(cluster.consul, "task-db")
    assert leader.role == "leader"


def as_of_an_earlier_version(cluster: ThrowawayCluster) -> None:
    """Stop the cluster, and leave of Patroni nothing in the data of the tasks and in Consul."""
    path = "nomad/jobs/task-db/db/{}"
    items = variables.read(cluster.nomad, path.format("postgres"))
    old = {name: items[name] for name in ("owner_password", "app_password", "backup_password")}
    variables.ensure(cluster.nomad, path.format("prepare"), old)
    variables.delete(cluster.nomad, path.format("postgres"))
    cluster.nomad.call("DELETE", "/v1/job/task-db", no_shutdown_delay="true")
    wait.until("its end", lambda: not servers(cluster), LIMIT_SECONDS)
    cluster.consul.call("DELETE", "/v1/kv/service/task-db/", recurse="")
    data = cluster.site.volume("task-db") / "data"
    shutil.move(data / "postgresql.base.conf", data / "postgresql.conf")
    for file in (*data.glob("patroni.*"), *data.glob("*.conf.backup")):
        file.unlink()
    assert not [file for file in data.iterdir() if re.search("patroni|base.conf", file.name)]
