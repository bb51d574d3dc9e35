"""Certificates of a machine that has joined: the first machine signs new ones."""

from collections.abc import Iterable
from datetime import timedelta

from cryptography import x509

from tasktracker_cluster.agents import certificates, signing
from tasktracker_cluster.agents.certificates import Identity, Role
from tasktracker_cluster.errors import StaleStateError
from tasktracker_cluster.membership import caller
from tasktracker_cluster.site import Site

_OTHERS = (certificates.TOOLS, certificates.PAGES, certificates.STORE, certificates.MEMBERSHIP)


def of_machine(site: Site) -> tuple[Role, ...]:
    """Return the roles of the parties on this machine."""
    agents = certificates.of_agents(site.node.is_server)
    return (*agents, *_OTHERS)


def due(site: Site, roles: Iterable[Role]) -> list[Role]:
    """Return the roles whose certificate ends soon, has other names, or is missing."""
    found = [(role, certificates.present(site, role)) for role in roles]
    return [role for role, present in found if present is None or _is_due(present, role)]


def renew(site: Site, roles: Iterable[Role]) -> None:
    """Get new certificates for these roles. After a lost answer, a second try gets other ones.

    Raises UnreachableFirstError, or StaleStateError when this machine cannot ask any more.
    """
    if certificates.identity(site, certificates.MEMBERSHIP).remaining < timedelta(0):
        raise StaleStateError(
            "The certificate that this machine shows to the first machine has expired.",
            f"On the first machine: tasktracker-cli admin node remove {site.node.name}, then "
            "./just invite. Here: ./just destroy, then ./just join LINE",
        )
    made = {role.name: signing.request() for role in roles}
    requests = {name: each.certificate for name, each in made.items()}
    signed = caller.call(site, "/certificates", {"requests": requests})["certificates"]
    for name, each in made.items():
        certificates.write(site, name, Identity(signed[name], each.key))


def _is_due(found: Identity, role: Role) -> bool:
    if found.remaining < certificates.RENEWED_BEFORE_END:
        return True
    # What this machine shows to the first machine has no names: it is a client there.
    return role not in _OTHERS and role.names[0] not in _names(found)


def _names(found: Identity) -> list[str]:
    value = found.x509.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(value.get_values_for_type(x509.DNSName))
