"""token create, list, revoke: what is sent, shown and said."""

import json

import pytest

from cli.tests.conftest import PROBLEM, Answer, Cli, FakeGateway

ID = "7d444840-9dc0-11d1-b245-5ffdce74fad2"
OTHER = "7d444840-9dc0-11d1-b245-5ffdce74fad3"
TOKEN = {
    "id": ID,
    "name": "ci",
    "scopes": ["tasks:read"],
    "created_at": "2030-01-02T03:04:05Z",
    "last_used_at": None,
    "expires_at": "2030-02-01T03:04:05Z",
}
MADE = {**TOKEN, "token": "an-example-token"}


def create(cli: Cli, *options: str, stdin: str = "secret\n") -> tuple[int, str, str]:
    done = cli("token", "create", "--name", "ci", "--password-stdin", *options, stdin=stdin)
    return done.returncode, done.stdout, done.stderr


def test_a_token_is_made_with_the_password_and_printed_alone(
    cli: Cli, gateway: FakeGateway
) -> None:
    gateway.on("POST /auth/tokens", Answer(201, MADE))
    code, data, talk = create(cli)
    assert (code, data) == (0, "an-example-token\n")
    assert "It is not shown again" in talk
    assert json.loads(gateway.requests[-1].body) == {
        "name": "ci",
        "scopes": ["tasks:read"],
        "expires_in_days": 30,
        "current_password": "secret",
    }


def test_what_it_may_do_and_how_long_is_chosen(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /auth/tokens", Answer(201, MADE))
    scopes = ["--scope", "tasks:read", "--scope", "tasks:write", "--scope", "tasks:read"]
    assert create(cli, "--expires", "7d", *scopes, "--quiet")[1] == "an-example-token\n"
    sent = json.loads(gateway.requests[-1].body)
    assert (sent["expires_in_days"], sent["scopes"]) == (7, ["tasks:read", "tasks:write"])


@pytest.mark.parametrize("expires", ["0d", "366d", "30", "-1d", "1w", "", "1e2d"])
def test_what_is_no_number_of_days_is_refused_before_anything_is_sent(
    cli: Cli, gateway: FakeGateway, expires: str
) -> None:
    code, _, talk = create(cli, "--expires", expires)
    assert code == 2
    assert "1d to 365d" in talk
    assert gateway.requests == []


def test_a_wrong_password_makes_none(cli: Cli, gateway: FakeGateway) -> None:
    problem = {"detail": "The current password is not correct."}
    gateway.on("POST /auth/tokens", Answer(403, problem, PROBLEM))
    code, data, talk = create(cli)
    assert (code, data) == (1, "")
    assert "The current password is not correct. Nothing was made: try again." in talk


def test_tokens_are_listed_without_their_secrets(cli: Cli, gateway: FakeGateway) -> None:
    used = TOKEN | {"id": OTHER, "last_used_at": "2030-01-03T22:04:05Z"}
    gateway.on("GET /auth/tokens", Answer(body=[TOKEN, used]))
    lines = cli("token", "list").stdout.splitlines()
    assert [line.split("\t") for line in lines] == [
        ["ID", "NAME", "SCOPES", "USED", "EXPIRES"],
        [ID, "ci", "tasks:read", "-", "2030-02-01"],
        [OTHER, "ci", "tasks:read", "2030-01-03 23:04", "2030-02-01"],
    ]
    assert cli.json("token", "list") == [TOKEN, used]
    assert cli("token", "list", "--quiet").stdout == f"{ID}\n{OTHER}\n"


def test_each_named_token_is_revoked_and_one_that_is_not_there_is_told(
    cli: Cli, gateway: FakeGateway
) -> None:
    problem = {"detail": "There is no such token."}
    gateway.on(f"DELETE /auth/tokens/{ID}", Answer(404, problem, PROBLEM))
    gateway.on(f"DELETE /auth/tokens/{OTHER}", Answer(204))
    done = cli("token", "revoke", ID, OTHER)
    assert done.returncode == 5
    assert f"You have no token {ID}. See what there is with: " in done.stderr
    assert f"Revoked the token {OTHER}." in done.stderr


@pytest.mark.parametrize("arguments", [[], ["7"], ["../sessions"]])
def test_what_names_no_token_is_refused(
    cli: Cli, gateway: FakeGateway, arguments: list[str]
) -> None:
    assert cli("token", "revoke", *arguments).returncode == 2
    assert gateway.requests == []
