"""The lines of `status` that the first machine alone has: of backups, of `observe`, of alerts."""

from collections.abc import Sequence

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import AdminError
from tasktracker_cluster.membership import reports
from tasktracker_cluster.monitoring.status import Row

SHARED = ("job", "backup", "alert")  # kinds: the others are of a machine, or known on each


def rows(cluster: Cluster, known: Sequence[Row]) -> list[Row]:
    """Return those that are not known, none on the first machine itself.

    Without its answer, a line says so.
    """
    if cluster.site.node.is_first:
        return []
    try:
        told = reports.ask(cluster.site, "status")
    except AdminError as error:
        reason = f"backups and alerts are unknown: {error.message.rstrip('.')}"
        return [Row("machine", "first machine", "unknown", None, None, reason)]
    found = [Row(**{**each, "nodes": tuple(each["nodes"])}) for each in told]
    names = {(row.kind, row.name) for row in known}
    return [row for row in found if row.kind in SHARED and (row.kind, row.name) not in names]
