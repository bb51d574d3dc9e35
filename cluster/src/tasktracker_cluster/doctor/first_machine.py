"""What the first machine's own doctor finds, for a machine that has joined.

That one reaches every task, the backups and what `observe` added. Its paths are hops here.
"""

from collections.abc import Iterator
from itertools import groupby

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import repairs
from tasktracker_cluster.doctor.hops import Finding
from tasktracker_cluster.errors import AdminError
from tasktracker_cluster.membership import reports

PATH = "first machine"
UNCHECKED = "not checked are its agents, calls of instances elsewhere, backups and `observe`"


def findings(cluster: Cluster) -> Iterator[Finding]:
    """Yield what it finds, none on the first machine itself."""
    node = cluster.site.node
    if node.is_first:
        return
    try:
        told = [Finding(**each) for each in reports.ask(cluster.site, "doctor")]
    except AdminError as error:
        detail = f"{error.message.rstrip('.')}; {UNCHECKED}"
        yield Finding(PATH, "doctor", "broken", detail, error.hint)
        return
    for path, found in groupby(told, key=lambda each: each.path):
        yield _summary(path, list(found), node.first)


def _summary(path: str, found: list[Finding], first: str) -> Finding:
    """Return all hops of one path as one hop."""
    for each in found:
        if each.state == "broken":
            repair = repairs.on(first, each.repair)
            return Finding(PATH, path, "broken", f"{each.hop}: {each.detail}", repair)
    if found[0].state == "skipped":
        return Finding(PATH, path, "skipped")
    return Finding(PATH, path, "ok", f"{len(found)} hops work")
