"""A new authority of the agents in the place of the present one, in three stages.

Each stage is one change on the first machine, and a repeated one changes nothing. All machines must
have used what a stage made before the next one begins: then each trusts what any other one shows.
"""

from tasktracker_cluster.agents import certificates
from tasktracker_cluster.agents.certificates import AUTHORITY, Role
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import Site

TRUST, ISSUE, FORGET = STAGES = ("trust", "issue", "forget")

_NEXT = "next-authority"


def prepare(site: Site, stage: str) -> None:
    """Let the files of the first machine be those of a stage."""
    if stage == TRUST:
        _trust_next(site)
    elif stage == ISSUE:
        _sign_with_next(site)
    else:
        keep(site, certificates.authority(site).certificate)
        for rest in site.secrets.glob(".*authority.key.*"):  # of a process that was killed
            rest.unlink(missing_ok=True)


def keep(site: Site, trusted: str) -> None:
    """Write the certificates of the authorities that this machine trusts."""
    files.write(certificates.paths(site, AUTHORITY)[0], trusted, mode=0o600)


def _trust_next(site: Site) -> None:
    following = certificates.present(site, Role(_NEXT))
    if following is None:
        following = certificates.make_authority()
        certificates.write(site, _NEXT, following)
    keep(site, certificates.authority(site).certificate + following.certificate)


def _sign_with_next(site: Site) -> None:
    certificate, key = certificates.paths(site, _NEXT)
    if key.exists():
        # One step: the key says which of the trusted ones signs, and the key before is gone.
        key.replace(certificates.paths(site, AUTHORITY)[1])
    certificate.unlink(missing_ok=True)
