"""Which machines have a member of each database: at most three, with the numbers 1 to 3.

A key in Consul has the number of each machine. Nomad's client of the machine has it in its
metadata, where the job of a database reads it (nomad/jobs/postgres.nomad.hcl). Only the first
machine writes both. Its own number is always 1, also before another machine has joined.
"""

import base64
import json
import time
from collections.abc import Callable

from tasktracker_cluster.agents import nomad
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import ApiError
from tasktracker_cluster.machine import wait

MOST = 3  # a majority of three outlives a loss, and a fourth member would make no write safer
FIRST = 1  # the number of the first machine
LIMIT_SECONDS = 60
TELLING_SECONDS = 180  # a machine that just became a server starts its Nomad again
LOST_SECONDS = 120  # a Nomad that starts again on a busy machine is down for Nomad, too
META = "tasktracker.member"

_KEY = "/v1/kv/tasktracker/members"
_METADATA = "/v1/client/metadata"


def known(consul: Api) -> dict[str, int]:
    """Return the number of each machine that has one, none before the first `up`."""
    return _read(consul)[0]


def machine(consul: Api, member: str) -> str:
    """Return the name of the machine with this member (m1, m2, m3), empty when it has left."""
    machines = {f"m{number}": name for name, number in known(consul).items()}
    return machines.get(member, "")


def member(cluster: Cluster) -> str:
    """Return the name of this machine's member. The first machine has m1 before it has a number."""
    return f"m{known(cluster.consul).get(cluster.site.node.name, FIRST)}"


def count(consul: Api) -> int:
    """Return how many members each database has."""
    return max(1, len(known(consul)))


def assign(cluster: Cluster) -> int:
    """Give the free numbers to machines that are ready, and return how many have one.

    Raises NotReadyError when others change the numbers all the time.
    """
    ready = _ready(cluster.nomad)
    first = cluster.site.node.name
    names = sorted(ready, key=lambda name: (len(name), name))
    wanted = _change(cluster.consul, lambda known: _completed({first: FIRST, **known}, names))
    for name in (wanted.keys() & ready.keys()) - {first}:
        _tell(cluster.nomad, name, ready[name], wanted[name])
    return len(wanted)


def release(consul: Api, name: str) -> None:
    """Free the number of a machine that was removed. Raises what `assign` does."""
    _change(consul, lambda known: {each: known[each] for each in known if each != name})


def _change(consul: Api, change: Callable[[dict[str, int]], dict[str, int]]) -> dict[str, int]:
    """Change the numbers, and return those that are stored.

    Two callers may do it at the same time, for machines that join and leave. The second one begins
    anew with what the first one has stored: no two machines may be told the same number.
    """

    def stored() -> dict[str, int] | None:
        numbers, index = _read(consul)
        wanted = change(numbers)
        if wanted == numbers or consul.call("PUT", _KEY, wanted, cas=str(index)):
            return wanted
        return None

    return wait.until("the numbers of the databases' members", stored, LIMIT_SECONDS)


def _completed(numbers: dict[str, int], names: list[str]) -> dict[str, int]:
    free = [number for number in range(1, MOST + 1) if number not in numbers.values()]
    new = [name for name in names if name not in numbers]
    return {**numbers, **dict(zip(new, free, strict=False))}


def _read(consul: Api) -> tuple[dict[str, int], int]:
    entries = consul.find(_KEY)
    if not entries:
        return {}, 0
    return dict(json.loads(base64.b64decode(entries[0]["Value"]))), int(entries[0]["ModifyIndex"])


def _ready(nomad_api: Api) -> dict[str, str]:
    """Return the id of each machine that is ready, by its name."""
    return {n.name: n.identifier for n in nomad.nodes(nomad_api) if n.status == "ready"}


def _tell(nomad_api: Api, name: str, identifier: str, number: int) -> None:
    """Set the metadata of a machine's client, which keeps them on its disk.

    A client that does not answer is asked again. A machine that stays away is left out: it keeps
    its number, and is told when numbers are assigned again.
    """
    seen = time.monotonic()

    def is_told_or_lost() -> bool:
        nonlocal seen
        try:
            known = nomad_api.call("GET", _METADATA, node_id=identifier)["Meta"]
            if known.get(META) != str(number):
                changed = {"Meta": {META: str(number)}}
                nomad_api.call("POST", _METADATA, changed, node_id=identifier)
        except ApiError:
            if identifier in _ready(nomad_api).values():
                seen = time.monotonic()
            if time.monotonic() < seen + LOST_SECONDS:
                raise  # the wait goes on if this error passes
        return True

    wait.until(f"an answer of {name}", is_told_or_lost, TELLING_SECONDS)
