"""Faults of a running cluster, each as a context that repairs it at its end."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx

from tasktracker_cluster import topology
from tasktracker_cluster.agents import consul, supervisor
from tasktracker_cluster.jobs import postgres
from tasktracker_cluster.machine import shell
from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.throwaway import ThrowawayCluster

AUTHORITY = "/v1/connect/ca/configuration"
LOCK = "BEGIN; LOCK TABLE tasks; SELECT pg_sleep(2); COMMIT"

# It connects to a database by its socket and keeps the connections until its input ends.
HOLDER = """
import asyncio, sys, asyncpg
async def hold(number, folder, name):
    login = dict(host=folder, user="postgres", database=name)
    held = [await asyncpg.connect(**login) for _ in range(number)]
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for each in held:
        await each.close()
asyncio.run(hold(int(sys.argv[1]), *sys.argv[2:]))
"""


@contextmanager
def repeating(*works: Callable[[], object], pause: float = 0.05) -> Iterator[None]:
    """Do each of these again and again, in a thread of its own, also after a call that fails."""
    stop = threading.Event()

    def repeat(work: Callable[[], object]) -> None:
        while not stop.wait(pause):
            with suppress(httpx.TransportError):
                work()

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@contextmanager
def connections(cluster: ThrowawayCluster, database: str, number: int) -> Iterator[None]:
    """Hold connections to a database open."""
    owner, site = topology.database(database), cluster.site
    python, folder = site.release / "bin" / "python", site.volume(database) / "run"
    command = [
        *("runuser", "-u", owner.user, "--", str(python), "-I", "-c", HOLDER),
        *(str(number), str(folder), owner.database),
    ]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd="/") as holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stdout.readline() == "open\n"
        yield
        holder.stdin.close()


@contextmanager
def stopped(cluster: ThrowawayCluster, job: str) -> Iterator[None]:
    """Stop a job."""
    known = cluster.nomad.call("GET", f"/v1/job/{job}")
    cluster.nomad.call("DELETE", f"/v1/job/{job}", no_shutdown_delay="true")
    try:
        yield
    finally:
        cluster.nomad.call("POST", "/v1/jobs", {"Job": {**known, "Stop": False}})


@contextmanager
def without_intentions(cluster: ThrowawayCluster, service: str) -> Iterator[None]:
    """Delete the intentions of a service, whose callers go on."""
    path = f"/v1/config/service-intentions/{service}"
    entry = cluster.consul.call("GET", path)
    cluster.consul.call("DELETE", path)
    try:
        yield
    finally:
        cluster.consul.call("PUT", "/v1/config", entry)


@contextmanager
def guessing(number: int) -> Iterator[None]:
    """Let clients guess a password."""

    def guess() -> None:
        body = {"username": "nobody", "password": "a wrong guess"}
        url = f"{GATEWAY_URL}/api/v1/auth/login"
        httpx.post(url, json=body, trust_env=False, timeout=60)

    with repeating(*[guess] * number):
        yield


@contextmanager
def slow(cluster: ThrowawayCluster) -> Iterator[None]:
    """Lock the table of the tasks for two seconds, again and again."""
    command = postgres.query(cluster.site, "task-db", LOCK)
    with repeating(lambda: shell.run(command)):
        yield


@contextmanager
def short_certificates(cluster: ThrowawayCluster) -> Iterator[None]:
    """Give each sidecar a certificate that is valid for an hour."""
    lifetime = cluster.consul.call("GET", AUTHORITY)["Config"]["LeafCertTTL"]
    try:
        _issue(cluster, "1h")
        yield
    finally:
        _issue(cluster, lifetime)


def _issue(cluster: ThrowawayCluster, lifetime: str) -> None:
    known = cluster.consul.call("GET", AUTHORITY)
    known["Config"]["LeafCertTTL"] = lifetime
    cluster.consul.call("PUT", AUTHORITY, known)
    # The agent keeps the certificates that it has until they are due, but in memory only.
    supervisor.call(cluster.site, "stopProcess", "consul")
    supervisor.call(cluster.site, "startProcess", "consul")
    supervisor.wait_for(cluster.site, "consul", lambda: consul.has_leader(cluster.consul))


@contextmanager
def full_disk_of_backups(cluster: ThrowawayCluster) -> Iterator[None]:
    """Have the repository of backups on a disk of its own with 1.5 GB. There are no backups."""
    folder = cluster.site.repository
    folder.mkdir(parents=True)
    shell.run(["mount", "-t", "tmpfs", "-o", "size=1500m", "none", folder])
    try:
        yield
    finally:
        shell.run(["umount", "--lazy", folder])
        folder.rmdir()
        folder.parent.rmdir()


@contextmanager
def small_disk(cluster: ThrowawayCluster, volume: str) -> Iterator[Callable[[int], None]]:
    """Have a volume on a disk of its own. Give a function that changes its size, in MiB."""
    folder = cluster.site.volume(volume)
    owner = f"uid={folder.owner()},gid={folder.group()}"
    shell.run(["mount", "-t", "tmpfs", "-o", f"size=8g,mode=700,{owner}", "none", folder])

    def resize(mebibytes: int) -> None:
        shell.run(["mount", "-o", f"remount,size={mebibytes}m", folder])

    try:
        yield resize
    finally:
        shell.run(["umount", "--lazy", folder])
