"""The operator's commands as processes without a cluster: their help and their errors."""

import json
import os
import shlex
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cli.tests.conftest import PROGRAM, Cli
from tasktracker_cluster.agents import credentials, supervisor
from tasktracker_cluster.node import Node
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import JOBS, RELEASE_JOBS

COMMANDS = (
    "install", "up", "down", "destroy", "env", "observe", "status", "doctor", "top", "logs",
    "psql", "open", "release", "dev", "users list", "users activate", "users deactivate",
    "users promote", "db switchover",
)  # fmt: skip


@pytest.fixture
def nowhere(isolated: Cli, tmp_path: Path) -> Cli:
    """Return the program with a state folder that does not exist."""
    return Cli({**isolated.env, "TASKTRACKER_HOME": str(tmp_path / "home")})


@pytest.fixture
def private_home() -> Iterator[Path]:
    """Give a state folder as `up` leaves it: readable, with root's secrets and root's socket."""
    with TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as listener:
        home = Path(folder)
        home.chmod(0o755)
        (home / "owner.json").write_text('{"checkout": "/somewhere"}')
        (home / "secrets").mkdir(mode=0o700)
        (home / "run").mkdir()
        listener.bind(str(home / "run" / "supervisor.sock"))
        (home / "run" / "supervisor.sock").chmod(0o700)
        listener.listen()
        yield home


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(isolated: Cli, command: str) -> None:
    done = isolated("admin", *command.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Example" in done.stdout
    assert f"tasktracker-cli admin {command}" in done.stdout


def test_help_names_every_command(isolated: Cli) -> None:
    help_text = isolated("admin", "--help").stdout
    for command in COMMANDS:
        assert f"\n  {command.split()[0]} " in help_text


@pytest.mark.parametrize("command", ["psql user", "logs task-service", "users list", "top --once"])
def test_without_a_cluster_a_command_says_what_is_missing(nowhere: Cli, command: str) -> None:
    done = nowhere("admin", *command.split())
    assert done.returncode == 1
    assert done.stdout == ""
    assert "There is no cluster in " in done.stderr


def test_errors_are_json_when_the_data_are(nowhere: Cli) -> None:
    done = nowhere("admin", "users", "list", "--json")
    assert done.returncode == 1
    assert json.loads(done.stderr)["error"]["message"]


def test_status_without_a_cluster_is_an_empty_list_and_fails(nowhere: Cli) -> None:
    done = nowhere("admin", "status", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (1, [])


@pytest.fixture
def stopped(isolated: Cli, tmp_path: Path) -> Cli:
    """Return the program for a cluster that does not run, but whose tokens are there."""
    site = Site(tmp_path / "home", tmp_path)
    site.home.mkdir()
    credentials.create(site)
    site.owner_file.write_text('{"checkout": "/"}')
    return Cli({**isolated.env, "TASKTRACKER_HOME": str(site.home)})


@pytest.mark.parametrize("node", [Node(), Node(address="10.0.0.1")], ids=["one", "several"])
def test_status_of_a_stopped_cluster_says_how_to_start_it(stopped: Cli, node: Node) -> None:
    Path(stopped.env["TASKTRACKER_HOME"], "node.json").write_text(node.text)
    done = stopped("admin", "status")
    assert done.returncode == 1
    assert done.stderr == "! No agent of this machine answers. Start the cluster with: ./just up\n"


@pytest.mark.parametrize("command", ["status", "top --once --interval 0.5"])
def test_quiet_prints_the_names_of_agents_and_jobs(stopped: Cli, command: str) -> None:
    names = stopped("admin", *command.split(), "-q").stdout.splitlines()
    assert names == [*supervisor.AGENTS, "pages", *JOBS, *RELEASE_JOBS]


@pytest.mark.skipif(os.geteuid() != 0, reason="rebuild needs root")
def test_rebuild_of_no_repository_is_refused_before_anything_is_installed() -> None:
    with TemporaryDirectory(dir="/tmp") as folder:
        home = Path(folder) / "s"  # its name is short enough
        environment = {**os.environ, "TASKTRACKER_HOME": str(home)}
        done = subprocess.run(
            [PROGRAM, "admin", "rebuild", "--from", folder],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert f"{folder} is no repository of backups." in done.stderr
        assert "✓" not in done.stderr


@pytest.fixture
def joined(isolated: Cli, tmp_path: Path) -> Cli:
    """Return the program for a machine that has joined, without certificates and a release."""
    site = Site(tmp_path / "home", tmp_path)
    site.home.mkdir()
    credentials.create(site)
    for token in ("consul_management", "nomad_management"):
        credentials.path(site, token).unlink()
    site.owner_file.write_text('{"checkout": "/"}')
    node = Node("node-2", "10.0.0.2", is_server=False, first="10.0.0.1")
    site.node_file.write_text(node.text)
    return Cli({**isolated.env, "TASKTRACKER_HOME": str(site.home)})


@pytest.mark.skipif(os.geteuid() != 0, reason="these commands need root")
@pytest.mark.parametrize(
    "command",
    [
        "node drain node-3", "node enable node-3", "node remove node-3", "rotate signing-key",
        "backup on", "backup now", "backup list", "users list", "psql user", "invite", "observe",
        "observe --off", "rotate gossip", "rotate db-password",
    ],
)  # fmt: skip
def test_a_machine_that_has_joined_names_the_one_where_a_command_works(
    joined: Cli, command: str
) -> None:
    done = joined("admin", *command.split())
    assert done.returncode == 1
    assert "This machine has joined a cluster. On its first machine, 10.0.0.1: " in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="these commands need root")
@pytest.mark.parametrize(
    "command",
    [
        "node drain node-3", "users list", "users list 'a b'", "users deactivate ada",
        "db switchover", "db switchover task",
    ],
)  # fmt: skip
def test_a_machine_that_has_joined_names_the_whole_command(joined: Cli, command: str) -> None:
    done = joined("admin", *shlex.split(command))
    assert done.stderr.endswith(f"10.0.0.1: tasktracker-cli admin {command}\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="doctor needs root")
@pytest.mark.parametrize(
    ("command", "missing"),
    [
        ("doctor", "A certificate is missing in "),
        ("logs user-service", "A certificate is missing in "),
        ("env", "No release is installed on this machine yet."),
    ],
)
def test_a_machine_that_lost_files_says_which(joined: Cli, command: str, missing: str) -> None:
    done = joined("admin", *command.split())
    assert missing in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="doctor needs root")
def test_quiet_prints_the_names_of_hops(stopped: Cli) -> None:
    names = stopped("admin", "doctor", "-q").stdout.splitlines()
    assert names[:4] == ["state folder", "secrets' files", "certificates", "disk"]
    assert "None" not in names


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
@pytest.mark.parametrize(
    "command", ["doctor", "status", "psql user", "logs task-service", "users list", "top --once"]
)
def test_a_command_without_root_says_to_use_sudo(
    isolated: Cli, private_home: Path, command: str
) -> None:
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", PROGRAM, "admin",
         *command.split()],
        env={**isolated.env, "TASKTRACKER_HOME": str(private_home)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "sudo" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_database_is_refused(nowhere: Cli) -> None:
    done = nowhere("admin", "psql", "stats")
    assert done.returncode == 2
    assert "user" in done.stderr


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    """Return a browser that writes the addresses that it opens to a file."""
    program = tmp_path / "browser"
    program.write_text('#!/bin/sh\necho "$1" >>"$0.opened"\n')
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("page", "url"),
    [
        ("docs", "http://localhost:8000/docs"),
        ("traefik", "http://localhost:8080"),
        ("consul", "http://localhost:8500"),
        ("nomad", "http://localhost:4646"),
    ],
)
def test_open_prints_the_address_and_opens_it_where_there_is_a_display(
    isolated: Cli, browser: Path, page: str, url: str
) -> None:
    done = isolated("admin", "open", page, BROWSER=str(browser), DISPLAY=":0")
    assert (done.returncode, done.stdout) == (0, f"{url}\n")
    assert browser.with_name("browser.opened").read_text() == f"{url}\n"


@pytest.mark.parametrize("words", [["docs"], ["docs", "--print"]])
def test_open_opens_nothing_without_a_display_or_with_print(
    isolated: Cli, browser: Path, words: list[str]
) -> None:
    display = {"DISPLAY": ":0"} if "--print" in words else {}
    done = isolated("admin", "open", *words, BROWSER=str(browser), **display)
    assert done.stdout == "http://localhost:8000/docs\n"
    assert not browser.with_name("browser.opened").exists()
