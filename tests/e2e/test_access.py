"""The rights of anonymous callers, of the machine's other users and of the databases' roles."""

import stat

import httpx
import pytest

from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.machine import shell
from tasktracker_cluster.site import CONSUL_PAGE, NOMAD_PAGE
from tasktracker_cluster.testing.throwaway import ThrowawayCluster

TASK = {"Name": "task", "Driver": "raw_exec", "Config": {"command": "/bin/true"}}
GROUP_OF_ONE = {"Name": "group", "Count": 1, "Tasks": [TASK]}
JOB = {"Job": {"ID": "intruder", "Datacenters": ["dc1"], "TaskGroups": [GROUP_OF_ONE]}}


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("PUT", f"{CONSUL_PAGE}/v1/kv/intruder", {}),
        ("PUT", f"{CONSUL_PAGE}/v1/agent/service/register", {"Name": "task-service"}),
        ("PUT", f"{CONSUL_PAGE}/v1/connect/intentions/exact?source=portal&destination=task-db",
         {"Action": "allow"}),
        ("PUT", f"{CONSUL_PAGE}/v1/config", {"Kind": "service-defaults", "Name": "x"}),
        ("PUT", f"{CONSUL_PAGE}/v1/acl/token", {}),
        ("PUT", f"{NOMAD_PAGE}/v1/jobs", JOB),
        ("DELETE", f"{NOMAD_PAGE}/v1/job/task-service", None),
        ("PUT", f"{NOMAD_PAGE}/v1/var/intruder", {"Path": "intruder", "Items": {"a": "b"}}),
        ("PUT", f"{NOMAD_PAGE}/v1/system/gc", None),
    ],
)  # fmt: skip
def test_an_anonymous_write_is_forbidden(
    cluster: ThrowawayCluster, method: str, url: str, body: object
) -> None:
    assert httpx.request(method, url, json=body, trust_env=False, timeout=60).status_code == 403


@pytest.mark.parametrize(
    "url",
    [
        f"{NOMAD_PAGE}/v1/var/nomad%2Fjobs%2Ftask-service%2Fapi%2Fapp",
    ],
)
def test_an_anonymous_caller_reads_no_secret(cluster: ThrowawayCluster, url: str) -> None:
    assert httpx.get(url, trust_env=False, timeout=60).status_code == 403


def test_an_anonymous_caller_can_read_services_and_jobs(cluster: ThrowawayCluster) -> None:
    services = Api("Consul", CONSUL_PAGE, {}).call("GET", "/v1/catalog/services")
    jobs = {job["ID"] for job in Api("Nomad", NOMAD_PAGE, {}).call("GET", "/v1/jobs")}
    assert {"user-service", "task-service", "stats-service", "portal", "traefik"} <= set(services)
    assert jobs == {"user-db", "task-db", "user-service", "task-service", "stats-service",
                    "portal", "traefik", "store", "release"}  # fmt: skip


def test_no_variable_is_at_a_path_that_every_job_can_read(cluster: ThrowawayCluster) -> None:
    paths = {variable["Path"] for variable in cluster.nomad.call("GET", "/v1/vars")}
    assert paths == {
        "nomad/jobs/user-db/db/postgres",
        "nomad/jobs/task-db/db/postgres",
        "nomad/jobs/user-service/api/migrate",
        "nomad/jobs/user-service/api/app",
        "nomad/jobs/task-service/api/migrate",
        "nomad/jobs/task-service/api/app",
        "nomad/jobs/stats-service/api/app",
        "nomad/jobs/backup/archive/barman",
        "nomad/jobs/postgres-exporter/databases/exporter",
    }


def test_no_secret_file_is_open_to_others(cluster: ThrowawayCluster) -> None:
    for folder in (cluster.site.secrets, cluster.site.agent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in (*cluster.site.secrets.iterdir(), *cluster.site.agent.glob("*/node.hcl")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def psql(cluster: ThrowawayCluster, job: str, url: str, statement: str) -> str:
    """Run a statement from a job's network, and return what psql says."""
    command = ["psql", "--no-psqlrc", "-tA", "-c", statement, url]
    result = cluster.exec(job, command, "nobody")
    return result.stdout.strip() + result.stderr.strip()


def test_the_applications_role_cannot_change_the_schema(cluster: ThrowawayCluster) -> None:
    items = cluster.nomad.call("GET", "/v1/var/nomad%2Fjobs%2Ftask-service%2Fapi%2Fapp")["Items"]
    login = f"{items['database_role']}:{items['database_password']}"
    url = f"postgresql://{login}@127.0.0.1:5432/task_db"

    def sql(statement: str) -> str:
        return psql(cluster, "task-service", url, statement)

    assert sql("SELECT 1") == "1"
    assert "permission denied" in sql("CREATE TABLE intruder (id int)")
    assert "must be owner" in sql("ALTER TABLE tasks ADD COLUMN intruder int")
    assert "must be owner" in sql("DROP TABLE tasks")


def test_the_role_for_backups_cannot_read_or_change_a_table(cluster: ThrowawayCluster) -> None:
    path = "/v1/var/nomad%2Fjobs%2Fbackup%2Farchive%2Fbarman"
    password = cluster.nomad.call("GET", path)["Items"]["task_db_password"]

    def sql(database: str, statement: str) -> str:
        url = f"postgresql://task_backup:{password}@127.0.0.1:5432/{database}"
        return psql(cluster, "task-db", url, statement)

    assert sql("postgres", "SELECT 1") == "1"
    assert "permission denied for database" in sql("task_db", "SELECT 1")
    assert "permission denied" in sql("postgres", "CREATE TABLE intruder (id int)")
    assert "permission denied" in sql("postgres", "SELECT pg_read_file('postgresql.conf')")
    assert "permission denied" in sql("postgres", "ALTER SYSTEM SET fsync = off")


def test_the_role_for_statistics_cannot_read_or_change_a_table(cluster: ThrowawayCluster) -> None:
    path = "/v1/var/nomad%2Fjobs%2Fpostgres-exporter%2Fdatabases%2Fexporter"
    password = cluster.nomad.call("GET", path)["Items"]["task_db_password"]

    def sql(database: str, statement: str) -> str:
        url = f"postgresql://task_monitor:{password}@127.0.0.1:5432/{database}"
        return psql(cluster, "task-db", url, statement)

    assert "task_db" in sql("postgres", "SELECT * FROM monitor_sizes()")
    seen = sql("postgres", "SELECT DISTINCT query FROM pg_stat_activity WHERE datname = 'task_db'")
    assert seen == "<insufficient privilege>"
    assert "permission denied for database" in sql("task_db", "SELECT 1")
    assert "permission denied" in sql("postgres", "CREATE TABLE intruder (id int)")
    assert "permission denied" in sql("postgres", "SELECT pg_read_file('postgresql.conf')")
    assert "permission denied" in sql("postgres", "SELECT pg_backup_start('intruder')")


def test_the_superuser_of_a_database_cannot_connect_over_tcp(cluster: ThrowawayCluster) -> None:
    url = "postgresql://postgres@127.0.0.1:5432/task_db"
    result = cluster.exec("task-db", ["psql", "--no-psqlrc", "-c", "SELECT 1", url], "nobody")
    assert "rejects connection" in result.stderr


def test_no_database_port_is_open_on_the_machine(cluster: ThrowawayCluster) -> None:
    listening = [line.split()[3] for line in shell.run(["ss", "-Hltn"]).splitlines()]
    ports = {int(address.rsplit(":", 1)[1]) for address in listening}
    assert {8000, 8080, 8500, 4646} <= ports
    assert not {5432, 5433, 5434} & ports
    addresses = {address.rsplit(":", 1)[0] for address in listening}
    assert addresses <= {"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"}
