"""Reading the cluster's files with Nomad and Consul."""

import importlib.util
import json
import os
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tasktracker_cluster.jobs import deployment
from tasktracker_cluster.site import Site

ROOT = Path(__file__).resolve().parents[2]
# Sorted, so that an intention with HTTP rules comes after its service's protocol, and the name of a
# member after the subsets of its service.
ENTRY_FILES = sorted(
    (
        file
        for name in ("config-entries", "member-entries")
        for file in ROOT.glob(f"consul/{name}/*/*.hcl")
    ),
    key=lambda file: (file.parent.name, "-m" in file.stem, file.name),
)

Json = dict[str, Any]
Entries = dict[tuple[str, str], Json]  # by kind and name
Edge = tuple[str, str]  # source and destination


@dataclass(frozen=True)
class Package:
    """A Python package of this repository. `source` is the folder of its module."""

    name: str
    folder: Path
    source: Path

    @property
    def module(self) -> str:
        """The name to import."""
        return self.source.name


def _packages() -> Iterator[Package]:
    for project in sorted(
        [*ROOT.glob("*/pyproject.toml"), *ROOT.glob("services/*/pyproject.toml")]
    ):
        name = tomllib.loads(project.read_text())["project"]["name"]
        (source,) = (path for path in (project.parent / "src").iterdir() if path.is_dir())
        yield Package(name, project.parent, source)


PACKAGES = tuple(_packages())


def run(*command: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the checkout. It reaches no agent unless `env` has an address."""
    nowhere = {"NOMAD_ADDR": "http://127.0.0.1:1", "CONSUL_HTTP_ADDR": "http://127.0.0.1:1"}
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **nowhere, **env}, capture_output=True, text=True
    )


def program(path: Path) -> ModuleType:
    """Return a job's own program, which is in no package, as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_job(site: Site, name: str, **variables: str) -> Json:
    """Return a job as Nomad reads it, with these values of variables that have a default."""
    env = {f"NOMAD_VAR_{variable}": value for variable, value in variables.items()}
    result = run(site.bin / "nomad", "job", "run", "-output", *deployment.source(name), **env)
    assert result.returncode == 0, result.stderr
    return dict(json.loads(result.stdout)["Job"])


@dataclass(frozen=True)
class Consul:
    """The command line of a Consul agent."""

    program: Path
    env: dict[str, str]

    def __call__(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return run(self.program, *words, **self.env)


def only_group(job: Json) -> Json:
    """Return the only group of a job."""
    (group,) = job["TaskGroups"]
    return dict(group)


def only_service(job: Json) -> Json:
    """Return the service with the job's name: the only one, except of a database's member."""
    services = only_group(job)["Services"]
    assert [each["Name"] for each in services] in ([job["ID"]], [job["ID"], f"{job['ID']}-rest"])
    return dict(services[0])


def tasks(job: Json) -> list[Json]:
    """Return the job's tasks. The sidecar, whose name has the job's, has the name `envoy` here."""
    sidecars = [f"connect-proxy-{job['ID']}", f"connect-proxy-{job['ID']}-rest"]
    return [
        {**task, "Name": "envoy"} if task["Name"] in sidecars else task
        for task in only_group(job)["Tasks"]
    ]


@dataclass(frozen=True)
class Wall:
    """The arguments of a task's wall (tools/wall): its user, its open paths and its program."""

    user: str
    read: tuple[str, ...]
    private: tuple[str, ...]
    write: tuple[str, ...]
    opened: tuple[str, ...]
    log: tuple[str, ...]
    command: tuple[str, ...]


def wall(task: Json) -> Wall:
    """Return the wall of a task, from its configuration."""
    return parse_wall([task["Config"]["command"], *task["Config"]["args"]])


def parse_wall(words: Sequence[str]) -> Wall:
    """Parse a command line of the wall. Raises AssertionError for another program's."""
    assert words[0] == "${meta.tasktracker.home}/bin/wall", words
    end = words.index("--")
    options = [word.removeprefix("--").split("=", 1) for word in words[1:end]]
    known = {"user", "read", "private", "write", "open", "log", "retries"}
    assert {name for name, _ in options} <= known, words

    def values(name: str) -> tuple[str, ...]:
        return tuple(value for each, value in options if each == name)

    (user,) = values("user")
    return Wall(
        user,
        values("read"),
        values("private"),
        values("write"),
        values("open"),
        values("log"),
        tuple(words[end + 1 :]),
    )


def upstreams(job: Json) -> dict[str, int]:
    """Return the services that the job's sidecar connects to, with the local port of each."""
    sidecar = only_service(job)["Connect"]["SidecarService"]
    proxy = sidecar and sidecar["Proxy"]
    found = (proxy and proxy["Upstreams"]) or []
    return {upstream["DestinationName"]: upstream["LocalBindPort"] for upstream in found}


def is_routed(job: Json) -> bool:
    """Return whether Traefik connects to the job's service."""
    return "traefik.enable=true" in (only_service(job)["Tags"] or [])


def intentions(entries: Entries) -> dict[Edge, Json]:
    """Return the sources of all intentions by connection: (source, destination)."""
    return {
        (source["Name"], destination): source
        for (kind, destination), entry in entries.items()
        if kind == "service-intentions"
        for source in entry["Sources"]
    }
