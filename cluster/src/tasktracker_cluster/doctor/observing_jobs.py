"""The hops of what `observe` added: requests do without them."""

from collections.abc import Mapping
from functools import partial

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import instances, intentions
from tasktracker_cluster.doctor.hops import Hop, Path
from tasktracker_cluster.errors import AdminError, BrokenHopError
from tasktracker_cluster.jobs import allocations, observers
from tasktracker_cluster.topology import COLLECTOR, DATABASES, EXPORTER, INTAKE, METRICS
from tasktracker_cluster.urls import TARGETS


def paths(cluster: Cluster) -> list[Path]:
    """Return the hops of the jobs of `observe`, none when none of them runs, or elsewhere.

    They answer on loopback of the first machine.
    """
    if not cluster.site.node.is_first:
        return []
    try:
        known = observers.running(cluster)
    except AdminError:
        return []  # another path has the reason
    hops = [Hop(job, partial(_job, cluster, job)) for job in known if job != COLLECTOR]
    if COLLECTOR in known:
        hops.append(Hop(COLLECTOR, partial(_collectors, cluster)))
        hops.append(intentions.hop(cluster, COLLECTOR, INTAKE))
    if EXPORTER in known:
        hops += [intentions.hop(cluster, EXPORTER, each.name) for each in DATABASES]
    if METRICS in known:
        hops.append(Hop("what gives metrics", partial(_targets, cluster)))
    return [Path("observing", hops)] if hops else []


def _job(cluster: Cluster, job: str) -> str:
    return f"runs as {instances.local(cluster, job)['ID'][:8]}"


def _collectors(cluster: Cluster) -> str:
    wanted = observers.joined(cluster)
    there = {each["NodeName"] for each in allocations.running(cluster, COLLECTOR)}
    if missing := sorted(wanted - there):
        raise BrokenHopError(
            f"no instance on {', '.join(missing)}", "There: ./just up. Then here: ./just observe"
        )
    return f"runs on {', '.join(sorted(wanted))}" if wanted else "waits for a machine that joins"


def _targets(cluster: Cluster) -> str:
    found = cluster.metrics.call("GET", "/api/v1/query", query="up")["data"]["result"]
    silent = [_source(each["metric"]) for each in found if each["value"][1] == "0"]
    if silent or not found:
        problem = f"without an answer: {', '.join(silent)}" if silent else "nothing is asked yet"
        raise BrokenHopError(problem, f"See why: {TARGETS}")
    return f"{len(found)} sources"


def _source(labels: Mapping[str, str]) -> str:
    name = f"{labels['job']} {labels.get('service', labels['instance'])}"
    return f"{name} on {labels['node']}" if "node" in labels else name
