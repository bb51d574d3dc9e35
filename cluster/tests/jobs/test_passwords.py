"""jobs.passwords: a password for each role, in the variables of the tasks that need it."""

from cluster.tests.nomad_server import Nomad
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import passwords
from tasktracker_cluster.topology import ROLES, SERVICES

# The tasks that have a role in each database.
OF_BOTH = {
    "nomad/jobs/backup/archive/barman": "backup",
    "nomad/jobs/postgres-exporter/databases/exporter": "monitor",
}


def test_each_task_has_the_password_of_its_role_and_no_other(
    cluster: Cluster, nomad: Nomad
) -> None:
    passwords.make(cluster)
    for service in SERVICES:
        if service.database:
            roles = nomad.variables.pop(f"nomad/jobs/{service.database.name}/db/postgres")
            migrate = nomad.variables.pop(f"nomad/jobs/{service.name}/api/migrate")
            app = nomad.variables.pop(f"nomad/jobs/{service.name}/api/app")
            assert migrate == {"database_password": roles["owner_password"]}
            assert app == {"database_password": roles["app_password"]}
            assert len(set(roles.values())) == len(ROLES) + 1, "that of Patroni's own API"
            name = f"{service.database.noun}_db_password"
            for path, role in OF_BOTH.items():
                assert nomad.variables[path].pop(name) == roles[f"{role}_password"]
    assert nomad.variables == {path: {} for path in OF_BOTH}


def test_a_database_of_an_earlier_version_gets_the_password_of_a_new_role(
    cluster: Cluster, nomad: Nomad
) -> None:
    old = {"owner_password": "first", "app_password": "second"}
    nomad.write("nomad/jobs/task-db/db/prepare", old)
    passwords.make(cluster)
    assert "nomad/jobs/task-db/db/prepare" not in nomad.variables, "no task has this name now"
    roles = nomad.variables["nomad/jobs/task-db/db/postgres"]
    assert roles.items() > old.items()
    backups = nomad.variables["nomad/jobs/backup/archive/barman"]
    assert backups["task_db_password"] == roles["backup_password"]


def test_existing_passwords_are_kept(cluster: Cluster, nomad: Nomad) -> None:
    passwords.make(cluster)
    before = dict(nomad.variables)
    passwords.make(cluster)
    assert nomad.variables == before


def test_a_service_that_lost_its_password_gets_that_of_the_database(
    cluster: Cluster, nomad: Nomad
) -> None:
    passwords.make(cluster)
    path = "nomad/jobs/task-service/api/app"
    before = nomad.delete(path)
    passwords.make(cluster)
    assert nomad.variables[path] == before


def test_the_store_of_metrics_keeps_its_key(cluster: Cluster, nomad: Nomad) -> None:
    passwords.make_metrics_store(cluster)
    made = dict(nomad.variables)
    assert [len(each["key"]) for each in made.values()] == [64]
    passwords.make_metrics_store(cluster)
    assert nomad.variables == made
