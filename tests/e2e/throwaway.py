"""A cluster in a network namespace of its own, of which nothing is left afterwards.

Whatever runs on the machine outside is neither seen nor touched.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasktracker_cluster.machine import processes
from tasktracker_cluster.site import Site
from tests.e2e.cluster import Cluster
from tests.namespace import network_namespace


@contextmanager
def installed() -> Iterator[Cluster]:
    """A cluster that only `up` is missing to; its state is in a folder of its own.

    This thread is in the namespace for as long as the block lasts: `localhost:8000` is the
    cluster's gateway there.
    """
    assert os.geteuid() == 0, "a cluster needs root"
    home = Path(tempfile.mkdtemp(prefix="tt-", dir="/tmp"))
    home.chmod(0o755)
    cluster = Cluster(home / "state")
    try:
        cluster.admin("install")  # the only step that needs a registry, which the namespace lacks
        with network_namespace():
            try:
                yield cluster
            finally:
                cluster.admin("destroy", "--yes", check=False)
                _end_processes(cluster.site)
    finally:
        shutil.rmtree(home)


def _end_processes(site: Site) -> None:
    if site.home.exists():
        processes.end_all(site)
