"""A cluster for tests, in a network namespace of its own. Everything of it is deleted at the end.

Tests use it by its commands, its gateway and the agents' APIs. A cluster of the machine itself is
not visible from it and not changed.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from tasktracker_cli.logins.credentials import Credentials
from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import AdminError, CommandError, NotReadyError
from tasktracker_cluster.jobs import allocations, gateway
from tasktracker_cluster.machine import cni, folders, network, processes, shell, wait
from tasktracker_cluster.site import GATEWAY_URL, Site
from tasktracker_cluster.testing.namespaces import network_namespace
from tasktracker_cluster.topology import JOBS, RELEASE_JOBS

PROGRAM = Path(sys.executable).with_name("tasktracker-cli")
PASSWORD = "an example passphrase"
SETTLING_SECONDS = 180  # a start takes two minutes on a busy machine


@dataclass(frozen=True)
class ThrowawayCluster:
    """A cluster with its state in `home`."""

    home: Path

    @property
    def site(self) -> Site:
        return replace(Site.from_environment(), home=self.home)

    def admin(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `tasktracker-cli admin`. With `check`, its exit code must be 0."""
        result = self.run(["admin", *words])
        if check:
            assert result.returncode == 0, result.stdout + result.stderr
        return result

    def start_admin(self, *words: str) -> subprocess.Popen[str]:
        """Start `tasktracker-cli admin` without waiting for it, in a process group of its own."""
        return subprocess.Popen(
            [*self.prefix, PROGRAM, "admin", *words],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def user(self, name: str) -> "User":
        """Register a new user through the CLI, log in, and return the user."""
        user = User(self, name)
        user.run("register", "--username", name, "--email", f"{name}@example.com",
                 "--password-stdin", stdin=PASSWORD)  # fmt: skip
        user.run("login", "--username", name, "--password-stdin", stdin=PASSWORD)
        return user

    def evidence(self) -> list[str]:
        """Return the last events and log lines of the jobs, or Nomad's error."""
        try:
            jobs = (*JOBS, *RELEASE_JOBS)
            return [line for job in jobs for line in allocations.evidence(self.as_operator, job)]
        except AdminError as error:
            return [str(error)]

    @property
    def as_operator(self) -> Cluster:
        """The cluster as the operator's commands see it, read anew: its tokens may be new."""
        return Cluster(self.site)

    @property
    def nomad(self) -> Api:
        """Nomad's API, with the right to do everything."""
        return self.as_operator.nomad

    @property
    def consul(self) -> Api:
        """Consul's API, with the right to do everything."""
        return self.as_operator.consul

    def agent_pid(self, agent: str) -> int:
        """Return the process id of an agent, 0 when it does not run."""
        return next((p.pid for p in supervisor.processes(self.site) if p.name == agent), 0)

    def allocation(self, job: str) -> dict[str, Any]:
        """Return the running allocation of a job. Raises ValueError unless there is exactly one."""
        (running,) = self.allocations(job)
        return running

    def allocations(self, job: str) -> list[dict[str, Any]]:
        """Return the running allocations of a job."""
        return allocations.placed(self.as_operator, job)

    def kill(self) -> None:
        """Kill all processes of the cluster, as a loss of power does, until nothing is left."""
        wait.until("silence", self._kill, SETTLING_SECONDS)

    def _kill(self) -> bool:
        """Kill what runs, and return whether nothing did: a late one may have started another."""
        alive = processes.of_site(self.site)
        for process in alive:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        return not alive

    def settle(self) -> None:
        """Wait until the effects of a fault have ended: all checks pass, and all services answer.

        Raises NotReadyError when that takes longer than three minutes, with what is missing.
        """
        missing: list[str] = []

        def is_settled() -> bool:
            missing[:] = self._unsettled()
            return not missing

        try:
            wait.until("a settled cluster", is_settled, SETTLING_SECONDS)
        except NotReadyError as error:
            message = f"{error.message} Missing: {', '.join(missing)}."
            raise NotReadyError(message) from error

    def _unsettled(self) -> list[str]:
        """Return what keeps the cluster from being settled."""
        # A restarted Consul agent sets each check to critical until it has run. The catalog has
        # that state only later, so both are read.
        try:
            checks = [
                *self.consul.call("GET", "/v1/agent/checks").values(),
                *self.consul.call("GET", "/v1/health/state/any"),
            ]
        except AdminError as error:
            return [error.message]
        failing = [each for each in checks if each["Status"] != "passing"]
        if failing or not checks:
            named = {f"{each['ServiceName'] or each['Node']}: {each['Name']}" for each in failing}
            return sorted(named) or ["any check"]
        return [] if gateway.answers() else ["an answer of each service at the gateway"]

    def lose_power(self) -> None:
        """Kill all processes, and forget what a machine without power forgets."""
        self.kill()
        self._forget_what_was_in_memory()

    def _forget_what_was_in_memory(self) -> None:
        """Unmount the secrets; remove the namespaces, their addresses, interfaces and rules."""
        self.unmount()
        allocated = cni.allocations(self.site)
        for name in allocated:
            if (cni.NAMESPACES / name).exists():
                shell.run(["ip", "netns", "delete", name])
        # With an address that is still in use Nomad may crash when it sets up an allocation again.
        for address in cni.addresses(allocated).values():
            address.unlink()
        network.remove_interfaces()
        shell.run(["iptables-restore", "--wait"], stdin="*filter\nCOMMIT\n*nat\nCOMMIT\n")

    def end(self) -> None:
        """Delete the cluster, whatever a test has left of it, and check that its networks ended."""
        allocated = cni.allocations(self.site)
        self.admin("destroy", "--yes", check=False)
        if self.site.home.exists():  # it could not be destroyed
            processes.end_all(self.site)
            cni.remove(self.site)
        assert not cni.networks(allocated)

    def unmount(self) -> None:
        """Unmount all below the state folder. A process that is being killed may still use one."""
        wait.until("the end of the last file's user", self._unmount, SETTLING_SECONDS)

    def _unmount(self) -> bool:
        try:
            folders.unmount_below(self.home)
        except CommandError:
            return False
        return True

    def running(self) -> set[str]:
        """Return the ids of all running allocations."""
        known = self.nomad.call("GET", "/v1/allocations")
        return {a["ID"] for a in known if a["ClientStatus"] == "running"}

    def service_pid(self, module: str) -> int:
        """Return the process id of a service's application, 0 when it does not run."""
        return self._pid(lambda words: words[1:3] == ["-m", module])

    def postmaster(self, database: str) -> int:
        """Return the process id of a database's first process."""
        pid_file = Path(self.site.volume(database), "data", "postmaster.pid")
        return int(pid_file.read_text().split()[0])

    def sidecar_pid(self, job: str) -> int:
        """Return the process id of the Envoy beside a job's application, 0 when it does not run."""
        return self.task_pid(job, f"connect-proxy-{job}")

    def task_pid(self, job: str, task: str) -> int:
        """Return the process id of a task's first process, 0 when it does not run.

        It is in the task's control group, and its parent is Nomad's, which is not. The parent of a
        daemon of the task, as PostgreSQL is one of Patroni's, is the supervisor.
        """
        parents = self.task_parents(self.allocation(job)["ID"], task)
        return next((pid for pid, parent in parents.items() if _is_executor(parent)), 0)

    def task_parents(self, allocation: str, task: str) -> dict[int, int]:
        """Return the process id of every process of a task, with that of its parent."""
        group = f"/{allocation}.{task}"
        parents = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # the process ended in the meantime
                if group in (folder / "cgroup").read_text():
                    stat = (folder / "stat").read_text()
                    parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
        return parents

    def task_folder(self, job: str, task: str) -> Path:
        """Return the working folder of a task of a job's running allocation."""
        allocation = Path(self.home, "nomad", "alloc", self.allocation(job)["ID"])
        named = str(self.task_config(job, task).get("work_dir", task))
        return allocation / named.replace("${NOMAD_ALLOC_DIR}/..", ".").replace(
            "${NOMAD_TASK_DIR}", f"{task}/local"
        )

    def task_config(self, job: str, task: str) -> dict[str, Any]:
        """Return the `config` block of a task of a job's running allocation."""
        allocation = self.nomad.call("GET", f"/v1/allocation/{self.allocation(job)['ID']}")
        (group,) = allocation["Job"]["TaskGroups"]
        return dict(next(each["Config"] for each in group["Tasks"] if each["Name"] == task))

    def _pid(self, is_it: Callable[[list[str]], bool]) -> int:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = processes.command_line(folder)
            except OSError:  # the process ended in the meantime
                continue
            if words[0].startswith(str(self.site.releases)) and is_it(words):
                return int(folder.name)
        return 0

    def network(self, job: str) -> Path:
        """Return the file of the network namespace of a job's allocation."""
        return Path("/run/netns", self.allocation(job)["ID"])

    def exec(self, job: str, command: Sequence[str], user: str) -> subprocess.CompletedProcess[str]:
        """Run a program inside a job's network namespace, as one of the machine's users."""
        return subprocess.run(
            ["nsenter", f"--net={self.network(job)}", "runuser", "-u", user, "--", *command],
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def prefix(self) -> tuple[str, ...]:
        """The start of each command."""
        return ()

    def run(
        self, words: Sequence[str], stdin: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `tasktracker-cli` to its end."""
        return subprocess.run(
            [*self.prefix, PROGRAM, *words],
            env=self.environment(**variables),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def environment(self, **variables: str) -> dict[str, str]:
        """Return the environment of each command."""
        return {**os.environ, "TASKTRACKER_HOME": str(self.home), **variables}


def _is_executor(pid: int) -> bool:
    """Return whether a process is the one with which Nomad starts a task."""
    with suppress(OSError):  # the process ended in the meantime
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:2] == [b"executor"]
    return False


@dataclass(frozen=True)
class User:
    """A user of the CLI, with a login of their own."""

    cluster: ThrowawayCluster
    name: str

    def run(self, *words: str, stdin: str = "", code: int = 0) -> str:
        """Run `tasktracker-cli`, check its exit code, and return its standard output."""
        result = self.cluster.run(words, stdin, XDG_STATE_HOME=str(self._state))
        assert result.returncode == code, result.stdout + result.stderr
        return result.stdout

    @property
    def logins(self) -> Credentials:
        """The store of this user's tokens."""
        return Credentials(self._state / "tasktracker")

    @property
    def _state(self) -> Path:
        return self.cluster.home.parent / "users" / self.name

    def json(self, *words: str) -> Any:
        """Run a command with --json and parse its answer."""
        return json.loads(self.run(*words, "--json"))

    def http(self) -> httpx.Client:
        """Return a client of the gateway with this user's own token."""
        login = httpx.post(
            f"{GATEWAY_URL}/api/v1/auth/login",
            json={"username": self.name, "password": PASSWORD},
            trust_env=False,
            timeout=60,
        )
        token = login.raise_for_status().json()["access_token"]
        return httpx.Client(
            base_url=GATEWAY_URL,
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=60,
        )


@contextmanager
def installed(*, traces: bool = False) -> Iterator[ThrowawayCluster]:
    """Install a cluster that is ready for `up`, with its state in a folder of its own.

    With `traces` it is ready for `observe --traces`, too.

    During the block this thread is in the namespace, where `localhost:8000` is the cluster's
    gateway.
    """
    assert os.geteuid() == 0, "a cluster needs root"
    home = Path(tempfile.mkdtemp(prefix="tt-", dir="/tmp"))
    home.chmod(0o755)
    cluster = ThrowawayCluster(home / "state")
    try:
        # Only this step needs a package registry, which the namespace cannot reach.
        cluster.admin("install", "--observe", *(["--traces"] if traces else []))
        with network_namespace():
            try:
                yield cluster
            finally:
                cluster.end()
    finally:
        shutil.rmtree(home)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process with SIGSTOP during the block. Its files and sockets stay open."""
    assert pid, "the process does not run"  # 0 would be this process and its whole group
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # a repair has replaced the process
            os.kill(pid, signal.SIGCONT)
