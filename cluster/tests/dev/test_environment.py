"""The environment of each service of a session, in files."""

import shlex
import stat
import subprocess

from tasktracker_cluster.dev import environment
from tasktracker_cluster.site import Site


def test_secrets_are_made_once_and_only_their_user_reads_them(site: Site) -> None:
    environment.write(site)
    files = {file: file.read_text() for file in (site.home / "environment").iterdir()}
    environment.write(site)

    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert files == {file: file.read_text() for file in files}


def test_a_service_has_its_own_role_and_its_migration_another(site: Site) -> None:
    environment.write(site)

    def url(name: str) -> str:
        command = f". {shlex.quote(str(environment.path(site, name)))} && echo $DATABASE_URL"
        return subprocess.check_output(["sh", "-c", command], text=True, env={})

    assert url("task-service").startswith("postgresql://task_app:")
    assert url("task-migrate").startswith("postgresql://task_owner:")
    assert url("portal") == "\n"
