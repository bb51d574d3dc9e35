"""jobs.passwords: a password for each role, in the variables of the tasks that need it."""

from cluster.tests.nomad_server import Nomad
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import passwords
from tasktracker_cluster.topology import SERVICES


def test_each_task_has_the_password_of_its_role_and_no_other(
    cluster: Cluster, nomad: Nomad
) -> None:
    passwords.make(cluster)
    for service in SERVICES:
        if service.database:
            roles = nomad.variables.pop(f"nomad/jobs/{service.database.name}/db/prepare")
            migrate = nomad.variables.pop(f"nomad/jobs/{service.name}/api/migrate")
            app = nomad.variables.pop(f"nomad/jobs/{service.name}/api/app")
            assert migrate == {"database_password": roles["owner_password"]}
            assert app == {"database_password": roles["app_password"]}
            assert roles["owner_password"] != roles["app_password"]
    assert nomad.variables == {}


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
