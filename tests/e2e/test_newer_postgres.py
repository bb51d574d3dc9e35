"""Backups and restores with the next version of PostgreSQL: by hand, as it takes minutes.

    DRILL_ROUNDS=1 .venv/bin/pytest -m drill tests/e2e/test_newer_postgres.py

The cluster is that of a checkout which names this version everywhere, as an upgrade needs it
(docs/operations/upgrading.md).
"""

import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tasktracker_cluster.jobs import gateway, postgres
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.testing import throwaway
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tests import newer_postgres
from tests.e2e.traffic import titles
from tests.rounds import by_hand

pytestmark = [pytest.mark.drill, by_hand]

ROOT = Path(__file__).parents[2]
OLD = "15"
LIMIT_SECONDS = 180


@pytest.fixture
def scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def checkout(scratch: Path) -> Path:
    """Return a checkout that names the newer version everywhere."""
    there = scratch / "checkout"
    named = 0
    for name in shell.run(["git", "ls-files", "-z"], cwd=ROOT).split("\0")[:-1]:
        file = there / name
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, file, follow_symlinks=False)
        if name.startswith(("cluster/src", "nomad")):
            text = file.read_text()
            changed = re.sub(rf"(postgresql[-/]){OLD}\b", rf"\g<1>{newer_postgres.VERSION}", text)
            named += text != changed
            file.write_text(changed)
    assert named >= 5
    return there


@pytest.fixture
def newer(
    scratch: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ThrowawayCluster]:
    """Give a running cluster of that checkout."""
    monkeypatch.setenv("PYTHONPATH", str(checkout / "cluster/src"))
    with newer_postgres.programs(scratch / "programs"), throwaway.installed() as cluster:
        cluster.admin("up")
        yield cluster


def test_the_next_version_is_backed_up_and_restored(newer: ThrowawayCluster) -> None:
    found = shell.run(postgres.query(newer.site, "task-db", "SHOW server_version"))
    assert found.startswith(newer_postgres.VERSION)
    repository = newer.home.parent / "backups"
    newer.admin("backup", "on", "--to", str(repository))
    user = newer.user("newton")
    user.run("task", "create", "from before")
    newer.admin("backup", "now")
    newer.admin("backup", "verify")
    newer.admin("backup", "drill")
    user.run("task", "create", "since the backup")
    then = datetime.now(UTC)
    wait.until("the next second", lambda: (datetime.now(UTC) - then).total_seconds() > 1, 2)
    user.run("task", "create", "too late")

    newer.admin("restore", "task", "--to", then.isoformat(), "--yes")
    wait.until("the gateway", gateway.answers, LIMIT_SECONDS)
    with user.http() as client:
        assert set(titles(client)) == {"from before", "since the backup"}
    newer.admin("backup", "off")
