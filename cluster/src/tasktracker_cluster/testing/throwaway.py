"""A cluster in a network namespace of its own, of which nothing is left afterwards.

It is used as people use it: by its commands, its gateway and the agents' APIs. What runs on the
machine outside is neither seen nor touched.
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
from tasktracker_cluster.errors import AdminError
from tasktracker_cluster.jobs import allocations
from tasktracker_cluster.machine import processes
from tasktracker_cluster.site import GATEWAY_URL, Site
from tasktracker_cluster.testing.namespaces import network_namespace
from tasktracker_cluster.topology import JOBS

PROGRAM = Path(sys.executable).with_name("tasktracker-cli")
PASSWORD = "an example passphrase"


@dataclass(frozen=True)
class ThrowawayCluster:
    """A cluster with its state in `home`."""

    home: Path

    @property
    def site(self) -> Site:
        return replace(Site.from_environment(), home=self.home)

    def admin(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `tasktracker-cli admin`; with `check` it must exit with 0."""
        result = self._run(["admin", *words], {})
        if check:
            assert result.returncode == 0, result.stdout + result.stderr
        return result

    def start_admin(self, *words: str) -> subprocess.Popen[str]:
        """Start `tasktracker-cli admin` without waiting for it, in a process group of its own."""
        return subprocess.Popen(
            [PROGRAM, "admin", *words],
            env=self._environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def user(self, name: str) -> "User":
        """A new user, registered and logged in through the CLI."""
        user = User(self, name)
        user.run("register", "--username", name, "--email", f"{name}@example.com",
                 "--password-stdin", stdin=PASSWORD)  # fmt: skip
        user.run("login", "--username", name, "--password-stdin", stdin=PASSWORD)
        return user

    def evidence(self) -> list[str]:
        """What the jobs did last, as far as Nomad can be asked."""
        try:
            return [line for job in JOBS for line in allocations.evidence(self.as_operator, job)]
        except AdminError as error:
            return [str(error)]

    @property
    def as_operator(self) -> Cluster:
        """The cluster as the operator's commands see it now: it may have new tokens."""
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
        """The process id of an agent; 0 while it has none."""
        return next((p.pid for p in supervisor.processes(self.site) if p.name == agent), 0)

    def allocation(self, job: str) -> dict[str, Any]:
        """The one running allocation of a job."""
        known = allocations.active(self.as_operator, job)
        (running,) = [each for each in known if each["DesiredStatus"] == "run"]
        return running

    def running(self) -> set[str]:
        """The ids of all running allocations."""
        known = self.nomad.call("GET", "/v1/allocations")
        return {a["ID"] for a in known if a["ClientStatus"] == "running"}

    def service_pid(self, module: str) -> int:
        """The process id of a service's application; 0 while there is none."""
        return self._pid(lambda words: words[1:3] == ["-m", module])

    def postmaster(self, database: str) -> int:
        """The process id of a database's first process."""
        pid_file = Path(self.site.volume(database), "data", "postmaster.pid")
        return int(pid_file.read_text().split()[0])

    def sidecar_pid(self, job: str) -> int:
        """The process id of the Envoy beside a job's application; 0 while there is none."""
        return self.task_pid(job, f"connect-proxy-{job}")

    def task_pid(self, job: str, task: str) -> int:
        """The first process of a task: in its control group, unlike its parent. 0: none is."""
        group = f"/{self.allocation(job)['ID']}.{task}"
        parents = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended meanwhile
                if group in (folder / "cgroup").read_text():
                    stat = (folder / "stat").read_text()
                    parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
        return next((pid for pid, parent in parents.items() if parent not in parents), 0)

    def task_folder(self, job: str, task: str) -> Path:
        """The folder that a task of a job's running allocation is started in."""
        allocation = Path(self.home, "nomad", "alloc", self.allocation(job)["ID"])
        named = str(self.task_config(job, task).get("work_dir", task))
        return allocation / named.replace("${NOMAD_ALLOC_DIR}/..", ".").replace(
            "${NOMAD_TASK_DIR}", f"{task}/local"
        )

    def task_config(self, job: str, task: str) -> dict[str, Any]:
        """How Nomad starts a task of a job's running allocation."""
        allocation = self.nomad.call("GET", f"/v1/allocation/{self.allocation(job)['ID']}")
        (group,) = allocation["Job"]["TaskGroups"]
        return dict(next(each["Config"] for each in group["Tasks"] if each["Name"] == task))

    def _pid(self, is_it: Callable[[list[str]], bool]) -> int:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_text().split("\0")
            except OSError:  # it ended meanwhile
                continue
            if words[0].startswith(str(self.site.releases)) and is_it(words):
                return int(folder.name)
        return 0

    def network(self, job: str) -> Path:
        """The network namespace of a job's allocation."""
        return Path("/run/netns", self.allocation(job)["ID"])

    def exec(self, job: str, command: Sequence[str], user: str) -> subprocess.CompletedProcess[str]:
        """Run a program inside a job's network namespace, as one of the machine's users."""
        return subprocess.run(
            ["nsenter", f"--net={self.network(job)}", "runuser", "-u", user, "--", *command],
            capture_output=True,
            text=True,
            check=False,
        )

    def _run(
        self, words: Sequence[str], variables: dict[str, str], stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *words],
            env=self._environment(variables),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        return {**os.environ, "TASKTRACKER_HOME": str(self.home), **variables}


@dataclass(frozen=True)
class User:
    """A person at the CLI, with a login of their own."""

    cluster: ThrowawayCluster
    name: str

    def run(self, *words: str, stdin: str = "", code: int = 0) -> str:
        """Run `tasktracker-cli`, expect the exit code, and return what it printed as data."""
        result = self.cluster._run(words, {"XDG_STATE_HOME": str(self._state)}, stdin)
        assert result.returncode == code, result.stdout + result.stderr
        return result.stdout

    @property
    def logins(self) -> Credentials:
        """Where this user's CLI keeps its tokens."""
        return Credentials(self._state / "tasktracker")

    @property
    def _state(self) -> Path:
        return self.cluster.home.parent / "users" / self.name

    def json(self, *words: str) -> Any:
        """Run a command with --json and parse its answer."""
        return json.loads(self.run(*words, "--json"))

    def http(self) -> httpx.Client:
        """A client of the gateway with this user's own token."""
        login = httpx.post(
            f"{GATEWAY_URL}/api/v1/auth/login",
            json={"username": self.name, "password": PASSWORD},
            trust_env=False,
            timeout=30,
        )
        token = login.raise_for_status().json()["access_token"]
        return httpx.Client(
            base_url=GATEWAY_URL,
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=30,
        )


@contextmanager
def installed() -> Iterator[ThrowawayCluster]:
    """Install a cluster that is ready for `up`; its state is in a folder of its own.

    This thread is in the namespace for as long as the block lasts: `localhost:8000` is the
    cluster's gateway there.
    """
    assert os.geteuid() == 0, "a cluster needs root"
    home = Path(tempfile.mkdtemp(prefix="tt-", dir="/tmp"))
    home.chmod(0o755)
    cluster = ThrowawayCluster(home / "state")
    try:
        cluster.admin("install")  # the only step that needs a registry, which the namespace lacks
        with network_namespace():
            try:
                yield cluster
            finally:
                cluster.admin("destroy", "--yes", check=False)
                _end_processes(cluster.site)
    finally:
        shutil.rmtree(home)


def _end_processes(site: Site) -> None:
    if site.home.exists():
        processes.end_all(site)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Keep a process from doing anything; it is there, and what it has open stays open."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # a repair has replaced it
            os.kill(pid, signal.SIGCONT)
