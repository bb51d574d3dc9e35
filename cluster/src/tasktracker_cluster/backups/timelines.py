"""Which timeline of a database's log leads to a time.

Each start of a database begins a new timeline at the end of the one before. After a failover it
may begin earlier: the new leader may lack the last writes, which nobody has acknowledged. Only a
restore, or a rebuilding, begins one at an older state: what was written after it is on the timeline
that ended then. The file `ended` of the repository has a line for each end of these two: the time,
and the number of the timeline.

In an earlier version only a restore began a timeline. So of a time before its end a restore follows
the timeline of the backup: the first line has the word `current`.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

from tasktracker_cluster import topology
from tasktracker_cluster.backups import repository
from tasktracker_cluster.jobs import postgres
from tasktracker_cluster.machine import shell
from tasktracker_cluster.site import Site

LATEST = "latest"

# Segments and histories, and Barman's folders of segments: all begin with the timeline's number.
_LOGS = ("wals", "streaming")
_OF_A_TIMELINE = re.compile(r"([0-9A-F]{8})([0-9A-F]{8,16}|\.history)")


def leading_to(site: Site, database: str, to: datetime | None) -> str:
    """Return PostgreSQL's recovery_target_timeline of a restore; None: to the last change."""
    if to is None:
        return LATEST
    file = _file(site, database)
    lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    return next((timeline for end, timeline in lines if datetime.fromisoformat(end) > to), LATEST)


def begin(site: Site, database: str) -> None:
    """Make the file of a repository that has none. Raises CommandError."""
    if not _file(site, database).exists():
        _append(site, database, "current")


def note_end(site: Site, database: str) -> None:
    """Note that the timeline of a database that was stopped ends now. Raises CommandError.

    Of a database that has lost its data nothing is noted: the end of its log is on the latest one.
    """
    data = site.volume(database) / "data"
    if not (data / "PG_VERSION").exists():
        return
    user = topology.database(database).user
    printed = shell.run(["runuser", "-u", user, "--", f"{postgres.BIN}/pg_controldata", str(data)])
    found = re.search(r"(?m)^Latest checkpoint's TimeLineID: +(\d+)$", printed)
    if found:
        _append(site, database, found[1])


def note_newest_end(site: Site, database: str) -> None:
    """Note that the newest timeline of a repository ends now: its database is lost.

    Nothing is noted when no log was received. Raises CommandError.
    """
    folder = site.repository / database
    names = [file.name for place in _LOGS for file in (folder / place).glob("*")]
    found = [int(match[1], 16) for match in map(_OF_A_TIMELINE.match, names) if match]
    if found:
        _append(site, database, str(max(found)))


def _append(site: Site, database: str, timeline: str) -> None:
    file, line = _file(site, database), f"{datetime.now(UTC).isoformat()} {timeline}"
    script = 'mkdir -p "$1" && echo "$2" >>"$3"'
    repository.run(site, "/bin/sh", "-c", script, "sh", str(file.parent), line, str(file))


def _file(site: Site, database: str) -> Path:
    return site.repository / database / "ended"
