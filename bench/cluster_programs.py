"""The programs of a cluster that is down: the same programs as `up` starts, with the same data.

The agents have the cluster's own configuration. Traefik, Envoy and the services have a minimal
configuration with which they answer.
"""

import signal
import subprocess
from collections.abc import Iterator

from bench.program import Program
from tasktracker_cluster.agents import consul, nomad, supervisor
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import postgres
from tasktracker_cluster.site import TRAEFIK_URL, Site
from tasktracker_cluster.topology import DATABASES, JOBS, SERVICES, Database, Service

_SIDECARS = len(JOBS) - 1  # Traefik has none
_ENVOY_PORT = 19000
_UNUSED = "127.0.0.1:1"  # the address of other services: a service starts without them


def of_cluster(site: Site) -> Iterator[Program]:
    """Yield the programs. Start one only after the end of the one before: some share a port."""
    yield from _agents(site)
    for database in DATABASES:
        yield _postgres(site, database)
    yield _traefik(site)
    for _ in range(_SIDECARS):
        yield _envoy(site)
    for service in SERVICES:
        yield _service(site, service)


def _agents(site: Site) -> Iterator[Program]:
    cluster = Cluster(site)
    yield Program(
        [site.bin / "consul", "agent", f"-config-dir={site.agent / 'consul'}"],
        lambda: consul.has_leader(cluster.consul),
    )
    yield Program(
        [site.bin / "nomad", "agent", f"-config={site.agent / 'nomad'}"],
        lambda: nomad.has_leader(cluster.nomad) and nomad.has_ready_node(cluster.nomad),
        {"PATH": supervisor.SYSTEM_PATH},
        signal.SIGINT,
    )


def _postgres(site: Site, database: Database) -> Program:
    volume, is_ready = site.volume(database.name), postgres.is_ready(site, database.name)
    user = database.user
    return Program(
        ["/usr/bin/setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
         f"{postgres.BIN}/postgres", "-D", volume / "data",
         "-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=64MB",
         "-c", f"unix_socket_directories={volume / 'run'}"],
        lambda: subprocess.run(is_ready, capture_output=True, check=False).returncode == 0,
        stop=signal.SIGINT,  # its fast shutdown
    )  # fmt: skip


def _traefik(site: Site) -> Program:
    traefik = Api("Traefik", TRAEFIK_URL, {})
    return Program(
        [site.release / "bin" / "traefik", "--ping=true", "--ping.entryPoint=dashboard",
         "--entryPoints.web.address=127.0.0.1:8000",
         "--entryPoints.dashboard.address=127.0.0.1:8080"],
        lambda: traefik.answers("/ping"),
    )  # fmt: skip


def _envoy(site: Site) -> Program:
    envoy = Api("Envoy", f"http://127.0.0.1:{_ENVOY_PORT}", {})
    address = f"{{address: 127.0.0.1, port_value: {_ENVOY_PORT}}}"
    return Program(
        [site.release / "bin" / "envoy", "--concurrency", "1", "--disable-hot-restart",
         "--config-yaml", f"admin: {{address: {{socket_address: {address}}}}}"],
        lambda: envoy.answers("/ready"),
    )  # fmt: skip


def _service(site: Site, service: Service) -> Program:
    api = Api(service.name, f"http://127.0.0.1:{service.port}", {})
    return Program(
        [site.release / "bin" / "python", "-m", service.module],
        lambda: api.answers("/health/live"),
        {
            "PORT": str(service.port),
            "SECRET_KEY": "0" * 32,
            "DATABASE_URL": f"postgresql://{_UNUSED}/",
            **{f"{other.folder.upper()}_SERVICE_URL": f"http://{_UNUSED}" for other in SERVICES},
        },
    )
