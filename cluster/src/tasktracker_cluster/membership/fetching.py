"""The release of the cluster on a machine that has joined: it comes from the other machines."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress

from tasktracker_cluster.agents import certificates
from tasktracker_cluster.errors import NoArtifactError, NotReadyError, UnreachableFirstError
from tasktracker_cluster.machine import wait
from tasktracker_cluster.membership import caller
from tasktracker_cluster.progress import Step
from tasktracker_cluster.releases import artifact, artifact_store, installed
from tasktracker_cluster.releases.artifact_store import Certificate, MissingArtifactError
from tasktracker_cluster.releases.installed import Release
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import SHARED_STORE_PORT

# All stores restart when a machine has joined, and the next one may join at once.
RESTART_SECONDS = 180


def install(site: Site, step: Step) -> None:
    """Install the release that the cluster runs, unless it is here.

    Raises NoArtifactError when no machine has a part of it. Without the first machine an installed
    release stays, whatever the cluster runs: the job `release` follows. Raises
    UnreachableFirstError when there is none.
    """
    try:
        told = caller.call(site, "/release", {})
    except UnreachableFirstError:
        if not installed.has_one(site):
            raise
        step.detail = "not compared: the first machine does not answer"
        return
    release = Release(told["name"], tuple(told["artifacts"]))
    others = [address for address in told["nodes"] if address != site.node.address]
    for sha256 in release.artifacts:
        _fetch(site, sha256, [f"{address}:{SHARED_STORE_PORT}" for address in others])
    installed.install(site, release)
    step.detail = release.name


def _fetch(site: Site, sha256: str, stores: Sequence[str]) -> None:
    target = installed.file(site, sha256)
    if target.exists():
        if artifact.checksum(target) == sha256:
            return
        target.unlink()  # damaged, by a loss of power for example
    authority = certificates.paths(site, certificates.AUTHORITY)[0]
    own = Certificate(authority, *certificates.paths(site, certificates.STORE.name))
    with tempfile.NamedTemporaryFile(dir=site.artifacts) as draft:
        missing = ""

        def is_fetched() -> bool:
            nonlocal missing
            try:
                artifact_store.fetch(sha256, stores, own, draft.file)
            except MissingArtifactError as error:
                missing = str(error)
                return False
            return True

        try:
            wait.until(f"the artifact {sha256}", is_fetched, RESTART_SECONDS)
        except NotReadyError as error:
            raise NoArtifactError(
                f"No machine of the cluster has the artifact {sha256}: {missing}.",
                "On the first machine: ./just up. Then try again.",
            ) from error
        os.fchmod(draft.fileno(), 0o644)
        draft.flush()
        os.fsync(draft.fileno())
        with suppress(FileExistsError):  # the job `release` was quicker
            os.link(draft.name, target)
