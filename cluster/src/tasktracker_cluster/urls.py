"""The web pages of the cluster."""

from typing import NamedTuple

from tasktracker_cluster import topology


class WebPage(NamedTuple):
    """A web page: its name in `admin open`, its title, its port on loopback, and its content."""

    name: str
    title: str
    port: int
    about: str

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
}


WEB_PAGES = (
    WebPage("docs", "Gateway", topology.GATEWAY_PORT, "API documents at /docs"),
    WebPage("traefik", "Traefik", topology.DASHBOARD_PORT, "routes and services"),
    WebPage("consul", "Consul", topology.CONSUL_PAGE_PORT, "the mesh, its health and intentions"),
    WebPage("nomad", "Nomad", topology.NOMAD_PAGE_PORT, "jobs and allocations"),
)

TARGETS = f"http://localhost:{topology.METRICS_PORT}/targets"  # what gives metrics, and what not

# Only after `observe`.
OBSERVING_PAGES = (
    WebPage("metrics", "Dashboards", topology.METRICS_PORT, "metrics, and queries of your own"),
    WebPage("alerts", "Alerts", topology.METRICS_PORT, "what is wrong, and the rules"),
    WebPage("logs", "Logs", topology.LOGS_PORT, "every log, with a login"),
)
