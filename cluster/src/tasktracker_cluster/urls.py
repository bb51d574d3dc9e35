"""The web pages of the cluster."""

from collections.abc import Collection
from typing import NamedTuple

from tasktracker_cluster import topology


class WebPage(NamedTuple):
    """A web page: its name in `admin open`, its title, its port on loopback, and its content.

    `job` is the job of `observe` that serves it.
    """

    name: str
    title: str
    port: int
    about: str
    job: str = ""

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://localhost:{self.port}"

    @property
    def page(self) -> str:
        """The address that a browser opens."""
        return self.url + _PATHS.get(self.name, "")


_PATHS = {
    "docs": "/docs",
    "metrics": "/vmui/#/dashboards",
    "alerts": "/vmalert/alerts",
    "logs": "/select/vmui/",
    "traces": "/api/traces?service=traefik",
}


WEB_PAGES = (
    WebPage("docs", "Gateway", topology.GATEWAY_PORT, "API documents at /docs"),
    WebPage("traefik", "Traefik", topology.DASHBOARD_PORT, "routes and services"),
    WebPage("consul", "Consul", topology.CONSUL_PAGE_PORT, "the mesh, its health and intentions"),
    WebPage("nomad", "Nomad", topology.NOMAD_PAGE_PORT, "jobs and allocations"),
)

TARGETS = f"http://localhost:{topology.METRICS_PORT}/targets"  # what gives metrics, and what not

# Only after `observe`. The portal lists them (nomad/jobs/portal.nomad.hcl).
OBSERVING_PAGES = (
    WebPage(
        "metrics",
        "Dashboards",
        topology.METRICS_PORT,
        "metrics, and queries of your own",
        topology.METRICS,
    ),
    WebPage(
        "alerts", "Alerts", topology.METRICS_PORT, "what is wrong, and the rules", topology.METRICS
    ),
    WebPage("logs", "Logs", topology.LOGS_PORT, "every log, with a login", topology.LOGS),
    WebPage("traces", "Traces", topology.TRACES_PORT, "the newest, as JSON", topology.TRACES),
)


def observing_pages(jobs: Collection[str]) -> list[WebPage]:
    """Return the pages that these jobs of `observe` serve."""
    return [page for page in OBSERVING_PAGES if page.job in jobs]
