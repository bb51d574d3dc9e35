"""backups.exchange: a database that cannot start on restored data gets its old ones back."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from cluster.tests.backups.conftest import WALL
from cluster.tests.http_server import Agent, Request
from cluster.tests.nomad_server import Nomad, allocation
from tasktracker_cluster.agents import credentials
from tasktracker_cluster.backups import exchange
from tasktracker_cluster.backups.recovery import Restored
from tasktracker_cluster.backups.repository import Backup
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import (
    CommandError,
    JobFailedError,
    NotReadyError,
    RestoreFailedError,
)
from tasktracker_cluster.jobs import gateway
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.topology import SIGNER

DATABASE = "task-db"
JOB = f"/v1/job/{DATABASE}"

# Stands for `nomad job run`: it fails as often as the file says.
SUBMIT = """#!/bin/sh
read -r failures <{home}/failures
[ "$failures" -eq 0 ] || {{ echo $((failures - 1)) >{home}/failures; exit 1; }}
touch {home}/running
"""


@pytest.fixture
def steps() -> Steps:
    return Steps(Console(quiet=True))


@pytest.fixture
def restored(
    cluster: Cluster, nomad: Nomad, consul: Agent, monkeypatch: pytest.MonkeyPatch
) -> Restored:
    """Return restored data, beside a database that runs. Its first start fails."""
    site = cluster.site
    consul.answers[f"/v1/kv/service/{DATABASE}/restoring"] = True
    credentials.create(site)
    nomad.write(f"nomad/jobs/{SIGNER}/api/app", {"jwt_public_keys": "{}"})
    nomad.has_job(DATABASE, Status="successful")
    running = site.home / "running"
    running.touch()

    def job(request: Request) -> object:
        if request.method == "DELETE":
            running.unlink(missing_ok=True)
        return {"Version": 1}

    nomad.answers[JOB] = job
    nomad.answers[f"{JOB}/allocations"] = lambda _: [allocation()] if running.exists() else []
    site.releases.mkdir()
    (site.releases / "current").symlink_to("a1b2c3")
    site.bin.mkdir()
    programs = {
        site.bin / "nomad": SUBMIT.format(home=site.home),
        site.bin / "chown": "#!/bin/sh\n",
        site.bin / "wall": WALL,
    }
    for file, text in programs.items():
        file.write_text(text)
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{site.bin}:/usr/bin:/bin")  # not every machine has the users
    fails(cluster, 1)
    for folder, text in (data(cluster), "old"), (site.home / "restored", "restored"):
        folder.mkdir(parents=True)
        (folder / "content").write_text(text)
    backup = Backup(DATABASE, "20251127T120000", datetime.now(UTC), 1024, is_good=True)
    return Restored(DATABASE, backup, site.home / "restored", {}, "")


def fails(cluster: Cluster, times: int) -> None:
    (cluster.site.home / "failures").write_text(f"{times}\n")


def data(cluster: Cluster) -> Path:
    return cluster.site.volume(DATABASE) / "data"


def content(cluster: Cluster) -> str:
    return (data(cluster) / "content").read_text()


def runs(cluster: Cluster) -> bool:
    return (cluster.site.home / "running").exists()


def begins_anew(cluster: Cluster) -> bool:
    """Return whether the log of the database is received anew, with a backup at once."""
    return (cluster.site.repository / DATABASE / "replaced").exists()


def test_without_a_running_cluster_nothing_is_begun(cluster: Cluster) -> None:
    with pytest.raises(NotReadyError, match="no running cluster"):
        exchange.must_be_possible(cluster)


def test_a_database_whose_start_is_refused_runs_on_its_old_data(
    cluster: Cluster, steps: Steps, restored: Restored
) -> None:
    with pytest.raises(CommandError, match="nomad"):
        exchange.bring_live(cluster, steps, restored)
    assert content(cluster) == "old"
    assert runs(cluster)
    assert not begins_anew(cluster)
    assert list(data(cluster).parent.glob("data.before-*")) == []


def test_a_leftover_of_an_earlier_restore_is_deleted(
    cluster: Cluster, steps: Steps, restored: Restored
) -> None:
    leftover = data(cluster).with_name("data.restoring")
    leftover.mkdir()
    (leftover / "leftover").touch()
    with pytest.raises(CommandError):
        exchange.bring_live(cluster, steps, restored)
    assert [each.name for each in leftover.iterdir()] == ["content"]


def test_folders_that_cannot_change_places_leave_the_database_running(
    cluster: Cluster, steps: Steps, restored: Restored, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails(cluster, 0)
    monkeypatch.setattr(exchange, "_RENAME_EXCHANGE", 1 << 10)  # as where it is not supported
    with pytest.raises(RestoreFailedError, match="cannot change places"):
        exchange.bring_live(cluster, steps, restored)
    assert content(cluster) == "old"
    assert runs(cluster)


def test_a_database_that_had_lost_its_data_is_started_again_on_the_restored_ones(
    cluster: Cluster, steps: Steps, restored: Restored
) -> None:
    data(cluster).rename(cluster.site.home / "lost")
    with pytest.raises(CommandError, match="nomad"):
        exchange.bring_live(cluster, steps, restored)
    assert content(cluster) == "restored"
    assert runs(cluster)
    assert begins_anew(cluster)


def leads(consul: Agent, member: str, *passing: str) -> None:
    """Let this member have the lead, and let the checks of these members pass."""
    folder = f"service/{DATABASE}/"
    values = {"leader": member, "members/m1": "{}", "members/m2": "{}"}
    entries = [
        {"Key": folder + name, "Value": base64.b64encode(value.encode()).decode()}
        for name, value in values.items()
    ]
    # Patroni writes them after they were forgotten: of the names there is none.
    consul.answers[f"/v1/kv/{folder}"] = lambda request: [] if "keys" in request.query else entries
    consul.answers[f"/v1/health/connect/{DATABASE}"] = [
        {"Service": {"Meta": {"member": each}}} for each in passing
    ]


@pytest.mark.parametrize(
    ("leader", "passing"),
    [("", []), ("m1", []), ("m2", ["m2"])],
    ids=["nobody leads", "it takes no writes", "another member leads"],
)
def test_a_database_that_runs_but_does_not_lead_gets_its_old_data_back(
    cluster: Cluster,
    consul: Agent,
    steps: Steps,
    restored: Restored,
    monkeypatch: pytest.MonkeyPatch,
    leader: str,
    passing: list[str],
) -> None:
    monkeypatch.setattr(exchange, "LEADING_SECONDS", 0)
    fails(cluster, 0)
    leads(consul, leader, *passing)
    with pytest.raises(JobFailedError, match="m1 of task-db does not lead on the restored data"):
        exchange.bring_live(cluster, steps, restored)
    assert content(cluster) == "old"
    assert runs(cluster)


def test_a_database_that_leads_keeps_the_restored_data(
    cluster: Cluster,
    consul: Agent,
    steps: Steps,
    restored: Restored,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gateway, "answers", lambda: True)
    fails(cluster, 0)
    leads(consul, "m1", "m1")
    before = exchange.bring_live(cluster, steps, restored)
    assert content(cluster) == "restored"
    assert begins_anew(cluster)
    assert before
    assert (before / "content").read_text() == "old"


def test_a_database_that_does_not_start_at_all_keeps_its_old_data_and_says_where(
    cluster: Cluster, steps: Steps, restored: Restored
) -> None:
    fails(cluster, 2)
    with pytest.raises(RestoreFailedError, match="nor") as failure:
        exchange.bring_live(cluster, steps, restored)
    assert content(cluster) == "old"
    assert f"are in {data(cluster)}." in failure.value.hint
