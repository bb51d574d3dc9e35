"""jobs.passwords: a password for each role, in the variables of the tasks that need it."""

import pytest

from cluster.tests.nomad_server import Nomad
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import passwords
from tasktracker_cluster.topology import ROLES, SERVICES, TWINS

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
            noun = service.database.noun
            assert migrate == login(f"{noun}_owner", roles["owner_password"])
            assert app == login(f"{noun}_app", roles["app_password"])
            made = {value for name, value in roles.items() if len(value) == 64}
            assert len(made) == len(ROLES) - len(TWINS) + 1, "that of Patroni's own API"
            assert {roles[f"{twin}_password"] for twin in TWINS} == {""}
            name = f"{noun}_db_password"
            for path, role in OF_BOTH.items():
                assert nomad.variables[path].pop(name) == roles[f"{role}_password"]
    assert nomad.variables == {path: {} for path in OF_BOTH}


def login(user: str, password: str) -> dict[str, str]:
    return {"database_role": user, "database_password": password}


def test_services_of_an_earlier_version_keep_their_passwords_and_get_the_names_of_their_roles(
    cluster: Cluster, nomad: Nomad
) -> None:
    nomad.write("nomad/jobs/task-db/db/postgres", {"owner_password": "1", "app_password": "2"})
    nomad.write("nomad/jobs/task-service/api/migrate", {"database_password": "1"})
    nomad.write("nomad/jobs/task-service/api/app", {"database_password": "2", "other": "kept"})
    passwords.make(cluster)
    assert nomad.variables["nomad/jobs/task-service/api/migrate"] == login("task_owner", "1")
    app = nomad.variables["nomad/jobs/task-service/api/app"]
    assert app == {**login("task_app", "2"), "other": "kept"}


def test_another_password_has_another_name_which_does_not_contain_it(
    cluster: Cluster, nomad: Nomad
) -> None:
    passwords.make(cluster)
    before = passwords.name(cluster)
    assert passwords.name(cluster) == before
    for task in ("migrate", "app"):
        items = nomad.variables[f"nomad/jobs/task-service/api/{task}"]
        assert before not in items["database_password"]
        items["database_password"] += "x"
        assert passwords.name(cluster) != before
        before = passwords.name(cluster)


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


def test_the_store_of_logs_and_all_collectors_have_one_password(
    cluster: Cluster, nomad: Nomad
) -> None:
    for _ in range(2):
        passwords.make_log_stores(cluster)
        assert len(nomad.variables) == 5
        assert len({items["password"] for items in nomad.variables.values()}) == 1
    assert {path for path in nomad.variables if path.startswith("nomad/jobs/collector/")} == {
        "nomad/jobs/collector/machine/vlagent",
        "nomad/jobs/collector/machine/vmagent",
    }


@pytest.mark.parametrize(
    ("user", "task", "due"),
    [
        (0, 0, ["user-db", "task-db"]),
        (4, 0, ["user-db", "task-db"]),  # the variable of one was made anew
        (1, 0, ["user-db", "task-db"]),  # interrupted before the second one began
        (1, 1, ["user-db", "task-db"]),
        (2, 1, ["task-db"]),  # interrupted after the first one ended
    ],
)
def test_an_interrupted_rotation_is_completed_and_else_each_database_takes_part(
    cluster: Cluster, nomad: Nomad, user: int, task: int, due: list[str]
) -> None:
    for name, step in (("user-db", user), ("task-db", task)):
        nomad.write(f"nomad/jobs/{name}/db/postgres", {"rotation": str(step)})
    assert [database.name for database in passwords.due(cluster)] == due
