"""The pages that people open in a browser."""

from typing import NamedTuple

from tasktracker_cluster import topology


class Place(NamedTuple):
    """A page: what `admin open` calls it, its title, its port on loopback, and what is there."""

    name: str
    title: str
    port: int
    about: str

    @property
    def url(self) -> str:
        """The address."""
        return f"http://localhost:{self.port}"

    @property
    def page(self) -> str:
        """What a browser shows first."""
        return f"{self.url}/docs" if self.name == "docs" else self.url


URLS = (
    Place("docs", "Gateway", topology.GATEWAY_PORT, "API documents at /docs"),
    Place("traefik", "Traefik", topology.DASHBOARD_PORT, "routes and services"),
    Place("consul", "Consul", topology.CONSUL_PAGE_PORT, "the mesh, its health and intentions"),
    Place("nomad", "Nomad", topology.NOMAD_PAGE_PORT, "jobs and allocations"),
)
