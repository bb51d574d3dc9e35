"""One name for one thing: file, job, service, intention, system user."""

from tasktracker_cli.admin import jobs as running
from tasktracker_cli.admin import machine
from tests.infra.reading import JOB_FILES, Json, job_name, only_service, tasks, upstreams

ENVOY = "tasktracker-envoy"
POSTGRES = "postgres"


def test_a_job_and_its_service_have_the_name_of_the_file(jobs: dict[str, Json]) -> None:
    for file_name, job in jobs.items():
        assert job["ID"] == job["Name"] == only_service(job)["Name"] == file_name


def test_up_runs_every_job_file() -> None:
    assert sorted(running.names()) == sorted(map(job_name, JOB_FILES))


def test_up_runs_a_job_after_the_databases_that_it_connects_to(jobs: dict[str, Json]) -> None:
    started: set[str] = set()
    for row in running.ORDER:
        for name in row:
            databases = upstreams(jobs[name]).keys() & set(machine.DATABASES)
            assert databases <= started, name
        started.update(row)


def test_each_service_has_a_system_user_of_its_own(jobs: dict[str, Json]) -> None:
    owner: dict[str, str] = {}
    for name, job in jobs.items():
        users = {task["User"] for task in tasks(job) if task["Name"] != "envoy"}
        assert len(users) == 1, name
        (user,) = users
        if user != POSTGRES:  # its programs ask for it; both databases' files belong to it
            assert owner.setdefault(user, name) == name, f"{user} runs {owner[user]} and {name}"


def test_every_sidecar_runs_as_the_user_of_the_sidecars(jobs: dict[str, Json]) -> None:
    sidecars = {t["User"] for job in jobs.values() for t in tasks(job) if t["Name"] == "envoy"}
    assert sidecars == {ENVOY}


def test_up_makes_exactly_the_users_that_the_jobs_name(jobs: dict[str, Json]) -> None:
    users = {task["User"] for job in jobs.values() for task in tasks(job)}
    assert users - {POSTGRES} == set(machine.USERS)


def test_nothing_runs_as_root(job: Json) -> None:
    for task in tasks(job):
        assert task["User"] not in ("", "root"), task["Name"]
