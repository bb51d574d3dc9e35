"""The rotation of secrets that runs now: a key in Consul, which says whose turn it is.

Only the first machine writes it. The others read it, and take their turn (turns.py).
"""

from dataclasses import asdict, dataclass

from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.errors import RefusedJoinError
from tasktracker_cluster.membership import members

CERTIFICATES = "certificates"
GOSSIP = "gossip"
AGENT_TOKENS = "agent-tokens"
AUTHORITY = "authority"

_KEY = "tasktracker/rotation"


@dataclass(frozen=True)
class Rotation:
    """One run of `rotate`. `machine` is the name of the machine whose turn it is, or empty.

    `stage` is that of a rotation of the authority (agents/authorities.py). Each has an identifier.
    """

    identifier: str
    what: str
    machine: str = ""
    stage: str = ""


def current(consul: Api) -> Rotation | None:
    """Return the rotation that runs or was interrupted."""
    return watch(consul, 0, 0)[0]


def watch(consul: Api, index: int, seconds: int) -> tuple[Rotation | None, int]:
    """Return the rotation and the index of that state, when it differs from `index` or in time."""
    found, index = members.watch(consul, _KEY, index, seconds)
    return (Rotation(**found) if found else None), index


def put(consul: Api, rotation: Rotation) -> None:
    """Begin a rotation, or give the turn to a machine."""
    record = asdict(rotation)
    if not rotation.stage:
        del record["stage"]  # a machine of an earlier version does not know it
    consul.call("PUT", f"/v1/kv/{_KEY}", record)


def end(consul: Api) -> None:
    """Record that no rotation runs."""
    consul.call("DELETE", f"/v1/kv/{_KEY}")


def must_not_run(consul: Api) -> None:
    """Raise RefusedJoinError during a rotation: a new machine could get the secrets before it."""
    if running := current(consul):
        raise RefusedJoinError(
            "The secrets of the cluster are being rotated.",
            "Try again in a minute. If the rotation was interrupted, run it again on the first "
            f"machine: ./just rotate {running.what}",
        )


def must_be_turn_of(consul: Api, name: str, *kinds: str) -> Rotation:
    """Return the rotation. Raise RefusedJoinError when it is not one of `kinds`, or not its turn.

    So a machine gets new secrets only when the operator rotates them.
    """
    running = current(consul)
    if running is None or running.machine != name or (kinds and running.what not in kinds):
        raise RefusedJoinError(f"It is not the turn of {name} in a rotation of secrets.")
    return running
