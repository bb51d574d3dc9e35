"""The databases of the only machine at another address: each is away for seconds, once.

An instance keeps its address, and one machine has one member of each database, so nobody else can
lead meanwhile. But the next instance starts beside the present one, and waits for its data
(nomad/jobs/postgres/start.sh). So the services only wait for PostgreSQL itself.
"""

import re
import time
from collections.abc import Mapping

import httpx

from tasktracker_cluster.agents import nomad
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import NotReadyError
from tasktracker_cluster.jobs import allocations, deployment, numbers, switchover
from tasktracker_cluster.machine import wait
from tasktracker_cluster.progress import Step, Steps
from tasktracker_cluster.topology import DATABASES, SERVICES, Database

LIMIT_SECONDS = 240  # as Nomad gives an instance. Envoy's pauses before it calls Consul are 30 s
WAITS = "waiting for its end"  # start.sh says it when all but the data is there
_FOLLOWS = re.compile(r"^envoy_control_plane_connected_state(\{.*\})? 1$", re.MULTILINE)


def hand_over(cluster: Cluster, steps: Steps, variables: Mapping[str, str]) -> None:
    """Let a new instance of each database take over where its `network` is another one now.

    Elsewhere nothing is done: with several members others lead meanwhile. And where the next
    instance is not ready in time: the machine may have no memory for both. Then the present one
    goes on until an ordinary deployment restarts the database. Raises JobFailedError and
    NotReadyError when the next instance does not take over.
    """
    for database in DATABASES:
        if _is_due(cluster, database.name, variables):
            with steps.step(f"{database.name} at its new address") as step:
                _hand_over(cluster, database, variables, step)


def _is_due(cluster: Cluster, database: str, variables: Mapping[str, str]) -> bool:
    job = cluster.nomad.find(f"/v1/job/{database}")
    meta = nomad.meta(job)
    if job is None or job["Stop"] or meta.get("network") == variables["network"]:
        return False
    if meta.get("locks") != "data":  # of an earlier version: two servers would use one folder
        return False
    return variables["members"] == "1" and len(allocations.running(cluster, database)) == 1


def _hand_over(
    cluster: Cluster, database: Database, variables: Mapping[str, str], step: Step
) -> None:
    name, since = database.name, time.time()
    try:
        ready = _start_next(cluster, database, variables, since)
    except NotReadyError as error:
        step.detail = f"restarts with the services: {error}"
        return
    cluster.nomad.call(
        "PUT", f"/v1/deployment/promote/{ready}", {"DeploymentID": ready, "All": True}
    )
    deployment.wait_healthy(cluster, name, since)
    deployment.wait_replaced(cluster, name)
    member = numbers.member(cluster)
    leads = f"{member} as the leader of {name}"
    wait.until(leads, lambda: switchover.leads(cluster, name, member), LIMIT_SECONDS)


def _start_next(
    cluster: Cluster, database: Database, variables: Mapping[str, str], since: float
) -> str:
    """Start the next instance, and return its deployment when it is ready."""
    name = database.name
    # After a restart of the agents a sidecar keeps what it has, until it reaches Consul again.
    wait.until(
        f"the sidecars that lead to {name}", lambda: _follow(cluster, database), LIMIT_SECONDS
    )
    deployment.submit(cluster, name, {**variables, "handover": "true"})
    what = f"the next instance of {name}"
    try:
        return wait.until(what, lambda: _ready_or_refused(cluster, name, since), LIMIT_SECONDS)
    except NotReadyError:
        _take_back(cluster, name)
        raise


def _ready_or_refused(cluster: Cluster, database: str, since: float) -> str | None:
    """Return what _ready does. Raises NotReadyError at once where Nomad has no place for it."""
    if lacks := _lacks(cluster, database):
        raise NotReadyError(f"its machine has too little {lacks} for a second instance beside it")
    return _ready(cluster, database, since)


def _lacks(cluster: Cluster, database: str) -> str:
    """Return of what the machine has too little for the newest version of a job, or nothing.

    Whatever else keeps Nomad from placing it passes: its node may only just be back.
    """
    index = cluster.nomad.call("GET", f"/v1/job/{database}")["JobModifyIndex"]
    known = cluster.nomad.call("GET", f"/v1/job/{database}/evaluations")
    # Not every evaluation has all keys.
    failed = [each.get("FailedTGAllocs") for each in known if each.get("JobModifyIndex") == index]
    groups = [group for groups in failed if groups for group in groups.values()]
    lacking = {name for group in groups for name in group["DimensionExhausted"] or ()}
    return ", ".join(sorted(lacking & {"cpu", "disk", "memory"}))


def _take_back(cluster: Cluster, database: str) -> None:
    """End the next instance, if there is one: it must not get the data when the present one ends.

    Of a failed deployment Nomad stops what was not promoted.
    """
    version = cluster.nomad.call("GET", f"/v1/job/{database}")["Version"]
    found = cluster.nomad.find(f"/v1/job/{database}/deployment")
    if found and found["JobVersion"] == version and found["Status"] == "running":
        cluster.nomad.call("PUT", f"/v1/deployment/fail/{found['ID']}")

    def has_ended() -> bool:
        return all(each["JobVersion"] != version for each in allocations.active(cluster, database))

    wait.until(f"the end of the next instance of {database}", has_ended, LIMIT_SECONDS)


def _ready(cluster: Cluster, database: str, since: float) -> str | None:
    """Return the deployment whose instance waits for nothing but the data."""
    found = cluster.nomad.call("GET", f"/v1/job/{database}/deployment") or {}
    for each in allocations.running(cluster, database):
        is_next = each["JobVersion"] == found.get("JobVersion")
        if not is_next or each["CreateTime"] < since * 1e9:
            continue
        log = cluster.nomad.text(
            f"/v1/client/fs/logs/{each['ID']}", task="postgres", type="stderr", plain="true"
        )
        if WAITS in log and (each["DeploymentStatus"] or {}).get("Healthy"):
            return str(found["ID"])
    return None


def _follow(cluster: Cluster, database: Database) -> bool:
    """Return whether Consul tells the sidecars of this database's clients where it is."""
    sidecars = [
        each["Service"]
        for service in SERVICES
        if service.database == database
        for each in cluster.consul.call("GET", f"/v1/health/connect/{service.name}")
    ]
    return all(_follows(each["Address"], each["Meta"]["sidecar_port"]) for each in sidecars)


def _follows(address: str, port: str) -> bool:
    try:
        figures = httpx.get(f"http://{address}:{port}/metrics", trust_env=False).text
    except httpx.TransportError:
        return False
    return _FOLLOWS.search(figures) is not None
