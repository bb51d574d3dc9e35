"""Staying logged in, and who gets which token, through the installed program."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from cli.tests.conftest import (
    GRANT,
    PROBLEM,
    PROGRAM,
    TASK,
    USER,
    Answer,
    Cli,
    FakeGateway,
    logins_of,
)
from cli.tests.on_terminal import on_terminal
from tasktracker_cli.logins.credentials import Login

REFUSED = Answer(401, {"detail": "The token has expired"}, PROBLEM)


def calls(gateway: FakeGateway) -> list[str]:
    return [f"{one.method} {one.path.removeprefix('/api/v1')}" for one in gateway.requests]


def bearer(gateway: FakeGateway) -> list[str]:
    return [one.headers.get("authorization", "") for one in gateway.requests]


@pytest.fixture
def expired(guest: Cli, gateway: FakeGateway) -> Cli:
    """Give the program of a user whose access token has run out."""
    login = Login("ada", "first-access", "first-refresh", time.time() - 60)
    logins_of(guest).save(gateway.url, login)
    gateway.on("GET /auth/me", Answer(body=USER))
    gateway.on("POST /auth/refresh", Answer(body=GRANT))
    return guest


@pytest.fixture
def unknown_end(guest: Cli, gateway: FakeGateway) -> Cli:
    """Give the program of a user whose token the gateway does not take any more."""
    logins_of(guest).save(gateway.url, Login("ada", "first-access", "first-refresh"))
    gateway.on("POST /auth/refresh", Answer(body=GRANT))
    return guest


def test_a_token_that_has_run_out_is_renewed_before_anything_is_asked(
    expired: Cli, gateway: FakeGateway
) -> None:
    done = expired("whoami")
    assert (done.returncode, done.stderr) == (0, "")
    assert calls(gateway) == ["POST /auth/refresh", "GET /auth/me"]
    assert json.loads(gateway.requests[0].body) == {"refresh_token": "first-refresh"}
    assert bearer(gateway) == ["", "Bearer second-access"]
    login = logins_of(expired).load(gateway.url)
    assert login is not None
    assert (login.username, login.refresh_token) == ("ada", "second-refresh")
    assert login.expires_at == pytest.approx(time.time() + 900, abs=60)


def test_a_token_that_is_refused_is_renewed_and_the_request_sent_again(
    unknown_end: Cli, gateway: FakeGateway
) -> None:
    gateway.on("POST /tasks/", REFUSED, Answer(201, TASK))
    assert unknown_end("task", "create", "Buy milk").returncode == 0
    assert calls(gateway) == ["POST /tasks/", "POST /auth/refresh", "POST /tasks/"]
    first, _, again = gateway.requests
    assert first.body == again.body
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"]


def test_a_new_token_that_is_refused_too_ends_it(unknown_end: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /auth/me", REFUSED)
    done = unknown_end("whoami")
    assert done.returncode == 4
    assert "login --username ada" in done.stderr
    assert len(gateway.requests) == 3


def test_a_session_that_has_ended_asks_for_a_new_login(expired: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /auth/refresh", REFUSED)
    done = expired("whoami", "--json")
    assert done.returncode == 4
    error = json.loads(done.stderr)["error"]
    assert error["code"] == "not-logged-in"
    assert error["hint"] == "Log in again with: tasktracker-cli login --username ada"


def test_a_gateway_that_is_away_during_the_renewal_costs_no_login(
    expired: Cli, gateway: FakeGateway
) -> None:
    gateway.on("POST /auth/refresh", Answer(503, {"detail": "Away"}, PROBLEM), Answer(body=GRANT))
    assert expired("whoami").returncode == 7
    assert expired("whoami").returncode == 0


def test_eight_processes_at_once_renew_it_once(expired: Cli, gateway: FakeGateway) -> None:
    # A second use of the same refresh token would end the session, as the real service does.
    gateway.on("POST /auth/refresh", Answer(body=GRANT), REFUSED)
    running = [
        subprocess.Popen(
            [PROGRAM, "whoami", "--json"], env=expired.env, stdout=subprocess.PIPE, text=True
        )
        for _ in range(8)
    ]
    answers = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 8
    assert [json.loads(answer) for answer in answers] == [USER] * 8
    assert calls(gateway).count("POST /auth/refresh") == 1
    assert set(bearer(gateway)) == {"", "Bearer second-access"}


def test_login_keeps_what_keeps_it_alive_and_says_where(guest: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /auth/login", Answer(body=GRANT))
    arguments = ["login", "--username", "ada", "--password-stdin"]
    first, second = (guest(*arguments, stdin="secret\n") for _ in range(2))
    login = logins_of(guest).load(gateway.url)
    assert login is not None
    assert login.refresh_token == "second-refresh"
    assert str(logins_of(guest).path(gateway.url)) in first.stderr
    assert "no system keyring" not in second.stderr
    assert "second-" not in first.stderr + first.stdout


def test_login_asks_who_it_is(guest: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /auth/login", Answer(body=GRANT))
    typed = {"Username: ": "ada\n", "Password: ": "hush\n"}
    assert on_terminal(guest, "login", typed=typed)[0] == 0
    typed = {"Username [ada]: ": "\n", "Password: ": "hush\n"}
    assert on_terminal(guest, "login", typed=typed)[0] == 0
    assert [json.loads(one.body)["username"] for one in gateway.requests] == ["ada", "ada"]


def test_logout_ends_the_session_at_the_gateway(expired: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /auth/logout", Answer(204))
    done = expired("logout")
    assert (done.returncode, done.stderr) == (0, f"✓ Logged out at {gateway.url}.\n")
    assert json.loads(gateway.requests[-1].body) == {"refresh_token": "first-refresh"}
    assert logins_of(expired).load(gateway.url) is None


def test_logout_forgets_the_login_although_the_gateway_is_away(
    expired: Cli, gateway: FakeGateway
) -> None:
    gateway.close()
    done = expired("logout")
    assert done.returncode == 0
    assert "was not ended there" in done.stderr
    assert logins_of(expired).load(gateway.url) is None


def test_a_token_of_the_environment_wins_and_is_never_kept(
    expired: Cli, gateway: FakeGateway
) -> None:
    before = logins_of(expired).load(gateway.url)
    assert expired("whoami", TASKTRACKER_TOKEN="given").returncode == 0
    assert bearer(gateway) == ["Bearer given"]
    assert logins_of(expired).load(gateway.url) == before


def test_a_token_of_the_environment_that_is_refused_is_not_renewed(
    expired: Cli, gateway: FakeGateway
) -> None:
    gateway.on("GET /auth/me", REFUSED)
    done = expired("whoami", TASKTRACKER_TOKEN="given")
    assert done.returncode == 4
    assert "TASKTRACKER_TOKEN" in done.stderr
    assert calls(gateway) == ["GET /auth/me"]


def test_a_token_of_the_environment_that_fits_no_header_is_usage(guest: Cli) -> None:
    done = guest("whoami", TASKTRACKER_TOKEN="a\r\nX-Evil: 1")
    assert done.returncode == 2
    assert "X-Evil" not in done.stderr


def test_login_mentions_a_token_that_wins_over_it(guest: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /auth/login", Answer(body=GRANT))
    arguments = ["login", "--username", "ada", "--password-stdin"]
    assert "TASKTRACKER_TOKEN" in guest(*arguments, stdin="x\n", TASKTRACKER_TOKEN="given").stderr


def test_the_account_is_shown_and_changed(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /auth/me", Answer(body=USER))
    gateway.on("PATCH /auth/me", Answer(body=USER))
    assert cli.json("account", "show") == USER
    options = ["--email", "a@example.com", "--no-full-name", "--password-stdin"]
    assert cli("account", "update", *options, stdin="secret\n").returncode == 0
    sent = json.loads(gateway.requests[-1].body)
    assert sent == {"email": "a@example.com", "full_name": None, "current_password": "secret"}


def test_a_name_is_changed_without_the_password(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("PATCH /auth/me", Answer(body=USER))
    assert cli("account", "update", "--full-name", "Ada").returncode == 0
    assert json.loads(gateway.requests[-1].body) == {"full_name": "Ada"}


def test_another_address_takes_the_password(cli: Cli, gateway: FakeGateway) -> None:
    done = cli("account", "update", "--email", "a@example.com")
    assert done.returncode == 2
    assert "--password-stdin" in done.stderr
    assert gateway.requests == []


@pytest.mark.parametrize("options", [[], ["--full-name", "Ada", "--no-full-name"]])
def test_an_account_needs_one_clear_change(
    cli: Cli, gateway: FakeGateway, options: list[str]
) -> None:
    assert cli("account", "update", *options).returncode == 2
    assert gateway.requests == []


def test_a_password_is_changed_and_this_session_kept(expired: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /auth/me/password", Answer(204))
    done = expired("account", "password", "--password-stdin", stdin="old one\nnew one\n")
    assert done.returncode == 0
    assert "tasktracker-cli token list" in done.stderr
    assert json.loads(gateway.requests[-1].body) == {
        "current_password": "old one",
        "new_password": "new one",
        "refresh_token": "second-refresh",
    }


def test_a_wrong_current_password_is_told(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /auth/me", Answer(body=USER))
    problem = {"detail": "The current password is wrong"}
    gateway.on("POST /auth/me/password", Answer(403, problem, PROBLEM))
    done = cli("account", "password", "--password-stdin", stdin="a\nb\n")
    assert done.returncode == 1
    assert "The current password is wrong. Nothing was changed" in done.stderr


def test_verbose_shows_requests_without_secrets(unknown_end: Cli, gateway: FakeGateway) -> None:
    headers = {"Content-Type": "application/json", "X-Request-ID": "abc123"}
    gateway.on("GET /auth/me", REFUSED, Answer(body=USER, headers=headers))
    for command in (["-v", "whoami"], ["whoami", "--verbose"]):
        gateway.on("GET /auth/me", REFUSED, Answer(body=USER, headers=headers))
        logins_of(unknown_end).save(gateway.url, Login("ada", "first-access", "first-refresh"))
        done = unknown_end(*command)
        assert done.returncode == 0
        lines = done.stderr.splitlines()
        assert [line.split()[1:4] for line in lines] == [
            ["GET", "/api/v1/auth/me", "401"],
            ["POST", "/api/v1/auth/refresh", "200"],
            ["GET", "/api/v1/auth/me", "200"],
        ]
        assert lines[2].endswith("request id abc123")
        assert not any(secret in done.stderr for secret in ("access", "-refresh", "Bearer"))


@pytest.fixture
def keyring(guest: Cli, tmp_path: Path) -> tuple[Cli, Path]:
    """Give the program on a system with a keyring, and the file that this one keeps secrets in."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "vault.py").write_text(VAULT)
    secrets = tmp_path / "secrets"
    env = {
        "PYTHONPATH": str(tmp_path / "modules"),
        "PYTHON_KEYRING_BACKEND": "vault.Vault",
        "VAULT": str(secrets),
    }
    return Cli({**guest.env, **env}), secrets


VAULT = """
import json, os, pathlib
from keyring.backend import KeyringBackend

class Vault(KeyringBackend):
    priority = 9
    file = pathlib.Path(os.environ["VAULT"])
    def all(self):
        return json.loads(self.file.read_text()) if self.file.exists() else {}
    def get_password(self, service, name):
        return self.all().get(f"{service} {name}")
    def set_password(self, service, name, secret):
        if os.environ.get("VAULT_IS_LOCKED"):
            raise RuntimeError("locked")
        self.file.write_text(json.dumps({**self.all(), f"{service} {name}": secret}))
    def delete_password(self, service, name):
        left = self.all(); del left[f"{service} {name}"]; self.file.write_text(json.dumps(left))
"""


def test_tokens_are_in_the_keyring_where_there_is_one(
    keyring: tuple[Cli, Path], gateway: FakeGateway
) -> None:
    cli, secrets = keyring
    gateway.on("POST /auth/login", Answer(body={**GRANT, "expires_in": 0}))
    gateway.on("POST /auth/refresh", Answer(body=GRANT))
    gateway.on("GET /auth/me", Answer(body=USER))
    gateway.on("POST /auth/logout", Answer(204))
    done = cli("login", "--username", "ada", "--password-stdin", stdin="x\n")
    assert "no system keyring" not in done.stderr
    assert "second" not in logins_of(cli).path(gateway.url).read_text()
    assert "second-access" in secrets.read_text()
    assert cli("whoami").returncode == 0
    assert calls(gateway)[-2:] == ["POST /auth/refresh", "GET /auth/me"]
    assert "second" not in logins_of(cli).path(gateway.url).read_text()
    assert cli("logout").returncode == 0
    assert json.loads(secrets.read_text()) == {}


def test_a_keyring_that_refuses_is_as_good_as_none(
    keyring: tuple[Cli, Path], gateway: FakeGateway
) -> None:
    cli, _ = keyring
    gateway.on("POST /auth/login", Answer(body=GRANT))
    gateway.on("GET /auth/me", Answer(body=USER))
    arguments = ["login", "--username", "ada", "--password-stdin"]
    done = cli(*arguments, stdin="x\n", VAULT_IS_LOCKED="1")
    assert done.returncode == 0
    assert "no system keyring" in done.stderr
    assert cli("whoami").returncode == 0


def test_verbose_is_json_where_data_are(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /auth/me", Answer(body=USER))
    line = json.loads(cli("whoami", "--json", "-v").stderr)
    assert line["trace"]["message"].startswith("GET /api/v1/auth/me 200 ")
