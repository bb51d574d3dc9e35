"""The gateway's health, and what an earlier version of it left."""

import shutil

import httpx

from tasktracker_cluster.agents import certificates
from tasktracker_cluster.site import GATEWAY_URL, Site
from tasktracker_cluster.topology import GATEWAY, SERVICES

LIMIT_SECONDS = 10  # the portal waits for each service for five


def delete_certificate(site: Site) -> None:
    """Delete the certificate for Consul's API that Traefik had in an earlier version."""
    for file in certificates.paths(site, GATEWAY):
        file.unlink(missing_ok=True)
    shutil.rmtree(site.home / GATEWAY, ignore_errors=True)


def answers() -> bool:
    """Return whether the gateway has a route to every service, and all services are healthy."""
    try:
        with httpx.Client(base_url=GATEWAY_URL, timeout=LIMIT_SECONDS, trust_env=False) as client:
            # While a service has no route, the portal answers in its place with 503.
            return client.get("/health").is_success and all(
                client.get(service.route).status_code == service.status for service in SERVICES
            )
    except httpx.TransportError:
        return False
