"""The pages that people open in a browser."""

from typing import NamedTuple


class Place(NamedTuple):
    """A page: what `admin open` calls it, its title, and what is there."""

    name: str
    title: str
    url: str
    about: str

    @property
    def page(self) -> str:
        """What a browser shows first."""
        return f"{self.url}/docs" if self.name == "docs" else self.url


URLS = (
    Place("docs", "Gateway", "http://localhost:8000", "API documents at /docs"),
    Place("traefik", "Traefik", "http://localhost:8080", "routes and services"),
    Place("consul", "Consul", "http://localhost:8500", "the mesh, its health and intentions"),
    Place("nomad", "Nomad", "http://localhost:4646", "jobs and allocations"),
)
