"""The releases on this machine. Each is a virtual environment, named after its content.

The jobs' users cannot read a home folder, so the jobs cannot use the checkout or its `.venv`.
"""

import shutil

from tasktracker_cluster.progress import Step
from tasktracker_cluster.releases import build
from tasktracker_cluster.releases.sources import digest
from tasktracker_cluster.site import Site

KEPT = 3  # releases on disk: the newest, and two for a rollback


def install(site: Site, step: Step) -> str:
    """Build the release of the checkout's sources unless it exists, and make it `current`.

    Returns its name, 12 hexadecimal digits. Raises what build.environment does.
    """
    name = digest(site.checkout)
    folder = site.releases / name
    if not folder.exists():
        step.note("building")
        build.environment(site, folder)
    for lock in site.releases.glob("*/.lock"):
        lock.chmod(0o644)  # uv makes it writable for every user
    _make_current(site, name)
    _delete_old(site, name)
    step.detail = name
    return name


def current(site: Site) -> str:
    """Return the name of the release that was installed last."""
    return (site.releases / "current").readlink().name


def _make_current(site: Site, name: str) -> None:
    draft = site.releases / ".current"
    draft.unlink(missing_ok=True)
    draft.symlink_to(name)
    draft.replace(site.release)


def _delete_old(site: Site, name: str) -> None:
    (site.releases / name).touch()
    others = [p for p in site.releases.iterdir() if p.is_dir() and not p.is_symlink()]
    others.sort(key=lambda p: p.stat().st_mtime, reverse=True)
    for old in others[KEPT:]:
        shutil.rmtree(old)
