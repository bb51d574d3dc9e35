"""Several gateways and users, kept apart."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.tests.conftest import USER, Answer, Cli, FakeGateway


@pytest.fixture
def other(gateway: FakeGateway) -> Any:
    fake = FakeGateway()
    yield fake
    fake.close()


def log_in(cli: Cli, gateway: FakeGateway, token: str, *options: str) -> None:
    gateway.on("POST /auth/login", Answer(body={"access_token": token}))
    gateway.on("GET /auth/me", Answer(body=USER))
    arguments = [*options, "login", "--username", token, "--password-stdin"]
    assert cli(*arguments, stdin="secret\n").returncode == 0


def last_token(gateway: FakeGateway) -> str:
    return gateway.requests[-1].headers["authorization"].removeprefix("Bearer ")


def test_a_profile_is_a_gateway_and_a_user(
    isolated: Cli, gateway: FakeGateway, other: FakeGateway
) -> None:
    isolated("profile", "add", "home", "--url", gateway.url)
    isolated("profile", "add", "work", "--url", other.url)
    log_in(isolated, gateway, "ada", "--profile", "home")
    log_in(isolated, other, "countess", "--profile", "work")
    assert isolated("whoami", "--profile", "home").returncode == 0
    assert last_token(gateway) == "ada"
    assert isolated("profile", "use", "work").returncode == 0
    assert isolated("whoami").returncode == 0
    assert last_token(other) == "countess"
    assert isolated("whoami", TASKTRACKER_PROFILE="home").returncode == 0
    assert last_token(gateway) == "ada"


def test_two_users_at_one_gateway(isolated: Cli, gateway: FakeGateway) -> None:
    for name in ("ada", "bob"):
        isolated("profile", "add", name, "--url", gateway.url, "--username", name)
        log_in(isolated, gateway, name, "--profile", name)
    for name in ("ada", "bob"):
        assert isolated("--profile", name, "whoami").returncode == 0
        assert last_token(gateway) == name
    assert isolated("--profile", "ada", "logout").returncode == 0
    assert isolated("--profile", "ada", "whoami").returncode == 4
    assert isolated("--profile", "bob", "whoami").returncode == 0


def test_a_profiles_token_does_not_go_to_another_address(
    isolated: Cli, gateway: FakeGateway, other: FakeGateway
) -> None:
    isolated("profile", "add", "work", "--url", gateway.url)
    log_in(isolated, gateway, "ada", "--profile", "work")
    isolated("profile", "use", "work")
    for options in (["--url", other.url], ["--profile", "work", "--url", other.url]):
        assert isolated(*options, "whoami").returncode == 4
    assert isolated("whoami", TASKTRACKER_URL=other.url).returncode == 4
    assert other.requests == []
    assert isolated("whoami", TASKTRACKER_URL=gateway.url).returncode == 0


def test_the_profiles_user_logs_in_without_being_named(isolated: Cli, gateway: FakeGateway) -> None:
    isolated("profile", "add", "work", "--url", gateway.url, "--username", "ada")
    gateway.on("POST /auth/login", Answer(body={"access_token": "x"}))
    done = isolated("--profile", "work", "login", "--password-stdin", stdin="secret\n")
    assert done.returncode == 0
    assert json.loads(gateway.requests[-1].body)["username"] == "ada"


def test_profiles_are_listed(isolated: Cli, gateway: FakeGateway) -> None:
    isolated("profile", "add", "work", "--url", gateway.url, "--username", "ada")
    log_in(isolated, gateway, "ada", "--profile", "work")
    isolated("profile", "use", "work")
    work = {
        "name": "work",
        "url": gateway.url,
        "username": "ada",
        "current": True,
        "logged_in": True,
    }
    default, listed = isolated.json("profile", "list")
    assert listed == work
    assert default["url"] == "http://localhost:8000"
    assert not default["current"]
    assert isolated("profile", "list", "--quiet").stdout == "default\nwork\n"
    assert isolated("profile", "show", "--fields", "name").stdout == "name\nwork\n"
    assert isolated.json("profile", "show", "work") == work
    heading, *_ = isolated("profile", "list").stdout.splitlines()
    assert heading == "NAME\tURL\tUSERNAME\tCURRENT\tLOGGED IN"


def test_a_removed_profile_is_gone_with_its_login(isolated: Cli, gateway: FakeGateway) -> None:
    isolated("profile", "add", "work", "--url", gateway.url)
    log_in(isolated, gateway, "ada", "--profile", "work")
    isolated("profile", "use", "work")
    assert isolated("profile", "remove", "work").returncode == 0
    assert isolated("profile", "list", "-q").stdout == "default\n"
    isolated("profile", "add", "work", "--url", gateway.url)
    assert isolated("--profile", "work", "whoami").returncode == 4


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["profile", "use", "nowhere"], 2),
        (["profile", "remove", "default"], 2),
        (["profile", "remove", "nowhere"], 2),
        (["profile", "add", "default"], 6),
        (["profile", "add", "../x"], 2),
        (["profile", "add", ""], 2),
        (["--profile", "nowhere", "whoami"], 2),
    ],
)
def test_what_is_no_profile_is_refused(isolated: Cli, command: list[str], code: int) -> None:
    done = isolated(*command)
    assert done.returncode == code
    assert done.stderr.startswith("error: ")


def test_a_profile_in_use_that_is_gone_is_told_with_its_cure(isolated: Cli) -> None:
    isolated("profile", "add", "work")
    isolated("profile", "use", "work")
    file = Path(isolated.env["HOME"]) / ".config" / "tasktracker" / "config.json"
    file.write_text(json.dumps({"current": "lost", "profiles": {}}))
    done = isolated("whoami")
    assert done.returncode == 1
    assert "'lost'" in done.stderr
    cure = done.stderr.rpartition("with: tasktracker-cli ")[2].split()
    assert isolated("profile", "list", "-q").stdout == "default\n"
    assert isolated(*cure).returncode == 0
    assert isolated("whoami").returncode == 4, "it gets as far as the login"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"current": "x", "profiles": 1}', "\x00"])
def test_a_damaged_file_is_named(isolated: Cli, content: str) -> None:
    isolated("profile", "add", "work")
    file = Path(isolated.env["HOME"]) / ".config" / "tasktracker" / "config.json"
    file.write_text(content)
    done = isolated("profile", "list")
    assert done.returncode == 1
    assert str(file) in done.stderr
    assert f"rm {file}" in done.stderr


def test_a_folder_that_cannot_be_used_is_named(isolated: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = isolated("profile", "add", "work", XDG_CONFIG_HOME=str(tmp_path / "file"))
    assert done.returncode == 1
    assert str(tmp_path / "file") in done.stderr
