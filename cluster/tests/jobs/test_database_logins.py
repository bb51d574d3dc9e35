"""jobs.database_logins: no task has a password that is refused, wherever a rotation stops."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from cluster.tests.fake_cluster import install_release
from cluster.tests.http_server import Agent, Refusal, Request
from cluster.tests.killed import every_kill
from cluster.tests.nomad_server import Json, Nomad, allocation
from tasktracker_cluster.agents import credentials, ownership, supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import (
    ApiError,
    BusyError,
    CommandError,
    JobFailedError,
    NoInstanceError,
    NotReadyError,
    NotRootError,
    RefusedRotationError,
    UnfitMachineError,
)
from tasktracker_cluster.jobs import database_logins, passwords, postgres, signing_keys
from tasktracker_cluster.jobs.passwords import CLIENTS, Items
from tasktracker_cluster.machine import shell
from tasktracker_cluster.node import Node
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import DATABASES, TURNS, TWINS, Database

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="rotate needs root")

EXPORT = re.compile(r"^export (\w+)=(.*)$", re.MULTILINE)
TASK = {"Name": "postgres", "Config": {"command": "wall", "args": ["--"]}}
GROUPS = {"TaskGroups": [{"Tasks": [TASK]}]}


class World:
    """Databases and services, which know what a rotation told them.

    After each change it notes in `refused` whose password its database does not take: that of a
    running instance, or that which a new instance would get.
    """

    def __init__(self, cluster: Cluster, nomad: Nomad) -> None:
        self.cluster, self.nomad = cluster, nomad
        self.databases = {d.name: dict(nomad.variables[path_of(d)]) for d in DATABASES}
        self.versions: dict[str, list[str]] = {service.name: [] for service in CLIENTS}
        self.instances: dict[str, dict[str, Items]] = {}
        self.refused: list[tuple[str, str]] = []
        self.instances_asked: set[str] = set()
        self.failing: set[str] = set()  # the services whose new versions fail
        self.reverted: set[str] = set()  # those of which Nomad makes the version before again
        for database in DATABASES:
            nomad.answers[f"/v1/job/{database.name}/allocations"] = [allocation(database.name)]
            nomad.answers[f"/v1/allocation/{database.name}"] = {"Job": GROUPS}
            nomad.answers[f"/told/{database.name}"] = self._told
        nomad.answers["/v1/node/1"] = {"Meta": {"tasktracker.home": str(cluster.site.home)}}
        for service in CLIENTS:
            nomad.answers[f"/submitted/{service.name}"] = self._submitted
            self._start(service.name, passwords.name(cluster))

    def run(self, command: Sequence[str | Path], **given: object) -> str:
        """Stand for `nomad` and every program: each one asks the server, as a change does."""
        words = [str(word) for word in command]
        if words[1:3] == ["job", "run"]:
            service = Path(words[-1]).name.removesuffix(".nomad.hcl")
            environment = given["env"]
            assert isinstance(environment, Mapping)
            told = {name: environment[f"NOMAD_VAR_{name}"] for name in
                    ("database_logins", "instances")}  # fmt: skip
            return self._ask(f"/submitted/{service}", told)
        if words[1:3] == ["alloc", "exec"]:
            database = words[words.index("--") + 1]
            assert not any(password in " ".join(words) for password in self._secrets())
            if "--command" in words:
                known = self.databases[database]
                return f"passwords {known['series']}/{known['rotation']}\n" if known else "\n"
            assert str(given["stdin"]).endswith("# the script\n")
            items = {name.lower(): value.strip("'")
                     for name, value in EXPORT.findall(str(given["stdin"]))}  # fmt: skip
            return self._ask(f"/told/{database}", items)
        return REAL_RUN(command, **given)  # type: ignore[arg-type] # as it came

    def _ask(self, path: str, body: Json) -> str:
        try:
            self.cluster.nomad.call("PUT", path, body)
        except ApiError as error:
            raise CommandError("failed") from error
        return ""

    def _secrets(self) -> list[str]:
        return [items[name] for items in self.databases.values() for name in items
                if name.endswith("_password") and items[name]]  # fmt: skip

    def _told(self, request: Request) -> object:
        """Take the passwords, as roles.sh does."""
        known, new = self.databases[request.path.rpartition("/")[2]], request.body
        if not int(known["rotation"]) > int(new["rotation"]):
            known.update({name: new[name] for name in known if name in new})
        self._look()
        return {}

    def _submitted(self, request: Request) -> object:
        """Replace the instances by new ones, if the name of their logins is another."""
        service = request.path.rpartition("/")[2]
        self.instances_asked.add(request.body["instances"])
        if request.body["database_logins"] != self.versions[service][-1]:
            if service in self.failing:
                self.nomad.has_job(service, allocation(), Status="failed")
                return {}
            if service in self.reverted:
                self._have(service, len(self.versions[service]) + 2)
                return {}
            self._start(service, request.body["database_logins"])
        self._look()
        return {}

    def _start(self, service: str, name: str) -> None:
        self.versions[service].append(name)
        self.instances[service] = {task: dict(self.nomad.variables[path(service, task)])
                                   for task in ("migrate", "app")}  # fmt: skip
        self._have(service, len(self.versions[service]))

    def _have(self, service: str, version: int) -> None:
        running = allocation(version=version)
        self.nomad.has_job(service, running, version=version, Status="successful")
        job: Json = {
            "Version": version,
            "TaskGroups": [{"Count": 1}],
            "Meta": {"database_logins": self.versions[service][-1]},
        }
        self.nomad.answers[f"/v1/job/{service}"] = job

    def _look(self) -> None:
        for service in CLIENTS:
            assert service.database
            for task in ("migrate", "app"):
                variable = self.nomad.variables[path(service.name, task)]
                for login in (self.instances[service.name][task], variable):
                    if not self.accepts(service.database, login):
                        self.refused.append((service.name, task))

    def accepts(self, database: Database, login: Mapping[str, str]) -> bool:
        """Return whether the database lets a task in with these items of its variable."""
        role = login["database_role"].removeprefix(f"{database.noun}_")
        return login["database_password"] == (self.databases[database.name][f"{role}_password"])

    def logins(self) -> list[tuple[Database, Items]]:
        """Return what the running instances log in with."""
        return [
            (service.database, self.instances[service.name][task])
            for service in CLIENTS
            for task in ("migrate", "app")
            if service.database
        ]


REAL_RUN = shell.run


def path(service: str, task: str) -> str:
    return f"nomad/jobs/{service}/api/{task}"


def path_of(database: Database) -> str:
    return f"nomad/jobs/{database.name}/db/postgres"


@pytest.fixture
def world(cluster: Cluster, nomad: Nomad, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a running cluster with passwords, none of which was rotated."""
    monkeypatch.setattr(supervisor, "is_running", lambda _site: True)
    credentials.create(cluster.site)
    install_release(cluster.site)
    script = cluster.site.checkout / postgres.ROLES
    script.parent.mkdir(parents=True)
    script.write_text("# the script\n")
    passwords.make(cluster)
    signing_keys.make(cluster)
    world = World(cluster, nomad)
    monkeypatch.setattr(shell, "run", world.run)
    return world


def rotate(cluster: Cluster) -> None:
    database_logins.rotate(cluster, Steps(Console(quiet=True)))


def must_be_complete(world: World, old: list[tuple[Database, Items]]) -> None:
    """Check that no old password is good, that all instances have new ones, and nobody else."""
    assert world.refused == []
    for database, login in old:
        assert not world.accepts(database, login)
    for database, login in world.logins():
        assert world.accepts(database, login)
        assert (database, login) not in old
    for database in DATABASES:
        variable, known = world.nomad.variables[path_of(database)], world.databases[database.name]
        assert variable == known
        assert not passwords.is_rotating(known)
        valid = [role for role in (*TURNS, *TWINS) if known[f"{role}_password"]]
        assert valid in (list(TURNS), list(TWINS))
    assert len({known["rotation"] for known in world.databases.values()}) == 1


def test_each_rotation_ends_the_passwords_before_and_no_task_is_refused_meanwhile(
    cluster: Cluster, world: World
) -> None:
    users = []
    for _ in range(3):
        old = world.logins()
        rotate(cluster)
        must_be_complete(world, old)
        users.append([login["database_role"] for _, login in world.logins()])
    twins = ["user_owner_twin", "user_app_twin", "task_owner_twin", "task_app_twin"]
    roles = [name.removesuffix("_twin") for name in twins]
    assert users == [twins, roles, twins]


def test_other_secrets_stay(cluster: Cluster, nomad: Nomad, world: World) -> None:
    before = {name: dict(items) for name, items in nomad.variables.items()}
    rotate(cluster)
    turns = {f"{role}_password" for role in (*TURNS, *TWINS)}
    for name, items in nomad.variables.items():
        changed = {item for item in items if items[item] != before[name].get(item)}
        assert changed <= turns | {"rotation", "database_role", "database_password"}
        assert items.keys() == before[name].keys()


def test_a_rotation_keeps_the_number_of_instances_and_of_other_jobs(
    cluster: Cluster, nomad: Nomad, world: World
) -> None:
    nomad.answers["/v1/job/user-service"] = {"Version": 1, "TaskGroups": [{"Count": 2}]}
    rotate(cluster)
    assert world.instances_asked == {"2"}
    assert {service: len(known) for service, known in world.versions.items()} == {
        "user-service": 2,
        "task-service": 2,
    }


def test_a_rotation_that_was_killed_at_any_change_is_completed_by_another(
    cluster: Cluster, world: World
) -> None:
    old = world.logins()

    def recover() -> None:
        assert world.refused == [], "the cluster works as it was left"
        nonlocal old
        rotate(cluster)
        must_be_complete(world, old)
        old = world.logins()

    assert every_kill(lambda: rotate(cluster), recover) > 12


def test_up_after_a_killed_rotation_refuses_no_task(cluster: Cluster, world: World) -> None:
    def recover() -> None:
        passwords.make(cluster)
        for service in CLIENTS:
            told = {"database_logins": passwords.name(cluster), "instances": "1"}
            cluster.nomad.call("PUT", f"/submitted/{service.name}", told)
        assert world.refused == []

    assert every_kill(lambda: rotate(cluster), recover) > 10
    assert world.refused == []


@pytest.mark.parametrize("service", [service.name for service in CLIENTS])
def test_a_service_that_does_not_start_ends_it_and_the_old_passwords_stay_good(
    cluster: Cluster, world: World, service: str
) -> None:
    old = world.logins()
    world.failing = {service}
    with pytest.raises(JobFailedError, match=service):
        rotate(cluster)
    assert world.refused == []
    assert all(world.accepts(database, login) for database, login in old)

    world.failing = set()
    rotate(cluster)
    must_be_complete(world, old)


@pytest.mark.parametrize("service", [service.name for service in CLIENTS])
def test_when_nomad_goes_back_to_the_version_before_the_old_passwords_stay_good(
    cluster: Cluster, world: World, service: str
) -> None:
    old = world.logins()
    world.reverted = {service}
    with pytest.raises(JobFailedError, match=f"went back to the version of {service} before"):
        rotate(cluster)
    assert world.refused == []
    assert all(world.accepts(database, login) for database, login in old)

    world.reverted = set()
    rotate(cluster)
    must_be_complete(world, old)


@pytest.mark.parametrize("name", [database.name for database in DATABASES])
def test_a_database_that_takes_no_passwords_ends_it_before_a_service_gets_them(
    cluster: Cluster, nomad: Nomad, world: World, name: str
) -> None:
    old, takes = world.logins(), nomad.answers[f"/told/{name}"]
    nomad.answers[f"/told/{name}"] = Refusal(500)
    with pytest.raises(CommandError):
        rotate(cluster)
    assert world.logins() == old
    assert world.refused == []

    nomad.answers[f"/told/{name}"] = takes
    rotate(cluster)
    must_be_complete(world, old)


@pytest.mark.parametrize("said", [{}, {"series": "of another", "rotation": "0"}])
def test_a_database_of_an_earlier_version_is_refused(
    cluster: Cluster, nomad: Nomad, world: World, said: Items
) -> None:
    world.databases["task-db"] = said
    written = len(nomad.written)
    with pytest.raises(RefusedRotationError, match="task-db") as raised:
        rotate(cluster)
    assert "./just up" in raised.value.hint
    assert len(nomad.written) == written


def test_variables_of_an_earlier_version_are_refused_until_up(
    cluster: Cluster, nomad: Nomad, world: World
) -> None:
    items = {"owner_password": "first", "app_password": "second"}
    nomad.write(path_of(DATABASES[0]), items)
    with pytest.raises(RefusedRotationError, match=DATABASES[0].name):
        rotate(cluster)
    assert nomad.variables[path_of(DATABASES[0])] == items


def test_without_a_leader_nothing_is_rotated(
    cluster: Cluster, nomad: Nomad, consul: Agent, world: World
) -> None:
    nomad.answers["/v1/job/task-db/allocations"] = []
    consul.answers["/v1/health/service/task-db"] = []
    written = len(nomad.written)
    with pytest.raises(NoInstanceError, match="task-db"):
        rotate(cluster)
    assert len(nomad.written) == written


def test_a_joined_machine_rotates_nothing(site: Site, cluster: Cluster, world: World) -> None:
    site.node_file.write_text(Node(name="node-2", first="node-1").text)
    with pytest.raises(UnfitMachineError) as raised:
        rotate(cluster)
    assert "node-1" in raised.value.hint


def test_without_a_cluster_nothing_is_rotated(
    cluster: Cluster, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "is_running", lambda _site: False)
    with pytest.raises(NotReadyError, match="no running cluster"):
        rotate(cluster)


def test_it_waits_for_no_other_command(site: Site, cluster: Cluster, world: World) -> None:
    with ownership.locked(site), pytest.raises(BusyError):
        rotate(cluster)


def test_it_needs_root(cluster: Cluster, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NotRootError, match="rotate db-password"):
        rotate(cluster)
