"""What the system consists of: services, databases, jobs, ports, system users, and who asks whom.

Nomad's job files, Consul's configuration entries and Traefik's configuration say these facts to
their programs. tests/infra/test_topology.py compares them with this module.
"""

from dataclasses import dataclass

OK, UNAUTHORIZED = 200, 401

GATEWAY_PORT = 8000
DASHBOARD_PORT = 8080
CONSUL_PAGE_PORT = 8500
CONSUL_API_PORT = 8501
NOMAD_PAGE_PORT = 4646
NOMAD_API_PORT = 4649


@dataclass(frozen=True)
class Port:
    """A TCP port of the machine, and what listens there.

    `is_public`: on the address that TASKTRACKER_BIND chooses; every other port is on loopback.
    `in_dev`: `./just dev` listens there, too.
    """

    number: int
    purpose: str
    is_public: bool = False
    in_dev: bool = False


PORTS = (
    Port(NOMAD_PAGE_PORT, "Nomad's page", is_public=True),
    Port(4647, "Nomad's servers"),
    Port(4648, "Nomad's gossip"),
    Port(NOMAD_API_PORT, "Nomad's API"),
    Port(4650, "Nomad's public keys"),
    Port(GATEWAY_PORT, "the gateway", is_public=True, in_dev=True),
    Port(8005, "the gateway's error pages", in_dev=True),
    Port(DASHBOARD_PORT, "Traefik's dashboard", is_public=True, in_dev=True),
    Port(8300, "Consul's servers", in_dev=True),
    Port(8301, "Consul's gossip", in_dev=True),
    Port(CONSUL_PAGE_PORT, "Consul's page", is_public=True, in_dev=True),
    Port(CONSUL_API_PORT, "Consul's API"),
    Port(8503, "Envoy's configuration"),
)


@dataclass(frozen=True)
class Database:
    """A PostgreSQL, named after what it keeps. `dev_port`: its port under `./just dev`."""

    noun: str
    dev_port: int

    @property
    def name(self) -> str:
        """The job, and the service in Consul."""
        return f"{self.noun}-db"

    @property
    def database(self) -> str:
        """The name of the database inside PostgreSQL."""
        return f"{self.noun}_db"

    @property
    def user(self) -> str:
        """The system user that PostgreSQL runs as, and that owns its files."""
        return f"tasktracker-{self.name}"

    def role(self, kind: str) -> str:
        """The PostgreSQL role for one of ROLES."""
        return f"{self.noun}_{kind}"


ROLES = ("owner", "app")  # of a database: who owns the schema, and what the application may do


@dataclass(frozen=True)
class Question:
    """What a service asks another one through the mesh, and the status of the answer.

    `path` is one that the other's intention allows; the status is that for a caller without a
    token.
    """

    service: str
    path: str
    status: int = OK


@dataclass(frozen=True)
class Service:
    """A program of ours: its code is in `services/<folder>`.

    `port` is the one that it listens on, on the loopback of its own network; there, too, the
    sidecars of other services offer it. `route` is a path at the gateway that this service alone
    answers, and `status` its answer to a caller without a token.
    """

    name: str
    folder: str
    port: int
    route: str
    status: int = UNAUTHORIZED
    database: Database | None = None
    questions: tuple[Question, ...] = ()
    checks_tokens: bool = True

    @property
    def module(self) -> str:
        """The Python package."""
        return f"{self.folder}_service"

    @property
    def user(self) -> str:
        """The system user that it runs as."""
        return f"tasktracker-{self.folder}"


ENDED_SESSIONS = Question("user-service", "/internal/ended-sessions")
TASK_COUNTS = Question("task-service", "/api/v1/tasks/stats", UNAUTHORIZED)

USER_DB, TASK_DB = DATABASES = (Database("user", 5433), Database("task", 5434))
SERVICES = (
    Service("user-service", "user", 8001, "/api/v1/auth/me", database=USER_DB),
    Service(
        "task-service",
        "task",
        8002,
        "/api/v1/tasks/",
        database=TASK_DB,
        questions=(ENDED_SESSIONS,),
    ),
    Service(
        "stats-service",
        "stats",
        8003,
        "/api/v1/stats/",
        questions=(TASK_COUNTS, ENDED_SESSIONS),
    ),
    Service(
        "portal",
        "portal",
        8004,
        "/",
        OK,
        questions=tuple(
            Question(f"{noun}-service", "/openapi.json") for noun in ("user", "task", "stats")
        ),
        checks_tokens=False,
    ),
)
SIGNER = "user-service"  # the only service that can sign tokens
SHARED_FOLDER = "servicekit"  # below services/: a part of every service

GATEWAY = "traefik"  # its job, and its name in the mesh
GATEWAY_USER = "tasktracker-traefik"
PAGES_USER = "tasktracker-pages"  # of the proxy before the agents' pages

# What starts, and in reverse what stops, together. A migration needs its database, and a database
# takes the last writes of its service; everything else waits for what it needs by itself.
START_ORDER = (
    tuple(database.name for database in DATABASES),
    (*(service.name for service in SERVICES), GATEWAY),
)
JOBS = tuple(job for row in START_ORDER for job in row)

# The task of a job that does its work; the others prepare it.
MAIN_TASKS = {
    **{database.name: "postgres" for database in DATABASES},
    **{service.name: "app" for service in SERVICES},
    GATEWAY: "traefik",
}

# One system user for each program: two tasks of one user could reach each other. A name has at most
# 32 characters.
JOB_USERS = (
    *(f"{each.user}{suffix}" for each in (*DATABASES, *SERVICES) for suffix in ("", "-envoy")),
    GATEWAY_USER,
)


def database(name: str) -> Database:
    """Return the database of the job `name`. Raises KeyError."""
    return {each.name: each for each in DATABASES}[name]


def service(name: str) -> Service:
    """Return the service `name`. Raises KeyError."""
    return {each.name: each for each in SERVICES}[name]
