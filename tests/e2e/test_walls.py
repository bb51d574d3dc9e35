"""The rights of a compromised task on the machine: an intruder program in its place tries all."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tasktracker_cluster.jobs import postgres
from tasktracker_cluster.jobs.tasks import Task, wall
from tasktracker_cluster.machine import processes, wait
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tasktracker_cluster.topology import (
    DATABASES,
    JOB_USERS,
    MAIN_TASKS,
    PAGES_USER,
    SERVICES,
    STORE_USER,
)

LIMIT_SECONDS = 180  # generous: a machine may be busy
INTRUDER = Path(__file__).with_name("intruder.py").read_text()

TASKS = (
    *MAIN_TASKS.items(),
    *((each.name, f"connect-proxy-{each.name}") for each in (*DATABASES, *SERVICES)),
)

# The files that every user of the machine may read: programs, and the owner of the cluster.
PUBLIC = (
    r"(|backup(/barman\.conf)?|owner\.json|\.lock|bin(/.*)?|artifacts(/.*)?|releases(/.*)?|volumes)"
)


@dataclass(frozen=True)
class Reached:
    """Names below the state folder."""

    read: set[str]
    write: set[str]


def everything(cluster: ThrowawayCluster) -> str:
    """Return every path of the state folder that root sees, but only a few of the libraries."""
    paths = [str(cluster.home)]
    for folder, folders, names in os.walk(cluster.home):
        if folder.endswith("/site-packages"):
            folders[:] = folders[:3]
        paths += [os.path.join(folder, name) for name in (*folders, *names)]
    return "\0".join(paths)


def intrude(cluster: ThrowawayCluster, command: list[str], folder: Path | str) -> Reached:
    """Run the intruder with a command that changes the user, or that puts it behind a wall."""
    python = str((cluster.site.release / "bin" / "python").resolve())
    result = subprocess.run(
        [*command, python, "-I", "-c", INTRUDER],
        cwd=folder,
        input=everything(cluster),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    return Reached(*({_below(cluster, name) for name in found[way]} for way in ("read", "write")))


def _below(cluster: ThrowawayCluster, name: str) -> str:
    return "" if name == str(cluster.home) else name.removeprefix(f"{cluster.home}/")


def walled(cluster: ThrowawayCluster, job: str, task: str) -> list[str]:
    """Return the command of the running task's wall."""
    allocation = cluster.nomad.call("GET", f"/v1/allocation/{cluster.allocation(job)['ID']}")
    return list(wall(cluster.site, allocation["Job"], task))


def own_files(cluster: ThrowawayCluster, job: str, task: str) -> tuple[str, str]:
    """Return two patterns: the files that the task may read, and those that it may write.

    The task must reach at least one file of each.
    """
    allocation = f"nomad/alloc/{cluster.allocation(job)['ID']}"
    if task == "postgres":
        volume = rf"volumes/{job}(/.*)?"
        current = rf"releases/{cluster.site.release.resolve().name}(/.*)?"
        return "|".join([current, rf"{allocation}/postgres/local(/.*)?", volume]), volume
    (release,) = set(re.findall(r"/releases/(\w+)/", json.dumps(cluster.task_config(job, task))))
    programs = rf"releases/{(cluster.site.releases / release).resolve().name}(/.*)?"
    if task == "app" and job == "portal":  # which pages it lists
        return rf"{programs}|{allocation}/app/local(/.*)?", ""
    if task == "app":
        return programs, ""
    if task == "traefik":
        temporary = rf"{allocation}/traefik/tmp(/.*)?"
        local = rf"{allocation}/traefik/local(/.*)?"
        secret = rf"{allocation}/traefik/secrets/dynamic(/.*)?"
        return "|".join([programs, local, secret, temporary]), temporary
    return rf"{programs}|{allocation}/{task}/secrets/envoy_bootstrap\.json", ""


@pytest.mark.parametrize(("job", "task"), TASKS)
def test_a_task_reaches_its_own_files_and_nothing_else(
    cluster: ThrowawayCluster, job: str, task: str
) -> None:
    reached = intrude(cluster, walled(cluster, job, task), cluster.task_folder(job, task))
    may_read, may_write = own_files(cluster, job, task)
    assert [name for name in reached.read if not re.fullmatch(may_read, name)] == []
    assert [name for name in reached.write if not re.fullmatch(may_write, name)] == []
    for pattern in may_read.split("|"):
        assert any(re.fullmatch(pattern, name) for name in reached.read), pattern
    assert bool(may_write) == bool(reached.write)


@pytest.mark.parametrize("user", ["nobody", "postgres", PAGES_USER, STORE_USER, *JOB_USERS])
def test_a_system_user_without_a_wall_reaches_public_files_only(
    cluster: ThrowawayCluster, user: str
) -> None:
    reached = intrude(cluster, ["runuser", "-u", user, "--"], "/")
    data = {each.user: rf"volumes/{each.name}(/.*)?" for each in DATABASES}
    # The certificate of this user: its own files in a folder of root. One makes a socket, too.
    own = {PAGES_USER: r"pages(/.*)?|agent-metrics", STORE_USER: r"store(/.*)?"}
    may_read = "|".join([PUBLIC, *filter(None, [data.get(user), own.get(user)])])
    sockets = "|agent-metrics" if user == PAGES_USER else ""
    may_write = data.get(user) or rf"(pages|store)/[^/]+{sockets}"
    assert [name for name in reached.read if not re.fullmatch(may_read, name)] == []
    assert [name for name in reached.write if not re.fullmatch(may_write, name)] == []
    assert "owner.json" in reached.read


@pytest.mark.parametrize(("job", "task"), TASKS)
def test_a_task_reaches_nothing_of_the_rest_of_the_machine(
    cluster: ThrowawayCluster, job: str, task: str, stranger: Path
) -> None:
    others = running_tasks(cluster).values()
    paths = [stranger, "/root", "/home", "/tmp", "/var/log", "/var/lib", "/etc/shadow", "/dev/shm",
             "/run", *(f"/proc/{pid}/environ" for pid in others), "/proc/1/environ"]  # fmt: skip
    python = str((cluster.site.release / "bin" / "python").resolve())
    result = subprocess.run(
        [*walled(cluster, job, task), python, "-I", "-c", INTRUDER],
        cwd=cluster.task_folder(job, task),
        input="\0".join(map(str, paths)),
        capture_output=True,
        text=True,
    )
    assert json.loads(result.stdout) == {"read": [], "write": []}, result.stderr


@pytest.fixture
def stranger(cluster: ThrowawayCluster) -> Iterator[Path]:
    """Give a file of another user that every user may read and write."""
    file = cluster.home.parent / "stranger.txt"
    file.write_text("precious")
    file.chmod(0o666)
    yield file
    file.unlink()


def running_tasks(cluster: ThrowawayCluster) -> dict[tuple[str, str], int]:
    """Return the first process of every running task. Its children have no more rights."""
    return {(job, task): cluster.task_pid(job, task) for job, task in TASKS}


def test_a_task_has_no_privilege_of_any_kind(cluster: ThrowawayCluster) -> None:
    for task, pid in running_tasks(cluster).items():
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        assert status["Groups"].split() == [], task
        for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb"):
            assert int(status[f"Cap{kind}"], 16) == 0, task
        assert status["NoNewPrivs"].strip() == "1", task
        assert status["Seccomp"].strip() == "2", task


def test_every_task_runs_as_a_user_of_its_own(cluster: ThrowawayCluster) -> None:
    tasks = running_tasks(cluster)
    owners = [Path(f"/proc/{pid}").owner() for pid in tasks.values()]
    assert sorted(owners) == sorted(JOB_USERS)
    others = set()
    for each in processes.of_site(cluster.site):
        with suppress(FileNotFoundError):  # a check of a database, which has ended
            if each.pid not in tasks.values():
                others.add(Path(f"/proc/{each.pid}").owner())
    # The agents, the proxy before their pages, and what brings releases to this node; and the
    # server of each database, which is a child of Patroni.
    servers = {each.user for each in DATABASES}
    assert others == {"root", PAGES_USER, STORE_USER, *servers}


@pytest.mark.parametrize(("job", "task"), TASKS)
def test_a_task_can_make_no_namespace(cluster: ThrowawayCluster, job: str, task: str) -> None:
    result = subprocess.run(
        [*walled(cluster, job, task), "/usr/bin/unshare", "--user", "/bin/true"],
        cwd=cluster.task_folder(job, task),
        capture_output=True,
        text=True,
    )
    assert "Operation not permitted" in result.stderr


def test_a_command_run_in_a_task_is_behind_the_tasks_wall(cluster: ThrowawayCluster) -> None:
    task = Task.find(cluster.as_operator, "user-db", "postgres")
    result = subprocess.run(
        task.command(["/bin/cat", "/proc/self/status", "/etc/shadow"]),
        env=task.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert re.search(r"(?m)^CapBnd:\s+0+$", result.stdout), result.stdout
    assert "Permission denied" in result.stderr


@pytest.mark.parametrize("user", ["tasktracker-task-db", "tasktracker-user", "postgres", "nobody"])
def test_only_the_system_user_of_a_database_can_be_its_superuser(
    cluster: ThrowawayCluster, user: str
) -> None:
    superuser = [*postgres.psql(cluster.site, "user-db"), "--command=SELECT 1"]
    asked = cluster.exec("user-db", superuser, "tasktracker-user-db")
    assert asked.returncode == 0, asked.stderr
    refused = cluster.exec("task-db", superuser, user)
    assert "Permission denied" in refused.stderr


def test_every_tasks_memory_is_limited_to_what_its_job_says(cluster: ThrowawayCluster) -> None:
    for (job, task), pid in running_tasks(cluster).items():
        allocation = cluster.nomad.call("GET", f"/v1/allocation/{cluster.allocation(job)['ID']}")
        reserved = allocation["AllocatedResources"]["Tasks"][task]["Memory"]["MemoryMB"]
        assert memory_limit(pid) == reserved * 2**20, task


def memory_limit(pid: int) -> int:
    """Return the memory limit of a process's control group (version 1 or 2), in bytes."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            return int(Path(f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes").read_text())
        if not controllers and Path(f"/sys/fs/cgroup{path}/memory.max").exists():
            return int(Path(f"/sys/fs/cgroup{path}/memory.max").read_text())
    raise AssertionError(f"process {pid} is in no group for memory")


def test_a_task_over_its_memory_limit_is_killed_and_no_other_is(cluster: ThrowawayCluster) -> None:
    before = running_tasks(cluster)
    cluster.nomad.call("PUT", "/v1/jobs", {"Job": glutton(cluster)})
    try:
        state = wait.until(
            "the second time that it is killed", lambda: killed(cluster), LIMIT_SECONDS
        )
        ends = [e for e in state["Events"] if e["Type"] == "Terminated"]
        assert {e["Details"]["signal"] for e in ends} == {"9"}, ends
    finally:
        cluster.nomad.call("DELETE", "/v1/job/glutton", purge="true")
    assert running_tasks(cluster) == before


def glutton(cluster: ThrowawayCluster) -> dict[str, object]:
    """Return a job whose task uses more memory than its limit."""
    task = {
        "Name": "glutton",
        "Driver": "raw_exec",
        "Config": {
            "command": f"{cluster.site.bin}/wall",
            "args": ["--user=nobody", "--", str(Path("/usr/bin/python3").resolve()), "-c",
                     "x = b'x' * 2**30"],
            "work_dir": "/",
        },
        "Resources": {"CPU": 50, "MemoryMB": 32},
        "RestartPolicy": {"Attempts": 9, "Interval": 60 * 10**9, "Delay": 10**9, "Mode": "fail"},
    }  # fmt: skip
    group = {"Name": "glutton", "Count": 1, "Tasks": [task]}
    return {"ID": "glutton", "Type": "batch", "Datacenters": ["dc1"], "TaskGroups": [group]}


def killed(cluster: ThrowawayCluster) -> dict[str, Any] | None:
    """Return the state of the glutton's task when it was killed a second time, else None."""
    for allocation in cluster.nomad.call("GET", "/v1/job/glutton/allocations"):
        state = (allocation["TaskStates"] or {}).get("glutton")
        if state and sum(event["Type"] == "Terminated" for event in state["Events"]) > 1:
            return dict(state)
    return None
