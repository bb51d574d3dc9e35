"""The gateway's health, and what an earlier version of it left."""

import shutil

import httpx

from tasktracker_cluster.agents import certificates
from tasktracker_cluster.machine import wait
from tasktracker_cluster.site import GATEWAY_URL, Site
from tasktracker_cluster.topology import GATEWAY, SERVICES

LIMIT_SECONDS = 10  # for an answer: the portal waits for each service for five
HEALTHY_SECONDS = 180  # a start takes minutes on a busy machine
WHAT = "every service healthy at the gateway"


def delete_certificate(site: Site) -> None:
    """Delete the certificate for Consul's API that Traefik had in an earlier version."""
    for file in certificates.paths(site, GATEWAY):
        file.unlink(missing_ok=True)
    shutil.rmtree(site.home / GATEWAY, ignore_errors=True)


def wait_healthy() -> None:
    """Wait until `answers` is true. Raises NotReadyError."""
    wait.until(WHAT, answers, HEALTHY_SECONDS)


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
