"""The links to logs, by whose names the store knows each line: who wrote it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.records import log_files, victoria_logs
from tasktracker_cluster.records.record import Origin
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import JOBS

EVERYTHING = "*"


def files(store: Api) -> list[Path]:
    """Return the links whose lines it has. Raises ApiError when it does not answer."""
    answer = store.call(
        "GET", "/select/logsql/stream_field_values", query=EVERYTHING, field="file", start="0"
    )
    return sorted(Path(each["value"]) for each in answer["values"])


def origins(links: Iterable[Path]) -> dict[Path, Origin]:
    """Return who wrote what is behind each of these links (nomad/jobs/logs/link.py)."""
    tasks: dict[str, set[str]] = defaultdict(set)
    found = {link: _parts(link) for link in links}
    for allocation, rest in found.values():
        tasks[allocation].add(rest.rpartition(".std")[0])
    jobs = {allocation: log_files.job_of(names) for allocation, names in tasks.items()}
    return {
        link: Origin(jobs[allocation] or allocation[:8], rest.rpartition(".std")[0], allocation[:8])
        if ".std" in rest
        else Origin(allocation)
        for link, (allocation, rest) in found.items()
    }


def named(store: Api, origins: Mapping[Path, Origin]) -> dict[Path, Origin]:
    """Return these origins, with the service that the lines name where no link named the job.

    The store forgets the lines of the sidecar, which are of its start, before those of the service.
    Raises ApiError when it does not answer.
    """
    nameless = [path for path, origin in origins.items() if origin.service == origin.instance]
    if not nameless:
        return dict(origins)
    rows = victoria_logs.ask_of_files(store, nameless, "service:* | uniq by (file, service)")
    services = {
        origins[Path(row["file"])].instance: row["service"]
        for row in rows
        if row["service"] in JOBS
    }
    return {
        path: replace(origin, service=services.get(origin.instance, origin.service))
        for path, origin in origins.items()
    }


def has_file(site: Site, link: Path) -> bool:
    """Return whether the log behind this link is still there."""
    allocation, rest = _parts(link)
    if ".std" in rest:
        return (site.home / "nomad" / "alloc" / allocation / "alloc" / "logs" / rest).exists()
    inode = int(rest.partition(".")[0])
    return any(file.stat().st_ino == inode for file in site.logs.glob(f"{allocation}*"))


def _parts(link: Path) -> tuple[str, str]:
    """Return the allocation or the agent, and the rest of the name."""
    first, _, rest = link.name.partition(".")
    return first, rest
