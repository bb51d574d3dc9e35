"""Nomad Variables: secrets that only the task which a path names can read."""

from collections.abc import Collection, Mapping
from urllib.parse import quote

from tasktracker_cluster.agents.api import Api


def read(nomad: Api, path: str) -> dict[str, str]:
    """Return what a variable holds. Raises ApiError where there is none."""
    return dict(nomad.call("GET", _url(path))["Items"])


def find(nomad: Api, path: str) -> dict[str, str]:
    """Return what a variable holds; nothing where there is none."""
    known = nomad.find(_url(path))
    return dict(known["Items"]) if known else {}


def change(nomad: Api, path: str, items: Mapping[str, str], without: Collection[str] = ()) -> None:
    """Set these items of a variable, and keep its others but for those in `without`."""
    known = nomad.find(_url(path)) or {"Items": {}, "ModifyIndex": 0}
    kept = {name: value for name, value in known["Items"].items() if name not in without}
    changed = {"Path": path, "Items": {**kept, **items}}
    # cas: not over what somebody else wrote meanwhile; 0 if it did not exist.
    nomad.call("PUT", _url(path), changed, cas=str(known["ModifyIndex"]))


def keep(nomad: Api, path: str, items: Mapping[str, str]) -> dict[str, str]:
    """Create a variable unless it exists, and return what it holds."""
    known = nomad.find(_url(path))
    if known is None:
        # cas=0: only if it does not exist; never over one that a concurrent `up` made.
        known = nomad.call("PUT", _url(path), {"Path": path, "Items": dict(items)}, cas="0")
    return dict(known["Items"])


def _url(path: str) -> str:
    return f"/v1/var/{quote(path, safe='')}"
