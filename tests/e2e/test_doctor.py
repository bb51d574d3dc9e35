"""`admin doctor`: each hop is really broken, and doctor names it and its repair.

If the repair is quick, the test runs the printed command, and it must repair the hop.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from tasktracker_cluster.agents import certificates, consul, supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import hops, paths
from tasktracker_cluster.doctor.hops import Finding
from tasktracker_cluster.errors import NotReadyError
from tasktracker_cluster.jobs import allocations, deployment, postgres
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.testing.throwaway import PROGRAM, ThrowawayCluster, frozen
from tasktracker_cluster.topology import BACKUP, EXPORTER, GATEWAY
from tests.e2e.edges import ALLOWED, PARTLY

LIMIT_SECONDS = 180  # generous: a machine may be busy
BY_ITSELF_SECONDS = 30  # for a health that no command has to restore

INTENTIONS = "/v1/config/service-intentions"
TRAEFIKS_RULE = "Traefik's task"  # the start of the description of its binding rule

# Breaks something during the block, and gives the cluster to diagnose.
Breaking = Callable[[ThrowawayCluster], AbstractContextManager[ThrowawayCluster]]


@dataclass(frozen=True)
class Case:
    """A fault, the path and the hop at which doctor must find it, and a part of its message."""

    path: str
    hop: str
    breaking: Breaking
    message: str
    repairs: bool = True  # whether the test runs the repair


def diagnose(cluster: ThrowawayCluster) -> Iterator[Finding]:
    """Return doctor's findings. This process is in the cluster's network, and needs no other."""
    return hops.diagnose(paths.all_paths(Cluster(cluster.site)))


def first_broken(cluster: ThrowawayCluster, case: Case) -> Finding:
    """Return the first broken hop, when it is the expected one: a fault takes time to spread.

    After a time limit, return the last one that was found.
    """
    last = Finding("", "", "ok")

    def is_expected() -> bool:
        nonlocal last
        last = next((each for each in diagnose(cluster) if each.state == "broken"), last)
        return (last.path, last.hop) == (case.path, case.hop)

    with suppress(NotReadyError):
        wait.until("doctor to see it", is_expected, LIMIT_SECONDS)
    return last


def is_well(cluster: ThrowawayCluster) -> bool:
    return all(finding.state == "ok" for finding in diagnose(cluster))


def run_repair(cluster: ThrowawayCluster, command: str) -> None:
    """Run a command that doctor printed, in the checkout, as the operator would."""
    # ./just only prepares the environment, and then calls this program.
    script = command.replace("./just", f"{PROGRAM} admin")
    result = subprocess.run(
        ["bash", "-euc", script],
        cwd=cluster.site.checkout,
        env={**os.environ, "TASKTRACKER_HOME": str(cluster.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(autouse=True)
def healthy(cluster: ThrowawayCluster) -> Iterator[None]:
    """Begin with a healthy cluster, and restore its health after each test."""
    cluster.settle()  # what an earlier file has left
    yield
    with suppress(NotReadyError):
        wait.until("health", lambda: is_well(cluster), BY_ITSELF_SECONDS)
        return
    deployment.stop(cluster.as_operator, "traefik")  # a new allocation gets a new Consul token
    cluster.admin("up")
    wait.until("health", lambda: is_well(cluster), LIMIT_SECONDS)


def hanging(job: str, task: str) -> Breaking:
    @contextmanager
    def breaking(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
        with frozen(cluster.task_pid(job, task)):
            yield cluster

    return breaking


@contextmanager
def no_leader(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    """Take the lead away from a member that hangs, and cannot take it back."""
    with frozen(cluster.task_pid("task-db", "postgres")):
        cluster.consul.call("DELETE", "/v1/kv/service/task-db/leader")
        yield cluster


def hanging_agent(agent: str) -> Breaking:
    @contextmanager
    def breaking(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
        with frozen(cluster.agent_pid(agent)):
            yield cluster

    return breaking


@contextmanager
def hanging_database(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    with frozen(cluster.postmaster("task-db")):
        yield cluster


@contextmanager
def readable_token(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    (cluster.site.secrets / "nomad-management.token").chmod(0o644)
    yield cluster


@contextmanager
def due_certificate(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    authority = certificates.authority(cluster.site)
    due = certificates.issue(authority, certificates.TOOLS, timedelta(days=1))
    certificate, key = certificates.paths(cluster.site, certificates.TOOLS.name)
    certificate.write_text(due.certificate)
    key.write_text(due.key)
    yield cluster


@contextmanager
def no_state(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    yield replace(cluster, home=cluster.home.parent / "other")


@contextmanager
def full_disk(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    other = replace(cluster, home=cluster.home.parent / "other")
    other.home.mkdir()
    shell.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", other.home])
    try:
        shutil.copy(cluster.site.owner_file, other.site.owner_file)
        shutil.copytree(cluster.site.secrets, other.site.secrets)
        yield other
    finally:
        shell.run(["umount", other.home])
        other.home.rmdir()


@contextmanager
def no_supervisor(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    os.kill(int((cluster.site.run / "supervisord.pid").read_text()), signal.SIGKILL)
    wait.until("its end", lambda: not supervisor.is_running(cluster.site), LIMIT_SECONDS)
    yield cluster


@contextmanager
def no_consul(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    supervisor.call(cluster.site, "stopProcess", "consul")
    yield cluster


@contextmanager
def ineligible_node(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    (node,) = cluster.nomad.call("GET", "/v1/nodes")
    answer = {"NodeID": node["ID"], "Eligibility": "ineligible"}
    cluster.nomad.call("PUT", f"/v1/node/{node['ID']}/eligibility", answer)
    yield cluster


@contextmanager
def no_leaf(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    """Give Traefik a Consul token of another service."""
    rules = cluster.consul.call("GET", "/v1/acl/binding-rules")
    (rule,) = [each for each in rules if each["Description"].startswith(TRAEFIKS_RULE)]
    path = f"/v1/acl/binding-rule/{rule['ID']}"
    cluster.consul.call("PUT", path, {**rule, "BindName": "somebody-else"})
    try:
        _place_anew(cluster, "traefik")
        # Until its restart, Consul gives a cached certificate to any caller
        # (docs/decisions/0010-leaf-certificates.md).
        _restart_consul(cluster)
        yield cluster
    finally:
        cluster.consul.call("PUT", path, rule)


@contextmanager
def old_leaf(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    """Change the file with Traefik's certificate, as if Nomad had not rendered a later one."""
    allocation = cluster.allocation("traefik")["ID"]
    file = cluster.home / f"nomad/alloc/{allocation}/traefik/secrets/dynamic/mesh.yml"
    file.write_text(file.read_text().replace("BEGIN CERTIFICATE", "BEGIN X509 CERTIFICATE"))
    yield cluster


def stopped_job(job: str) -> Breaking:
    @contextmanager
    def breaking(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
        deployment.stop(cluster.as_operator, job)
        yield cluster

    return breaking


def other_tags(job: str, *tags: str) -> Breaking:
    """Deploy a job with other tags than the repository's."""

    @contextmanager
    def breaking(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
        known = cluster.nomad.call("GET", f"/v1/job/{job}")
        known["TaskGroups"][0]["Services"][0]["Tags"] = list(tags)
        cluster.nomad.call("POST", "/v1/jobs", {"Job": known})
        yield cluster

    return breaking


def forbid(cluster: ThrowawayCluster, source: str, destination: str) -> None:
    entry = cluster.consul.call("GET", f"{INTENTIONS}/{destination}")
    left = [each for each in entry["Sources"] if each["Name"] != source]
    if left:
        cluster.consul.call("PUT", "/v1/config", {**entry, "Sources": left})
    else:
        cluster.consul.call("DELETE", f"{INTENTIONS}/{destination}")


@contextmanager
def denied(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    entry = cluster.consul.call("GET", f"{INTENTIONS}/task-service")
    for each in entry["Sources"]:
        if each["Name"] == "stats-service":
            del each["Permissions"]
            each["Action"] = "deny"
    cluster.consul.call("PUT", "/v1/config", entry)
    yield cluster


@contextmanager
def refused_secret(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    """Make a service refuse to start, because it has no valid keys."""
    path = "/v1/var/nomad%2Fjobs%2Fstats-service%2Fapi%2Fapp"
    good = cluster.nomad.call("GET", path)
    cluster.nomad.call("PUT", path, {**good, "Items": {"jwt_public_keys": "no set of keys"}})
    try:
        _place_anew(cluster, "stats-service")
        yield cluster
    finally:
        cluster.nomad.call("PUT", path, good)
        _place_anew(cluster, "stats-service")


@contextmanager
def no_login(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    path = "/v1/var/nomad%2Fjobs%2Ftask-service%2Fapi%2Fapp"
    role = cluster.nomad.call("GET", path)["Items"]["database_role"]
    sql(cluster, "task-db", f"ALTER ROLE {role} NOLOGIN")
    try:
        sql(cluster, "task-db", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE usename = '{role}'")  # fmt: skip
        yield cluster
    finally:
        sql(cluster, "task-db", f"ALTER ROLE {role} LOGIN")


@contextmanager
def old_schema(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    version = sql(cluster, "user-db", "SELECT version_num FROM alembic_version")
    sql(cluster, "user-db", "UPDATE alembic_version SET version_num = '0001'")
    try:
        yield cluster
    finally:
        sql(cluster, "user-db", f"UPDATE alembic_version SET version_num = '{version}'")


@contextmanager
def redirected(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    """Redirect requests for the task service to a database."""
    resolver = {
        "Kind": "service-resolver",
        "Name": "task-service",
        "Redirect": {"Service": "user-db"},
    }
    defaults = {"Kind": "service-defaults", "Name": "user-db", "Protocol": "http"}
    cluster.consul.call("PUT", "/v1/config", defaults)
    cluster.consul.call("PUT", "/v1/config", resolver)
    try:
        yield cluster
    finally:
        cluster.consul.call("DELETE", "/v1/config/service-resolver/task-service")
        cluster.consul.call("PUT", "/v1/config", {**defaults, "Protocol": "tcp"})


@contextmanager
def maintenance(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    cluster.consul.call("PUT", "/v1/agent/maintenance", enable="true", reason="a test")
    yield cluster


def sql(cluster: ThrowawayCluster, database: str, statement: str) -> str:
    return shell.run(postgres.query(cluster.site, database, statement)).strip()


def _restart_consul(cluster: ThrowawayCluster) -> None:
    old = cluster.agent_pid("consul")
    os.kill(old, signal.SIGKILL)
    wait.until("a new Consul", lambda: cluster.agent_pid("consul") not in (0, old), LIMIT_SECONDS)
    wait.until("a leader", lambda: consul.has_leader(cluster.consul), LIMIT_SECONDS)


def _place_anew(cluster: ThrowawayCluster, job: str) -> None:
    """Replace the job's allocation by a new one, and wait until that runs."""
    old = cluster.allocation(job)["ID"]
    cluster.nomad.call("PUT", f"/v1/allocation/{old}/stop")
    if job == GATEWAY:  # Nomad starts an instance of a system job only when something else happens
        wait.until("its end", lambda: not _is_placed(cluster, job, old), LIMIT_SECONDS)
        cluster.nomad.call("PUT", f"/v1/job/{job}/evaluate", {"JobID": job})
    wait.until(f"another {job}", lambda: _another(cluster, job, old), LIMIT_SECONDS)


def _is_placed(cluster: ThrowawayCluster, job: str, allocation: str) -> bool:
    return allocation in [each["ID"] for each in cluster.allocations(job)]


def _another(cluster: ThrowawayCluster, job: str, old: str) -> bool:
    running = allocations.active(cluster.as_operator, job)
    new = [a for a in running if a["ID"] != old and a["ClientStatus"] == "running"]
    return len(running) == len(new) == 1


CASES = [
    Case("machine", "state folder", no_state, "no cluster", repairs=False),
    Case("machine", "secrets' files", readable_token, "0644"),
    Case("machine", "certificates", due_certificate, "tools.pem is valid until"),
    Case("machine", "disk", full_disk, "GiB free", repairs=False),
    Case("agents", "supervisor", no_supervisor, "does not run"),
    Case("agents", "Consul", hanging_agent("consul"), "does not answer"),
    Case("agents", "Consul", no_consul, "is stopped"),
    Case("agents", "Nomad", hanging_agent("nomad"), "does not answer", repairs=False),
    Case("agents", "node", ineligible_node, "places nothing"),
    Case("agents", "pages", hanging_agent("pages"), "does not answer"),
    Case("gateway", "instance", stopped_job("traefik"), "is stopped"),
    Case("gateway", "Traefik", hanging("traefik", "traefik"), "Traefik cannot", repairs=False),
    Case("gateway", "leaf certificate", no_leaf, "no certificate"),
    Case("gateway", "leaf certificate", old_leaf, "another one"),
    Case("stats-service", "route", stopped_job("stats-service"), "is stopped"),
    Case("stats-service", "route", other_tags("stats-service"), "no route"),
    Case("stats-service", "intention stats-service -> task-service", denied, "an intention denies"),
    Case("user-service", "sidecar", hanging("user-service", "connect-proxy-user-service"),
         "makes no connection"),
    Case("task-service", "application", hanging("task-service", "app"), "does not answer",
         repairs=False),
    Case("stats-service", "application", refused_secret, "its task is", repairs=False),
    Case("task-service", "database sidecar", hanging("task-db", "connect-proxy-task-db"),
         "makes no connection"),
    Case("task-service", "database", hanging_database, "no response", repairs=False),
    Case("task-service", "leader", no_leader, "no member leads", repairs=False),
    Case("task-service", "login", no_login, "cannot use its database", repairs=False),
    Case("user-service", "schema", old_schema, "version 0001", repairs=False),
    Case("stats-service", "upstream task-service", redirected, "no answer from", repairs=False),
    Case("user-service", "answer", maintenance, "maintenance"),
    Case("releases", "store", stopped_job("store"), "is stopped"),
    Case("releases", "release", stopped_job("release"), "is stopped"),
]  # fmt: skip


# Every edge of the mesh by its path. A round breaks at most one edge of each path.
Edge = tuple[str, str]
# Backups are off here, and nobody observes (tests/e2e/test_backups.py, test_observe.py).
EDGES = {edge for edge in ALLOWED | PARTLY.keys() if edge[0] not in (BACKUP, EXPORTER)}
EDGES_BY_PATH: dict[str, list[Edge]] = {}
for source, to in sorted(EDGES, key=lambda edge: (edge[0] != "traefik", edge)):
    EDGES_BY_PATH.setdefault(to if source == "traefik" else source, []).append((source, to))
ROUNDS = [
    {path: edges[number] for path, edges in EDGES_BY_PATH.items() if number < len(edges)}
    for number in range(max(map(len, EDGES_BY_PATH.values())))
]


def test_in_a_healthy_cluster_every_hop_works(cluster: ThrowawayCluster) -> None:
    hops = json.loads(cluster.admin("doctor", "--json").stdout)
    assert [hop for hop in hops if hop["state"] != "ok"] == []


def test_doctor_names_the_first_broken_hop_and_skips_what_is_behind(
    cluster: ThrowawayCluster,
) -> None:
    with ineligible_node(cluster):
        people = cluster.admin("doctor", check=False)
        programs = cluster.admin("doctor", "--json", check=False)
        assert (people.returncode, programs.returncode) == (1, 1)

        states = [hop["state"] for hop in json.loads(programs.stdout)]
        broken = states.index("broken")
        first = json.loads(programs.stdout)[broken]
        assert set(states[:broken]) == {"ok"}
        assert set(states[broken + 1 :]) == {"skipped"}

        error = json.loads(programs.stderr)["error"]
        assert error["code"] == "broken-hop"
        assert error["message"].startswith("First broken hop: agents, node: Nomad places nothing")
        assert error["hint"] == f"Repair: {first['repair']}"
        assert f"{error['message']} {error['hint']}" in people.stderr
        run_repair(cluster, first["repair"])


def test_doctor_checks_every_edge_of_the_mesh(cluster: ThrowawayCluster) -> None:
    hops = {hop.name for path in paths.all_paths(Cluster(cluster.site)) for hop in path.hops}
    edges = {hop.removeprefix("intention ") for hop in hops if hop.startswith("intention ")}
    assert edges == {f"{source} -> {to}" for source, to in EDGES}


def test_every_hop_is_broken_by_a_test(cluster: ThrowawayCluster) -> None:
    upstreams = {"upstream user-service", "upstream stats-service"}  # task-service stands for them
    hops = {hop.name for path in paths.all_paths(Cluster(cluster.site)) for hop in path.hops}
    edges = {f"intention {source} -> {to}" for source, to in EDGES}
    assert hops - edges - {case.hop for case in CASES} == upstreams


@pytest.mark.parametrize("edges", ROUNDS, ids=lambda edges: ", ".join(edges))
def test_a_missing_intention_is_named_with_its_repair(
    cluster: ThrowawayCluster, edges: dict[str, Edge]
) -> None:
    for source, destination in edges.values():
        forbid(cluster, source, destination)
    found = {each.path: each for each in diagnose(cluster) if each.state == "broken"}
    for path, (source, destination) in edges.items():
        assert found[path].hop == f"intention {source} -> {destination}"
        assert found[path].detail == f"no intention allows {source} to reach {destination}"
        run_repair(cluster, found[path].repair)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.path}: {case.hop}, {case.message}")
@pytest.mark.drill
def test_a_broken_hop_is_named_with_its_repair(cluster: ThrowawayCluster, case: Case) -> None:
    with case.breaking(cluster) as broken:
        first = first_broken(broken, case)
        assert (first.path, first.hop) == (case.path, case.hop), first
        assert case.message in first.detail
        assert first.repair
        if case.repairs:
            run_repair(broken, first.repair)
