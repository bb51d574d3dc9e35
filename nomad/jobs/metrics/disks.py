"""Tell a store of metrics every few seconds how much is free on each disk with data of ours.

Arguments: the store's address, the name of the machine, and its state folder. A folder that is not
there, or below one that is closed, has no figure: most machines have no backups, and the disk of
backups may be away.
"""

import os
import sys
import time
import urllib.request
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

SECONDS = 5
PATH = "/api/v1/import/prometheus"

# What may be a disk of its own, or a link to another disk.
FOLDERS = (".", "volumes/user-db", "volumes/task-db", "volumes/metrics", "volumes/logs",
           "backup/repository")  # fmt: skip


def main() -> None:
    """Tell the figures until the end."""
    store, node, home = sys.argv[1:]
    while True:
        with suppress(OSError, HTTPException):  # it starts, or is away: it gets the next ones
            tell(store + PATH, lines(node, Path(home)))
        time.sleep(SECONDS)


def tell(url: str, text: str) -> None:
    """Send lines. Raises OSError and HTTPException."""
    plain = {"Content-Type": "text/plain"}
    request = urllib.request.Request(url, text.encode(), plain)  # noqa: S310 - the job's own
    urllib.request.urlopen(request, timeout=SECONDS).close()  # noqa: S310  # nosec B310


def lines(node: str, home: Path) -> str:
    """Return a line for each disk, in Prometheus' format."""
    return "".join(
        f'disk_free_bytes{{job="disks",node="{node}",folder="{folder}"}} {free}\n'
        for folder, free in disks(home).items()
    )


def disks(home: Path) -> dict[str, int]:
    """Return the free bytes of each disk, by the first of the folders on it."""
    found: dict[int, tuple[str, int]] = {}
    for name in FOLDERS:
        with suppress(FileNotFoundError, PermissionError):
            folder = home / name
            system = os.statvfs(folder)
            free = system.f_bavail * system.f_frsize
            found.setdefault(folder.stat().st_dev, (str(folder), free))
    return dict(found.values())


if __name__ == "__main__":
    main()
