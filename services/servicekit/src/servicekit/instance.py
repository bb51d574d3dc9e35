"""A service and its instances, as Consul keeps them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """What all instances share: tags for the gateway, and the path of the health check.

    The tag says that Traefik sends requests here; traefik/dev.yml says which.
    """

    name: str
    tags: tuple[str, ...] = ("traefik.enable=true",)
    health: str = "/health"


@dataclass(frozen=True)
class Instance:
    """One process that serves. Its id stays the same when it is started again."""

    service: Service
    host: str
    port: int

    @property
    def id(self) -> str:
        """Return the id of the entry in Consul."""
        return f"{self.service.name}-{self.port}"
