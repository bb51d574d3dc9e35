"""Nomad Variables: secrets. Only the task that is named in the path can read them."""

from collections.abc import Collection, Mapping
from urllib.parse import quote

from tasktracker_cluster.agents.api import Api


def read(nomad: Api, path: str) -> dict[str, str]:
    """Return the items of a variable. Raises ApiError when it does not exist."""
    return dict(nomad.call("GET", _url(path))["Items"])


def find(nomad: Api, path: str) -> dict[str, str]:
    """Return the items of a variable, empty when it does not exist."""
    known = nomad.find(_url(path))
    return dict(known["Items"]) if known else {}


def change(nomad: Api, path: str, items: Mapping[str, str], without: Collection[str] = ()) -> None:
    """Set these items of a variable, remove those in `without`, and keep the others."""
    known = nomad.find(_url(path)) or {"Items": {}, "ModifyIndex": 0}
    kept = {name: value for name, value in known["Items"].items() if name not in without}
    changed = {"Path": path, "Items": {**kept, **items}}
    # Check-and-set: another writer's change is not overwritten. 0: the variable did not exist.
    nomad.call("PUT", _url(path), changed, cas=str(known["ModifyIndex"]))


def ensure(nomad: Api, path: str, items: Mapping[str, str]) -> dict[str, str]:
    """Create a variable unless it exists, and return its items."""
    known = nomad.find(_url(path))
    if known is None:
        # Check-and-set with 0: a variable of a concurrent `up` is not overwritten.
        known = nomad.call("PUT", _url(path), {"Path": path, "Items": dict(items)}, cas="0")
    return dict(known["Items"])


def delete(nomad: Api, path: str) -> None:
    """Delete a variable if it exists."""
    if nomad.find(_url(path)) is not None:
        nomad.call("DELETE", _url(path))


def _url(path: str) -> str:
    return f"/v1/var/{quote(path, safe='')}"
