"""The parts of the system: services, databases, jobs, ports, system users and upstreams.

Nomad's job files, Consul's configuration entries and Traefik's configuration repeat these facts
for their programs. tests/infra/test_topology.py compares them with this module.
"""

from dataclasses import dataclass

OK, UNAUTHORIZED = 200, 401

GATEWAY_PORT = 8000
DASHBOARD_PORT = 8080
CONSUL_PAGE_PORT = 8500
CONSUL_API_PORT = 8501
NOMAD_PAGE_PORT = 4646
NOMAD_API_PORT = 4649
STORE_PORT = 8006
SHARED_STORE_PORT = 4652
MEMBERSHIP_PORT = 4651
METRICS_PORT = 8428
ALERTS_PORT = 8880
LOGS_PORT = 9428
COLLECTOR_PORT = 9429
TRACES_PORT = 16686
SPANS_PORT = 4318


@dataclass(frozen=True)
class Port:
    """A TCP port of the machine, and its purpose.

    `is_public`: it is on the address of TASKTRACKER_BIND. `is_shared`: in a cluster of several
    machines it is on the address that the others know. Every other port is on loopback.
    `in_dev`: `./just dev` uses it, too. `observes`: it is used only after `./just observe`, and
    `traces`: only after `./just observe --traces`.
    """

    number: int
    purpose: str
    is_public: bool = False
    is_shared: bool = False
    in_dev: bool = False
    observes: bool = False
    traces: bool = False


PORTS = (
    Port(NOMAD_PAGE_PORT, "Nomad's page", is_public=True),
    Port(4647, "Nomad's servers", is_shared=True),
    Port(4648, "Nomad's gossip", is_shared=True),
    Port(NOMAD_API_PORT, "Nomad's API"),
    Port(4650, "Nomad's public keys"),
    Port(MEMBERSHIP_PORT, "machines that join", is_shared=True),
    Port(SHARED_STORE_PORT, "the artifacts for other machines", is_shared=True),
    Port(GATEWAY_PORT, "the gateway", is_public=True, in_dev=True),
    Port(8005, "the gateway's error pages", in_dev=True),
    Port(STORE_PORT, "the artifacts of releases"),
    Port(DASHBOARD_PORT, "Traefik's dashboard", is_public=True, in_dev=True),
    Port(8300, "Consul's servers", is_shared=True, in_dev=True),
    Port(8301, "Consul's gossip", is_shared=True, in_dev=True),
    Port(CONSUL_PAGE_PORT, "Consul's page", is_public=True, in_dev=True),
    Port(CONSUL_API_PORT, "Consul's API"),
    Port(METRICS_PORT, "the store of metrics", observes=True),
    Port(ALERTS_PORT, "the alerts", observes=True),
    Port(LOGS_PORT, "the store of logs", observes=True),
    Port(COLLECTOR_PORT, "the collector of logs", observes=True),
    Port(TRACES_PORT, "the traces", traces=True),
    Port(16685, "the traces by gRPC, which nothing uses", traces=True),
    Port(SPANS_PORT, "spans", traces=True),
)


@dataclass(frozen=True)
class Database:
    """A PostgreSQL server. `noun` is what it stores. `dev_port` is its port in `./just dev`."""

    noun: str
    dev_port: int

    @property
    def name(self) -> str:
        """The name of the job, and of the service in Consul."""
        return f"{self.noun}-db"

    @property
    def database(self) -> str:
        """The name of the database inside PostgreSQL."""
        return f"{self.noun}_db"

    @property
    def user(self) -> str:
        """The system user that PostgreSQL runs as, and that owns its files."""
        return f"tasktracker-{self.name}"

    @property
    def rest(self) -> str:
        """The name of the service of Patroni's own API, in a cluster of several machines."""
        return f"{self.name}-rest"

    def role(self, kind: str) -> str:
        """Return the name of the PostgreSQL role for one of ROLES."""
        return f"{self.noun}_{kind}"


# The owner of a database's schema, and the application's limited role. The tasks of a service log
# in as these, or as their twins: a rotation of passwords changes which.
TURNS = ("owner", "app")
TWINS = tuple(f"{kind}_twin" for kind in TURNS)

# Further the one that makes backups, the one that reads statistics, and two of its members: one
# copies the leader, the other brings back what led before (pg_rewind).
BACKUP_ROLE = "backup"
ROLES = (*TURNS, *TWINS, BACKUP_ROLE, "monitor", "replica", "rewind")


@dataclass(frozen=True)
class UpstreamCall:
    """A request that a service sends to another service through the mesh.

    `path` is a path that the intention of the other service allows. `status` is the status of the
    response to a caller without a token.
    """

    service: str
    path: str
    status: int = OK


@dataclass(frozen=True)
class Service:
    """A service of this repository. Its code is in `services/<folder>`.

    `port` is the port that it listens on, on the loopback of its own network. The sidecars of its
    callers offer the service on the same port. `route` is a path at the gateway that only this
    service answers. `status` is the status of that response to a caller without a token.
    """

    name: str
    folder: str
    port: int
    route: str
    status: int = UNAUTHORIZED
    database: Database | None = None
    upstream_calls: tuple[UpstreamCall, ...] = ()
    checks_tokens: bool = True

    @property
    def module(self) -> str:
        """The Python package."""
        return f"{self.folder}_service"

    @property
    def user(self) -> str:
        """The system user of its processes."""
        return f"tasktracker-{self.folder}"


ENDED_SESSIONS = UpstreamCall("user-service", "/internal/ended-sessions")
TASK_COUNTS = UpstreamCall("task-service", "/api/v1/tasks/stats", UNAUTHORIZED)

USER_DB, TASK_DB = DATABASES = (Database("user", 5433), Database("task", 5434))
SERVICES = (
    Service("user-service", "user", 8001, "/api/v1/auth/me", database=USER_DB),
    Service(
        "task-service",
        "task",
        8002,
        "/api/v1/tasks/",
        database=TASK_DB,
        upstream_calls=(ENDED_SESSIONS,),
    ),
    Service(
        "stats-service",
        "stats",
        8003,
        "/api/v1/stats/",
        upstream_calls=(TASK_COUNTS, ENDED_SESSIONS),
    ),
    Service(
        "portal",
        "portal",
        8004,
        "/",
        OK,
        upstream_calls=tuple(
            UpstreamCall(f"{noun}-service", "/openapi.json") for noun in ("user", "task", "stats")
        ),
        checks_tokens=False,
    ),
)
SIGNER = "user-service"  # the only service that can sign tokens
SHARED_FOLDER = "servicekit"  # below services/: a part of every service

GATEWAY = "traefik"  # its job, and its name in the mesh
GATEWAY_USER = "tasktracker-traefik"
PAGES_USER = "tasktracker-pages"  # of the proxy before the agents' pages
STORE = "store"  # the job that serves the artifacts of releases
STORE_USER = "tasktracker-store"
RELEASE = "release"  # the job that installs a release on every node

# The jobs of a row start together; the rows stop in reverse order. A migration needs its database,
# and a database must outlive its service to take the last writes. Any other job waits by itself for
# what it needs.
START_ORDER = (
    tuple(database.name for database in DATABASES),
    (*(service.name for service in SERVICES), GATEWAY),
)
JOBS = tuple(job for row in START_ORDER for job in row)

# The main task of each job. The other tasks prepare it.
MAIN_TASKS = {
    **{database.name: "postgres" for database in DATABASES},
    **{service.name: "app" for service in SERVICES},
    GATEWAY: "traefik",
}

# The jobs that bring a release to every node, and the task of each that writes a log. They are in
# no mesh, and `up` starts them before JOBS.
RELEASE_JOBS = {STORE: "server", RELEASE: "install"}

LOGS = "logs"  # the job that stores logs
COLLECTOR_USER = "tasktracker-collector"  # of its task that reads them
SCRAPER_USER = (
    "tasktracker-scraper"  # of the task that reads metrics of agents, where one has joined
)
METRICS = "metrics"  # the job that stores metrics, and compares them with the rules of alerts

EXPORTER = "postgres-exporter"  # the job that asks the databases for metrics, by the mesh

# The jobs of `observe`, and the main task of each. They only read: nothing needs them, and `up`
# does not start them. STORING_JOBS are in no mesh.
STORING_JOBS = {METRICS: "victoria-metrics", LOGS: "victoria-logs"}
OBSERVING_JOBS = {**STORING_JOBS, EXPORTER: "exporter"}

INTAKE = "intake"  # the job that lets other machines add to the stores
COLLECTOR = (
    "collector"  # the job that sends it what each of them has: lines of logs, metrics, spans
)
COLLECTING_PROGRAMS = ("vlagent", "vmagent")

# The jobs that `observe` runs besides where other machines can join, and the main task of each.
COLLECTING_JOBS = {INTAKE: f"connect-proxy-{INTAKE}", COLLECTOR: COLLECTING_PROGRAMS[0]}
COLLECTING_USERS = (
    f"tasktracker-{INTAKE}",
    f"tasktracker-{INTAKE}-envoy",
    f"{COLLECTOR_USER}-envoy",
    SCRAPER_USER,
)

FORMER_JOBS = ("log-intake",)  # names that jobs of `observe` had in earlier versions

# The system user of each task of STORING_JOBS. A job's data belong to the user of its main task.
OBSERVING_USERS = {
    "victoria-metrics": "tasktracker-metrics",
    "vmalert": "tasktracker-alerts",
    "alert-log": "tasktracker-alert-log",
    "disks": "tasktracker-disks",
    "victoria-logs": "tasktracker-logs",
    "vlagent": COLLECTOR_USER,
}

EXPORTER_USERS = ("tasktracker-exporter", "tasktracker-exporter-envoy")

# The programs of STORING_JOBS, which tools/victoria builds.
OBSERVING_PROGRAMS = (
    "victoria-metrics",
    "vmalert",
    "victoria-logs",
    "vlagent",
    "vmagent",
    "vmauth",
)

TRACES = "traces"  # the job that stores traces
TRACES_USER = "tasktracker-traces"
TRACES_PROGRAM = "jaeger"  # which tools/jaeger builds

# The job of `observe --traces`, and its main task. The gateway and the services send it spans, and
# do without it.
TRACING_JOBS = {TRACES: TRACES_PROGRAM}

BACKUP = "backup"  # the job that keeps backups of both databases
BACKUP_USER = "tasktracker-backup"

# The job that `up` runs only where backups are on, and its main task. It stops before JOBS.
BACKUP_JOBS = {BACKUP: "barman"}

# The main task of each job that there can be.
ALL_MAIN_TASKS = {
    **MAIN_TASKS,
    **BACKUP_JOBS,
    **RELEASE_JOBS,
    **OBSERVING_JOBS,
    **COLLECTING_JOBS,
    **TRACING_JOBS,
}

# Each program has a system user of its own: two tasks of one user could reach each other. A name
# has at most 32 characters.
JOB_USERS = (
    *(f"{each.user}{suffix}" for each in (*DATABASES, *SERVICES) for suffix in ("", "-envoy")),
    GATEWAY_USER,
)
MEMBER_USERS = tuple(f"tasktracker-{each.rest}-envoy" for each in DATABASES)
BACKUP_USERS = (BACKUP_USER, f"{BACKUP_USER}-envoy")


def database(name: str) -> Database:
    """Return the database of the job `name`. Raises KeyError when there is none."""
    return {each.name: each for each in DATABASES}[name]


def service(name: str) -> Service:
    """Return the service `name`. Raises KeyError when there is none."""
    return {each.name: each for each in SERVICES}[name]
