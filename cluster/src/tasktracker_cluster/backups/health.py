"""The health of the backups of a database: how old the last good one is, and what is missing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tasktracker_cluster.backups import ages, disk, reception, repository
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import AdminError, CommandError

LONGEST_AGE = timedelta(hours=26)  # one is made each day, and takes its time
MOST_BYTES = 64 * 2**20  # of the log: four segments
KIB = 2**10


@dataclass(frozen=True)
class Health:
    """The age of the last good backup, how much of the log is not received, and what is wrong.

    None: there is no good backup, or it is not known how much is received. `fault` is empty when
    all is well.
    """

    age: timedelta | None
    behind: int | None
    fault: str

    @property
    def told(self) -> str:
        """Both figures in words."""
        age = "no backup" if self.age is None else f"{ages.told(self.age)} old"
        behind = "" if self.behind is None else f", {self.behind // KIB} KiB behind"
        return age + behind


def of(cluster: Cluster, database: str) -> Health:
    """Return the health of the backups of a database."""
    site = cluster.site
    if disk.is_missing(site):
        return Health(None, None, disk.GONE)
    try:
        listed = repository.backups(site, database)
        has_space = repository.has_space_for_another(site, listed)
    except CommandError as error:
        return Health(None, None, f"repository: {error.message.rstrip('.')}")
    last = next((each for each in listed if each.is_good), None)
    age = datetime.now(UTC) - last.end if last else None
    try:
        behind = reception.behind(cluster, database)
    except AdminError:
        silent = reception.silent_elsewhere(cluster, database).rstrip(".")
        return Health(age, None, silent or "the database does not answer")
    fault = _fault(age, behind)
    if not fault and last and not repository.is_unbroken(site, last):
        fault = "no good backup since the log began anew"
    full = "" if has_space else "the repository has no space for another backup"
    return Health(age, behind, fault or full)


def _fault(age: timedelta | None, behind: int | None) -> str:
    if age is None:
        return "no good backup yet"
    if age > LONGEST_AGE:
        return "the last good backup is too old"
    if behind is None:
        return "the log is not received"
    return "the log is received too late" if behind > MOST_BYTES else ""
