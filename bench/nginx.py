"""nginx as a gateway: the neighbour that Traefik is compared with.

It does the least that a gateway of the mesh must do. It passes every request to one sidecar, over
connections that it keeps, with the certificate that Consul gives Traefik. It has no middleware, no
log and no statistics.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.program import Program
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.doctor import connection
from tasktracker_cluster.machine import files
from tasktracker_cluster.mesh import catalog
from tasktracker_cluster.testing.throwaway import ThrowawayCluster

PROGRAM = "/usr/sbin/nginx"  # of Debian's package
URL = "http://127.0.0.1:8010"  # no port of the cluster

# Both ways keep their connections, as Traefik does: nginx itself would close one after 1,000
# requests. nginx cannot check the sidecar's certificate: it compares host names, and the
# certificate has a SPIFFE id instead.
_CONFIGURATION = """
daemon off;
worker_processes auto;
error_log stderr;
pid {folder}/pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    upstream sidecar {{
        server {sidecar};
        keepalive 256;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:8010;
        keepalive_requests 1000000000;
        client_body_temp_path {folder}/body;
        location / {{
            proxy_pass https://sidecar;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_ssl_protocols TLSv1.2 TLSv1.3;
            proxy_ssl_certificate {folder}/certificate.pem;
            proxy_ssl_certificate_key {folder}/key.pem;
            proxy_max_temp_file_size 0;
            proxy_temp_path {folder}/answer;
        }}
    }}
}}
"""


@contextmanager
def before(cluster: ThrowawayCluster, service: str) -> Iterator[int]:
    """Run nginx at `URL`, before the sidecar of a service. Give its process id."""
    (sidecar,) = catalog.sidecars(cluster.as_operator, service)
    with tempfile.TemporaryDirectory(prefix="nginx-") as name:
        folder = Path(name)
        leaf = connection.leaf(cluster.as_operator)
        _write(folder, leaf, "{}:{}".format(*sidecar.address))
        answers = Api("nginx", URL, {}).answers
        command: list[str | Path] = [PROGRAM, "-e", "stderr", "-c", folder / "nginx.conf"]
        with Program(command, lambda: answers("/health")).running() as pid:
            yield pid


def _write(folder: Path, leaf: Mapping[str, str], sidecar: str) -> None:
    files.write(folder / "certificate.pem", leaf["CertPEM"], 0o600)
    files.write(folder / "key.pem", leaf["PrivateKeyPEM"], 0o600)
    text = _CONFIGURATION.format(folder=folder, sidecar=sidecar)
    files.write(folder / "nginx.conf", text, 0o600)
