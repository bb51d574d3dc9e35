"""The agents of a machine with the certificates and tokens that are in its files now.

Consul reads them while it runs: a restarted one would elect, and report the members of databases as
critical until they have told their health. Nomad has to start again: it reads its Consul token, and
the certificate that it shows to Consul, only then.
"""

from contextlib import suppress
from xmlrpc.client import Fault  # nosec B411 - of our own supervisor

from tasktracker_cluster.agents import certificates, consul, nomad, pages, rendered, supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.machine import wait
from tasktracker_cluster.topology import CONSUL_API_PORT

LIMIT_SECONDS = 180


def refresh(cluster: Cluster) -> None:
    """Let the agents and the pages use what is in the files. Raises NotReadyError.

    The certificate of Consul must be a new one: that Consul shows it is the proof that it has read
    its token, too, which it does first.
    """
    site, tokens = cluster.site, cluster.tokens
    own, of_nomad = certificates.of_agents(site.node.is_server)
    rendered.change(site, "consul", "agent", tokens.consul_agent)
    if site.node.is_first:
        rendered.change(site, "consul", "initial_management", tokens.consul_management)
    fingerprint = certificates.identity(site, own).fingerprint
    rendered.change(site, "consul", rendered.CERTIFICATE, fingerprint)
    with suppress(Fault):  # it does not run now, and starts with these files
        supervisor.call(site, "signalProcess", "consul", "HUP")
    wait.until(
        "Consul's new certificate",
        lambda: certificates.shown(site, CONSUL_API_PORT) == fingerprint,
        LIMIT_SECONDS,
    )
    supervisor.wait_for(site, "consul", lambda: consul.has_leader(cluster.consul))
    _restart_nomad(cluster, certificates.identity(site, of_nomad).fingerprint)
    certificates.hand_over_to_store(site)
    if pages.render(site):
        supervisor.ensure(site, pages.NAME, changed=True)
    supervisor.wait_for(site, pages.NAME, pages.are_served)


def _restart_nomad(cluster: Cluster, fingerprint: str) -> None:
    site = cluster.site
    rendered.change(site, "nomad", "token", cluster.tokens.consul_nomad)
    rendered.change(site, "nomad", rendered.CERTIFICATE, fingerprint)
    supervisor.ensure(site, "nomad", changed=True)
    supervisor.wait_for(site, "nomad", lambda: nomad.has_leader(cluster.nomad))
