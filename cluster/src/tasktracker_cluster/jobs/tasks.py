"""Running a program inside a task: behind its wall, in its network, with its environment.

It uses `nomad alloc exec`, so that no port is open for it.
"""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tasktracker_cluster.agents import nomad
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import NoInstanceError
from tasktracker_cluster.jobs import allocations
from tasktracker_cluster.jobs.allocations import Allocation
from tasktracker_cluster.site import Site

_RELEASE = re.compile(r"/releases/([0-9a-z]+)/bin/")


@dataclass(frozen=True)
class Task:
    """A task of a running allocation. `site` has the paths of the node that it runs on."""

    cluster: Cluster
    site: Site
    allocation: str
    name: str
    wall: tuple[str, ...]  # the command that limits a program to the task's files (tools/wall)
    release: str  # the name of its program's release, a folder below the site's releases

    @classmethod
    def find(cls, cluster: Cluster, job: str, name: str) -> "Task":
        """Return the task `name` of a job's newest instance.

        Raises NoInstanceError when the job does not run.
        """
        running = allocations.running(cluster, job)
        if not running:
            raise NoInstanceError(
                f"{job} has no running instance.", "Find out why: tasktracker-cli admin doctor"
            )
        return cls.of(cluster, allocations.newest(running), name)

    @classmethod
    def of(cls, cluster: Cluster, allocation: Allocation, name: str) -> "Task":
        """Return the task `name` of an allocation."""
        identifier = allocation["ID"]
        job_file = cluster.nomad.call("GET", f"/v1/allocation/{identifier}")["Job"]
        node = cluster.nomad.call("GET", f"/v1/node/{allocation['NodeID']}")
        site = replace(cluster.site, home=Path(node["Meta"]["tasktracker.home"]))
        release = next(iter(_RELEASE.findall(json.dumps(job_file))), "current")
        return cls(cluster, site, identifier, name, wall(site, job_file, name), release)

    @property
    def python(self) -> str:
        """The Python of the task's release, on its node."""
        return f"{self.site.releases}/{self.release}/bin/python"

    def command(self, words: Sequence[str], *, interactive: bool = False) -> list[str]:
        """Return the command that runs `words` inside the task.

        With `interactive` it gets a terminal if this process has one.
        """
        is_terminal = interactive and sys.stdin.isatty() and sys.stdout.isatty()
        return [
            str(self.cluster.site.bin / "nomad"),
            *("alloc", "exec", "-i=true", f"-t={str(is_terminal).lower()}"),
            *("-e", "none", "-task", self.name, "--", self.allocation),
            *self.wall,
            *words,
        ]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of `command`: Nomad's address, certificate and token."""
        token = self.cluster.tokens.nomad_management
        return {**os.environ, **nomad.environment(self.cluster.site), "NOMAD_TOKEN": token}


def wall(site: Site, job_file: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the start of a task's command, up to the task's own program.

    Without --log, so that the output is the caller's and not in the task's log.
    """
    tasks = [task for group in job_file["TaskGroups"] for task in group["Tasks"]]
    config = next(task["Config"] for task in tasks if task["Name"] == name)
    words = [config["command"], *config["args"]]
    own = [word for word in words[: words.index("--") + 1] if not word.startswith("--log=")]
    return tuple(word.replace("${meta.tasktracker.home}", str(site.home)) for word in own)
