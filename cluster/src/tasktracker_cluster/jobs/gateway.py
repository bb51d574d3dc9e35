"""The gateway's job: its certificate for the agents' APIs, and its health."""

from datetime import datetime

import httpx

from tasktracker_cluster.agents import certificates
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import allocations
from tasktracker_cluster.site import GATEWAY_URL, Site
from tasktracker_cluster.topology import GATEWAY, GATEWAY_USER, SERVICES


def render(site: Site) -> None:
    """Write the certificate, its key and the authority. Renew a certificate that expires soon."""
    certificates.hand_over(site, certificates.TRAEFIK, site.traefik, GATEWAY_USER)


def restart_outdated(cluster: Cluster) -> None:
    """Restart Traefik if it started before its certificate was made: it reads the file once."""
    made = (cluster.site.traefik / "certificate.pem").stat().st_mtime
    for allocation in allocations.active(cluster, GATEWAY):
        started = ((allocation["TaskStates"] or {}).get("traefik") or {}).get("StartedAt")
        if started and datetime.fromisoformat(started).timestamp() < made:
            path = f"/v1/client/allocation/{allocation['ID']}/restart"
            cluster.nomad.call("PUT", path, {"TaskName": "traefik"})


def answers() -> bool:
    """Return whether the gateway has a route to every service, and all services are healthy."""
    try:
        with httpx.Client(base_url=GATEWAY_URL, timeout=5, trust_env=False) as client:
            # While a service has no route, the portal answers in its place with 503.
            return client.get("/health").is_success and all(
                client.get(service.route).status_code == service.status for service in SERVICES
            )
    except httpx.TransportError:
        return False
