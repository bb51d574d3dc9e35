"""jobs.rollout: the variables of the jobs that bring a release to every node."""

from pathlib import Path

import pytest

from tasktracker_cluster.agents import credentials
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import rollout
from tasktracker_cluster.releases.installed import Release

OTHER_STORE = "http://10.0.0.9/artifacts"


@pytest.fixture
def submitted(cluster: Cluster) -> Path:
    """Return the file into which a program in the place of Nomad writes what it was given."""
    credentials.create(cluster.site)
    file = cluster.site.home / "submitted"
    cluster.site.bin.mkdir()
    program = cluster.site.bin / "nomad"
    words = '"$4 $NOMAD_VAR_release $NOMAD_VAR_artifacts $NOMAD_VAR_nodes $NOMAD_VAR_store"'
    program.write_text(f"#!/bin/sh\necho {words} >>{file}\n")
    program.chmod(0o755)
    return file


def test_the_store_that_the_operator_names_reaches_the_job(
    cluster: Cluster, submitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOMAD_VAR_store", OTHER_STORE)
    rollout.start(cluster, Release("a1b2c3", ("ab", "cd")), ["10.0.0.1"])
    assert submitted.read_text().splitlines() == [
        f'nomad/jobs/{name}.nomad.hcl a1b2c3 ["ab", "cd"] ["10.0.0.1"] {OTHER_STORE}'
        for name in ("store", "release")
    ]
