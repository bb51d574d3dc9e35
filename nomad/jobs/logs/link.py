"""Make a hard link to every log of this machine, in one folder, for the collector of logs.

The folders of allocations have secrets beside the logs, some of which every user may read who may
enter. With the links the collector reads logs and nothing else. A link also keeps a log for a
minute after its allocation is deleted.

Arguments: the state folder, the folder of the links, the group that may read them, and on a machine
that has joined its name, which the links to the logs of its agents then have, too. It runs as root,
with the release's Python (docs/decisions/0055-logs.md).
"""

import glob
import grp
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

SECONDS = 2
KEPT_SECONDS = 60  # after its file is gone: the collector may look only each ten seconds
TASK = re.compile(r"[^.].*\.std(out|err)\.\d+")  # not the pipe .app.stdout.fifo
AGENT = re.compile(r"(consul|nomad|pages|membership|supervisord)(-\d+)?\.(log|err)(\.\d+)?")


def main() -> None:
    """Make and delete links until the end."""
    home, links, group = Path(sys.argv[1]), Path(sys.argv[2]), grp.getgrnam(sys.argv[3]).gr_gid
    machine = f"@{sys.argv[4]}" if len(sys.argv) > 4 else ""
    while True:
        update(home, links, group, machine)
        time.sleep(SECONDS)


def update(home: Path, links: Path, group: int, machine: str = "") -> None:
    """Make the links that are missing, and delete those whose file is gone."""
    known = set(os.listdir(links))
    for name, file in logs(home, machine):
        if name not in known:
            link(file, links / name, group)
    for name in known:
        state = (links / name).stat()
        if state.st_nlink == 1 and state.st_ctime < time.time() - KEPT_SECONDS:
            (links / name).unlink()


def logs(home: Path, machine: str) -> Iterator[tuple[str, Path]]:
    """Yield the name of the link to each log, and the log."""
    # Not Path.glob: it fails when Nomad deletes a folder meanwhile.
    for name in glob.iglob(f"{glob.escape(str(home))}/nomad/alloc/*/alloc/logs/*.std*"):
        file = Path(name)
        if TASK.fullmatch(file.name) and is_file(file):
            yield f"{file.parents[2].name}.{file.name}", file
    for file in (home / "logs").iterdir():
        # An agent renames a full file, and its link must keep its name.
        if found := AGENT.fullmatch(file.name):
            try:
                yield f"{found[1]}{machine}.{file.stat().st_ino}.{found[3]}", file
            except FileNotFoundError:
                continue


def is_file(path: Path) -> bool:
    """Return whether it is a file: no symbolic link, no pipe, and not gone."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def link(file: Path, name: Path, group: int) -> None:
    """Make a link that the group may read, to a file that is no symbolic link or pipe."""
    try:
        os.link(file, name, follow_symlinks=False)
    except FileNotFoundError:  # deleted meanwhile
        return
    # Nobody else can change the folder of the links, so this is what was linked.
    if is_file(name):
        os.chown(name, -1, group)
        name.chmod(0o640)
    else:
        name.unlink()


if __name__ == "__main__":
    main()
