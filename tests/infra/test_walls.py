"""Every task is behind a wall, and each wall opens only the task's own files."""

import json

from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import DATABASES
from tests.infra.reading import (
    Json,
    only_group,
    only_service,
    read_job,
    tasks,
    wall,
)

HOME = "${meta.tasktracker.home}"
# What a task reads outside its folder beside its release.
FURTHER = {
    "barman": {f"{HOME}/backup/barman.conf"},
    "exporter": {f"{HOME}/bin/postgres-exporter"},
}


def releases(job: Json) -> set[str]:
    """Return the release folder of the job's programs, for the default of the job's variable."""
    return {f"{HOME}/releases/current"}


def test_a_new_release_changes_every_job_but_the_databases(
    site: Site, jobs: dict[str, Json]
) -> None:
    databases = {database.name for database in DATABASES}
    for name, job in jobs.items():
        released = read_job(site, name, release="0123456789ab")
        if name in databases:
            assert released == job, "it would restart the database for nothing"
        else:
            assert "releases/current" not in json.dumps(released), name


def test_every_task_is_started_by_its_wall(mesh_job: Json) -> None:
    for task in tasks(mesh_job):
        assert task["Driver"] == "raw_exec"
        assert not task.get("User"), (
            "Nomad would add group 0, and the wall needs root to begin with"
        )
        assert wall(task).command, task["Name"]


def test_a_task_writes_to_its_own_data_only(mesh_jobs: dict[str, Json]) -> None:
    written = {
        (name, task["Name"]): set(wall(task).write)
        for name, job in mesh_jobs.items()
        for task in tasks(job)
        if wall(task).write
    }
    assert written == {
        **{(each.name, "postgres"): {f"{HOME}/volumes/{each.name}"} for each in DATABASES},
        ("traefik", "traefik"): {"../tmp"},
        ("backup", "barman"): {f"{HOME}/backup/repository"},
    }


def test_a_task_reads_its_release_and_its_files_of_nomad_only(mesh_job: Json) -> None:
    for task in tasks(mesh_job):
        below_home = {path for path in wall(task).read if path.startswith(HOME)}
        further = FURTHER.get(task["Name"], set[str]())
        assert below_home == releases(mesh_job) & below_home | further, task["Name"]
        # Relative paths are in the task's own folder, or (for a sidecar) one file of it.
        assert set(wall(task).read) - below_home <= {"local", "."}, task["Name"]
        opened = {
            "envoy": (f"connect-proxy-{mesh_job['ID']}/secrets/envoy_bootstrap.json",),
            "postgres": ("secrets/patroni.yml",),
        }
        private = ("../secrets/dynamic",) if task["Name"] == "traefik" else ()
        assert wall(task).private == private, task["Name"]
        assert wall(task).opened == opened.get(task["Name"], ()), task["Name"]


def test_only_a_task_that_needs_its_folder_starts_in_it(mesh_job: Json) -> None:
    for task in tasks(mesh_job):
        folder = task["Config"].get("work_dir", "the task's own")
        if task["Name"] == "envoy":
            assert folder == "${NOMAD_ALLOC_DIR}/..", "Consul's socket is named relative to it"
        elif "." in wall(task).read:
            assert folder == "${NOMAD_TASK_DIR}", "where Traefik looks for its plugin"
        elif "local" in wall(task).read:
            assert folder == "the task's own", task["Name"]
        else:
            assert folder == "/", task["Name"]


def test_a_check_that_runs_in_a_task_is_behind_the_tasks_wall(
    mesh_jobs: dict[str, Json], members: dict[str, Json]
) -> None:
    found = 0
    for job in (*mesh_jobs.values(), *members.values()):
        for check in only_service(job)["Checks"] or []:
            if check["Type"] == "script":
                (task,) = [t for t in only_group(job)["Tasks"] if t["Name"] == check["TaskName"]]
                option, script, _, program, user, *_ = check["Args"]
                assert (check["Command"], option) == ("/bin/sh", "-c")
                # All that is before the wall is its own command line (check.sh).
                first = next(line for line in script.splitlines() if not line.startswith("#"))
                assert first == '"$1" --user="$2" --write="$3" -- /bin/bash -c "$4"'
                assert program == "${meta.tasktracker.home}/bin/wall"
                assert user == wall(task).user
                found += 1
    assert found == len(members)
