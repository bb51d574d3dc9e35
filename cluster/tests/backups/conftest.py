"""A repository whose Barman prints what a test sets."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tasktracker_cluster.site import Site

Listing = Callable[..., None]

WALL = '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n'


@pytest.fixture
def listing(site: Site) -> Listing:
    """Return a function that sets the backups of the task database. Backups are on."""
    programs = site.releases / "a1b2c3" / "bin"
    for folder in (site.bin, programs, site.repository / "task-db"):
        folder.mkdir(parents=True)
    site.release.symlink_to("a1b2c3")
    site.barman_conf.touch()
    for file, text in (
        (site.bin / "wall", WALL),
        (programs / "barman", f"#!/bin/sh\ncat '{site.home}/listed'\n"),
    ):
        file.write_text(text)
        file.chmod(0o755)

    def write(*backups: dict[str, Any]) -> None:
        (site.home / "listed").write_text(json.dumps({"task-db": backups}))

    write()
    return write


def backup(end: datetime, status: str = "DONE") -> dict[str, Any]:
    """Return a backup as Barman lists it. Its name is the time of its end."""
    facts = {"backup_id": f"{end:%Y%m%dT%H%M%S}", "status": status}
    if status != "DONE":
        return facts
    return {**facts, "end_time_timestamp": str(int(end.timestamp())), "size_bytes": 1024}
