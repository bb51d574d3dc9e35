"""The logs of tasks and agents: their last lines, and new lines when they are followed."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Protocol

import httpx

from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import ApiError, NoInstanceError, NoLogError
from tasktracker_cluster.jobs import allocations
from tasktracker_cluster.topology import ALL_MAIN_TASKS

STREAMS = ("stdout", "stderr")
BYTES_PER_LINE = 400  # a first guess


@dataclass(frozen=True)
class Line:
    """A line of text and its writer: the first eight digits of an allocation, or an agent.

    In a cluster of several nodes the allocation's digits follow the name of its node.
    """

    writer: str
    text: str


class Source(Protocol):
    """A log."""

    def lines(self, count: int, follow: bool) -> Iterator[Line]:
        """Yield the last `count` lines, and with `follow` each new line."""
        ...


@dataclass(frozen=True)
class TaskLog:
    """One stream of a task. Nomad stores it in several files and joins them."""

    nomad: Api
    allocation: str
    task: str
    stream: str
    node: str = ""  # empty when the cluster has one node only

    def lines(self, count: int, follow: bool) -> Iterator[Line]:
        size = sum(file["Size"] for file in self._files())
        start, text = size, b""
        guess = BYTES_PER_LINE * (count + 1)  # the end of the line before them, too
        while start > 0 and text.count(b"\n") <= count:
            start, guess = max(0, size - guess), guess * 4
            text = self.nomad.content(self._path, **self._from(start))
        complete = text[: text.rfind(b"\n") + 1]
        for line in complete.splitlines()[max(0, complete.count(b"\n") - count) :]:
            yield self._line(line.decode(errors="replace"))
        if follow:
            yield from self._after(start + len(complete))

    def _after(self, offset: int) -> Iterator[Line]:
        query = {**self._from(offset), "follow": "true"}
        # This ends when the allocation or the agent ends.
        with (
            suppress(httpx.TransportError),
            self.nomad.http.stream("GET", self._path, params=query, timeout=None) as answer,
        ):
            yield from map(self._line, answer.iter_lines())

    def _files(self) -> list[dict[str, int]]:
        path = f"/v1/client/fs/ls/{self.allocation}"
        known = self.nomad.find(path, path="/alloc/logs") or []
        return [f for f in known if f["Name"].startswith(f"{self.task}.{self.stream}.")]

    @property
    def _path(self) -> str:
        return f"/v1/client/fs/logs/{self.allocation}"

    def _from(self, offset: int) -> dict[str, str]:
        where = {"origin": "start", "offset": str(offset), "plain": "true"}
        return {"task": self.task, "type": self.stream, **where}

    def _line(self, text: str) -> Line:
        short = self.allocation[:8]
        return Line(f"{self.node}/{short}" if self.node else short, text)


@dataclass(frozen=True)
class AgentLog:
    """The log file of an agent on this machine. It is followed across rotations."""

    name: str
    file: Path

    def lines(self, count: int, follow: bool) -> Iterator[Line]:
        command = ["tail", f"--lines={count}", *(["--follow=name", "--retry"] if follow else [])]
        with subprocess.Popen(
            [*command, str(self.file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
        ) as tail:
            try:
                for text in tail.stdout or ():
                    yield Line(self.name, text.rstrip("\n"))
            finally:
                tail.terminate()


def sources(cluster: Cluster, name: str, task: str | None) -> Sequence[Source]:
    """Return the logs of a service's running instances, or of an agent.

    Without `task` it is the service's main task. Raises NoLogError when there is no such service or
    task, NoInstanceError when the service does not run.
    """
    if name in supervisor.LOGGED:
        return [AgentLog(name, cluster.site.logs / f"{name}.log")]
    if cluster.nomad.find(f"/v1/job/{name}") is None:
        known = ", ".join((*ALL_MAIN_TASKS, *supervisor.LOGGED))
        raise NoLogError(f"There is no service {name!r}.", f"There are {known}.")
    running = [a for a in allocations.active(cluster, name) if a["ClientStatus"] != "unknown"]
    if not running:
        raise NoInstanceError(f"{name} has no instance.", "Start it with: ./just up")
    several = cluster.has_several_nodes
    return [
        TaskLog(
            cluster.nomad,
            allocation["ID"],
            _task(allocation, name, task),
            stream,
            allocation["NodeName"] if several else "",
        )
        for allocation in running
        for stream in STREAMS
    ]


def read(logs: Sequence[Source], count: int, follow: bool) -> Iterator[Line]:
    """Yield the lines of all logs: log by log, or with `follow` in the order of their arrival.

    Raises ApiError when one of them cannot be read.
    """
    if not follow:
        for log in logs:
            yield from log.lines(count, follow)
        return
    queue: SimpleQueue[Line | ApiError | None] = SimpleQueue()

    def feed(log: Source) -> None:
        try:
            for line in log.lines(count, follow):
                queue.put(line)
        except ApiError as error:
            queue.put(error)
        queue.put(None)

    for log in logs:
        Thread(target=feed, args=(log,), daemon=True).start()
    ended = 0
    while ended < len(logs):
        line = queue.get()
        if isinstance(line, ApiError):
            raise line
        if line is None:
            ended += 1
        else:
            yield line


def _task(allocation: allocations.Allocation, job: str, wanted: str | None) -> str:
    if wanted is None:
        return ALL_MAIN_TASKS[job]
    tasks = allocation["TaskStates"] or {}
    if wanted not in tasks:
        raise NoLogError(f"There is no task {wanted!r}.", f"There are {', '.join(sorted(tasks))}.")
    return wanted
