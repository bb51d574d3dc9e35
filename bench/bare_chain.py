"""The least mesh that there can be: Envoys with a configuration of our own, made for the run.

As in the cluster, a call passes the Envoy of its caller and that of the task service, and a query
passes the one of the task service and that of the database. They run beside the cluster's sidecars,
in the same networks, with the same program and the same service.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import bare_jobs, envoy, workload
from bench.bare_jobs import Task
from bench.envoy import Certificates, Config
from tasktracker_cluster.agents import certificates
from tasktracker_cluster.agents.certificates import Identity, Role
from tasktracker_cluster.machine import files
from tasktracker_cluster.testing.throwaway import ThrowawayCluster

JOB = "bare-chain"
CALLER, SERVICE, DATABASE = "stats-service", "task-service", "task-db"
PORT = 18002  # the service's on its own loopback, and in the caller's network its Envoy's
URL = f"http://127.0.0.1:{PORT}"
"""The service's address for the caller."""
_DATABASE_PORT = 15432
_SERVICE_PORT, _SERVER_PORT = 18443, 15443  # of the inbound listeners


@contextmanager
def running(cluster: ThrowawayCluster, path: str) -> Iterator[None]:
    """Run the chain during the block. The caller may only get `path`."""
    with tempfile.TemporaryDirectory(prefix="bare-") as name:
        folder = Path(name)
        tasks = [_envoy(cluster, folder, job, config) for job, config in
                 _configurations(cluster, folder, path).items()]  # fmt: skip
        network = cluster.network(SERVICE)
        service = bare_jobs.task_service(cluster, network, PORT, _DATABASE_PORT)
        # The service is healthy when its database is, so this goes through two Envoys.
        with bare_jobs.running(
            cluster, JOB, [*tasks, service], lambda: workload.answers_inside(network, PORT)
        ):
            yield


def envoy_of(job: str) -> str:
    """Return the name of the task that has the place of a job's sidecar."""
    return f"envoy-{job}"


def _configurations(cluster: ThrowawayCluster, folder: Path, path: str) -> dict[str, Config]:
    """Return the configuration for the Envoy of each job."""
    issuer = certificates.make_authority()
    own = {job: _certificates(folder, issuer, job) for job in (CALLER, SERVICE, DATABASE)}
    service, database = _address(cluster, SERVICE), _address(cluster, DATABASE)
    return {
        CALLER: envoy.program(
            [envoy.outbound(PORT, SERVICE)],
            [envoy.remote(SERVICE, service, _SERVICE_PORT, own[CALLER])],
        ),
        SERVICE: envoy.program(
            [
                envoy.inbound_http(_SERVICE_PORT, "app", CALLER, path, own[SERVICE]),
                envoy.outbound(_DATABASE_PORT, DATABASE),
            ],
            [
                envoy.local("app", PORT),
                envoy.remote(DATABASE, database, _SERVER_PORT, own[SERVICE]),
            ],
        ),
        DATABASE: envoy.program(
            [envoy.inbound_tcp(_SERVER_PORT, "postgres", SERVICE, own[DATABASE])],
            [envoy.local("postgres", workload.POSTGRES_PORT)],
        ),
    }


def _certificates(folder: Path, issuer: Identity, name: str) -> Certificates:
    """Write the certificate of a party, and return its files."""
    own = certificates.issue(issuer, Role(name, (name,)))
    made = Certificates(*(folder / f"{name}{end}" for end in (".ca.pem", ".pem", ".key")))
    files.write(made.authority, issuer.certificate)
    files.write(made.certificate, own.certificate)
    files.write(made.key, own.key, 0o600)
    return made


def _address(cluster: ThrowawayCluster, job: str) -> str:
    """Return the address of a job's network on the bridge."""
    allocation = cluster.nomad.call("GET", f"/v1/allocation/{cluster.allocation(job)['ID']}")
    return str(allocation["NetworkStatus"]["Address"])


def _envoy(cluster: ThrowawayCluster, folder: Path, job: str, config: Config) -> Task:
    file = folder / f"{job}.json"
    files.write(file, json.dumps(config), 0o600)
    program = cluster.site.release / "bin" / "envoy"
    # The same words as in nomad/jobs, and the same resources.
    options = ["-l", "warning", "--concurrency", "1", "--disable-hot-restart"]
    command: list[str | Path] = [program, "-c", file, *options]
    return bare_jobs.task(envoy_of(job), cluster.network(job), command, {}, cpu=50, memory=128)
