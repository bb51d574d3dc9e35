"""The parts of ./just dev that need no session; tests/dev runs whole ones."""

import shlex
import stat
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from tasktracker_cluster.dev import environment, reload, supervision
from tasktracker_cluster.site import Site

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    home = tmp_path / "100% mine; 'really'"
    home.mkdir()
    return Site(home, CHECKOUT)


@pytest.mark.parametrize(
    ("changed", "restarted"),
    [
        ("task/src/task_service/app.py", ["task-service"]),
        ("portal/src/portal_service/app.py", ["portal"]),
        ("task/src/task_service/migrations/versions/1.py", ["task-migrate", "task-service"]),
        (
            "servicekit/src/servicekit/http_client.py",
            ["user-service", "task-service", "stats-service", "portal"],
        ),
    ],
)
def test_a_change_restarts_what_it_concerns(changed: str, restarted: list[str]) -> None:
    assert reload.affected([Path(changed)]) == restarted


def test_nothing_is_restarted_when_nothing_changed() -> None:
    assert reload.affected([]) == []


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


def test_the_supervisors_file_survives_a_strange_folder(site: Site) -> None:
    text = supervision.render(site, Path("/usr/bin/consul"))

    # As supervisor reads it: a semicolon behind a space begins a comment, % a reference.
    conf = ConfigParser(inline_comment_prefixes=(" ;",), strict=True)
    conf.read_string(text)
    assert conf["supervisord"]["pidfile"] == f"{site.run}/supervisord.pid"
    command = shlex.split(conf["program:consul"]["command"])
    assert command[-1] == f"-data-dir={site.home}/consul"
    script = shlex.split(conf["program:portal"]["command"])[-1]
    assert shlex.split(script)[1] == str(environment.path(site, "portal"))
