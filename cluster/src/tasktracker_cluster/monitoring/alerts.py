"""The alerts that fire, as vmalert knows them."""

from dataclasses import dataclass

from tasktracker_cluster.cluster import Cluster


@dataclass(frozen=True)
class Alert:
    """An alert that fires. `summary` says in one sentence what is wrong, and where."""

    name: str
    summary: str


def firing(cluster: Cluster) -> list[Alert]:
    """Return the alerts that fire. Raises ApiError when vmalert does not answer."""
    known = cluster.alerts.call("GET", "/api/v1/alerts")["data"]["alerts"]
    return sorted(
        (
            Alert(each["name"], each["annotations"].get("summary", ""))
            for each in known
            if each["state"] == "firing"
        ),
        key=lambda alert: (alert.name, alert.summary),
    )
