"""What a development session consists of, and the ports on loopback that it needs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Database:
    """A PostgreSQL; its roles and its database are named after what it keeps."""

    noun: str
    port: int

    @property
    def name(self) -> str:
        return f"{self.noun}-db"

    def url(self, role: str, password: str) -> str:
        """The address for one of its roles, `owner` or `app`."""
        noun = self.noun
        return f"postgresql://{noun}_{role}:{password}@127.0.0.1:{self.port}/{noun}_db"


@dataclass(frozen=True)
class Service:
    """A program of ours: `services/<folder>`, which is also how its module's name begins."""

    name: str
    folder: str
    port: int
    database: Database | None = None
    checks_tokens: bool = True

    @property
    def module(self) -> str:
        return f"{self.folder}_service"

    @property
    def migration(self) -> str:
        """The name of the program that brings its database up to date."""
        return f"{self.folder}-migrate"


DATABASES = (Database("user", 5433), Database("task", 5434))
SERVICES = (
    Service("user-service", "user", 8001, DATABASES[0]),
    Service("task-service", "task", 8002, DATABASES[1]),
    Service("stats-service", "stats", 8003),
    Service("portal", "portal", 8004, checks_tokens=False),
)
SHARED = "servicekit"  # the folder below services/ that is a part of every service

PORTS = {
    8000: "the gateway",
    8080: "Traefik's dashboard",
    8500: "Consul's API",
    8300: "Consul's servers",
    8301: "Consul's gossip",
    **{each.port: each.name for each in (*SERVICES, *DATABASES)},
}
