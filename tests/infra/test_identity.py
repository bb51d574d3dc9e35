"""A service has one name: of its file, job, Consul service and intention."""

from pathlib import Path

from tasktracker_cluster.jobs.deployment import source
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import (
    ALL_MAIN_TASKS,
    BACKUP_USERS,
    COLLECTING_USERS,
    DATABASES,
    EXPORTER_USERS,
    JOB_USERS,
    JOBS,
    LOGS,
    MEMBER_USERS,
    OBSERVING_USERS,
    START_ORDER,
)
from tests.infra.reading import (
    ROOT,
    Json,
    only_service,
    read_job,
    run,
    tasks,
    upstreams,
    wall,
)

ENVOY = "envoy"
LONGEST_NAME = 32  # of a system user, on Linux
FOLDER = ROOT / "nomad" / "jobs"


def file_of(job_name: str) -> Path:
    """Return the job's file."""
    return ROOT / source(job_name)[-1]


def test_a_job_and_its_service_have_the_name_that_up_uses(mesh_jobs: dict[str, Json]) -> None:
    for name, job in mesh_jobs.items():
        assert job["ID"] == job["Name"] == only_service(job)["Name"] == name


def test_a_job_has_the_name_of_its_file_unless_it_is_a_database() -> None:
    databases = {database.name for database in DATABASES}
    for name in JOBS:
        stem = "postgres" if name in databases else name
        assert file_of(name) == FOLDER / f"{stem}.nomad.hcl"


def test_up_observe_or_backup_runs_every_job_file() -> None:
    assert {file_of(name) for name in ALL_MAIN_TASKS} == set(FOLDER.glob("*.nomad.hcl"))


def test_a_database_that_no_service_has_is_refused(site: Site) -> None:
    file = file_of(DATABASES[0].name)
    for name in ("user-service", "postgres", "-db"):
        result = run(site.bin / "nomad", "job", "validate", f"-var=name={name}", file)
        assert result.returncode != 0
        assert "The databases are user-db and task-db." in result.stderr
    result = run(site.bin / "nomad", "job", "validate", file)
    assert result.returncode != 0
    assert 'Unset variable "name"' in result.stderr


def test_up_runs_a_job_after_the_databases_that_it_connects_to(jobs: dict[str, Json]) -> None:
    started: set[str] = set()
    for row in START_ORDER:
        for name in row:
            databases = upstreams(jobs[name]).keys() & {database.name for database in DATABASES}
            assert databases <= started, name
        started.update(row)


def test_no_two_jobs_and_no_job_and_its_sidecar_share_a_system_user(
    mesh_jobs: dict[str, Json],
) -> None:
    owner: dict[str, tuple[str, bool]] = {}
    for name, job in mesh_jobs.items():
        for task in tasks(job):
            mine = name, task["Name"] == ENVOY
            user = wall(task).user
            assert owner.setdefault(user, mine) == mine, f"{user} runs {owner[user]} and {mine}"


def test_up_makes_exactly_the_users_that_the_jobs_name(
    site: Site,
    mesh_jobs: dict[str, Json],
    members: dict[str, Json],
    collecting: dict[str, Json],
) -> None:
    users = {wall(task).user for job in mesh_jobs.values() for task in tasks(job)}
    assert users == {*JOB_USERS, *BACKUP_USERS, *EXPORTER_USERS}
    more = {wall(task).user for job in members.values() for task in tasks(job)} - users
    assert more == set(MEMBER_USERS)
    jobs = (*collecting.values(), read_job(site, LOGS, network="192.0.2.1"))
    walled = [t for job in jobs for t in tasks(job) if t["Config"]["command"].endswith("/wall")]
    others = {wall(task).user for task in walled} - set(OBSERVING_USERS.values())
    assert others == set(COLLECTING_USERS)
    assert not others & (users | more)


def test_a_database_runs_as_the_owner_of_its_files(jobs: dict[str, Json]) -> None:
    for database in DATABASES:
        users = {wall(task).user for task in tasks(jobs[database.name]) if task["Name"] != ENVOY}
        assert users == {database.user}


def test_no_name_of_a_system_user_is_too_long() -> None:
    further = (*MEMBER_USERS, *BACKUP_USERS, *EXPORTER_USERS, *COLLECTING_USERS)
    assert max(map(len, (*JOB_USERS, *further))) <= LONGEST_NAME
