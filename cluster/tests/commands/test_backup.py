"""`backup on`: what waits for the first copy."""

from pathlib import Path

import pytest

from tasktracker_cluster.agents import ownership
from tasktracker_cluster.backups import copies, copying, keeping
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.commands import backup
from tasktracker_cluster.errors import BusyError
from tasktracker_cluster.machine import preflight
from tasktracker_cluster.progress import Steps


def test_other_commands_do_not_wait_for_the_first_copy(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, seen = cluster.site, []
    for folder in (site.backup, site.secrets):
        folder.mkdir()

    def switch_on(*_: object) -> None:
        site.barman_conf.touch()
        with pytest.raises(BusyError), ownership.locked(site):
            pass
        seen.append("backups")

    def copy(_: Cluster, steps: Steps) -> None:
        assert copies.store(site).is_there()
        with ownership.locked(site):  # as a restore does
            seen.append("copy")

    monkeypatch.setattr(Cluster, "from_environment", lambda: cluster)
    monkeypatch.setattr(preflight, "must_be_root", lambda _: None)
    monkeypatch.setattr(keeping, "switch_on", switch_on)
    monkeypatch.setattr(copying, "copy", copy)
    backup.on(to=None, copied_to=str(tmp_path / "place"), key=None)
    assert seen == ["backups", "copy"]
    backup.on(to=None, copied_to="", key=None)
    assert seen == ["backups", "copy", "backups"]
    assert not copies.is_on(site)
