"""The program on a real terminal: questions, colours, and what must never get there."""

import json
import re

import pytest

from cli.tests.conftest import PROBLEM, TASK, USER, Answer, Cli, FakeGateway
from cli.tests.on_terminal import COLOUR, CTRL_C, CTRL_D, on_terminal


def test_login_asks_for_the_password_and_does_not_show_it(guest: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /auth/login", Answer(body={"access_token": "a-token"}))
    code, shown = on_terminal(
        guest, "login", "--username", "ada", typed={"Password: ": "hush hush\n"}
    )
    assert code == 0
    assert "hush" not in shown
    assert gateway.requests[0].body == b'{"username": "ada", "password": "hush hush"}'


ACCOUNT = ["register", "--username", "ada", "--email", "ada@example.com"]


def test_register_asks_twice(guest: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /auth/register", Answer(201, USER))
    gateway.on("POST /auth/login", Answer(body={"access_token": "a-token"}))
    typed = {"Password: ": "hush hush\n", "Password again: ": "hush hush\n"}
    code, shown = on_terminal(guest, *ACCOUNT, typed=typed)
    assert code == 0
    assert "Made the account ada" in shown


def test_register_asks_for_what_is_missing(guest: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /auth/register", Answer(201, USER))
    gateway.on("POST /auth/login", Answer(body={"access_token": "a-token"}))
    typed = {
        "Username: ": "ada\n",
        "E-mail address: ": "ada@example.com\n",
        "Password: ": "hush hush\n",
        "Password again: ": "hush hash\n",
        "once more.\r\nPassword: ": "hush hush\n",
        "\r\nPassword again: ": "hush hush\n",
    }
    code, shown = on_terminal(guest, "register", typed=typed)
    assert code == 0, shown
    account = {"username": "ada", "email": "ada@example.com", "password": "hush hush"}
    assert json.loads(gateway.requests[0].body) == account
    assert "Logged in as ada" in shown


# A question that comes again is told from the one before by how much of it is looked for.
AGAIN = [f"{part}{rest}: " for part in ("Password", "word", "ord") for rest in ("", " again")]


def test_two_different_passwords_are_not_sent(guest: Cli, gateway: FakeGateway) -> None:
    replies = ["hush hush\n", "hush hash\n"] * 3
    code, shown = on_terminal(guest, *ACCOUNT, typed=dict(zip(AGAIN, replies, strict=True)))
    assert code == 2
    assert shown.count("differ") == 3, shown
    assert gateway.requests == []


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_leaving_at_the_password_is_130(guest: Cli, gateway: FakeGateway, key: str) -> None:
    code, shown = on_terminal(guest, "login", "--username", "ada", typed={"Password: ": key})
    assert code == 130
    assert "Traceback" not in shown
    assert shown.endswith("\r\n"), "the shell's prompt has a line of its own"
    assert gateway.requests == []


@pytest.mark.parametrize(
    ("reply", "code", "calls"), [("y\n", 0, 2), ("\n", 1, 1), (CTRL_C, 130, 1)]
)
def test_delete_asks_first(
    cli: Cli, gateway: FakeGateway, reply: str, code: int, calls: int
) -> None:
    gateway.on("GET /tasks/7", Answer(body={**TASK, "title": "odd\x1b[2J"}))
    gateway.on("DELETE /tasks/7", Answer(204))
    left, shown = on_terminal(cli, "task", "delete", "7", typed={"[y/N]: ": reply})
    assert left == code
    assert r"odd\x1b[2J" in shown
    assert len(gateway.requests) == calls


EVIL = "\x1b]0;owned\x07\x1b[5mblink\x9b31m \u202etxt [red]no[/red]"


def test_a_list_is_coloured_and_its_text_is_harmless(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[{**TASK, "title": EVIL}]))
    code, shown = on_terminal(cli, "task", "list", width=160)
    assert code == 0
    assert "\x1b[36m○ todo" in shown
    assert r"\x1b]0;owned\x07\x1b[5mblink\x9b31m \u202etxt [red]no[/red]" in shown
    assert COLOUR.sub("", shown).replace("\r\n", "").isprintable()


def test_json_and_errors_are_harmless_too(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[{**TASK, "title": EVIL}]), Answer(body=[TASK]))
    gateway.on("GET /tasks/7", Answer(404, {"detail": EVIL}, PROBLEM))
    for args in (["task", "list", "--json"], ["task", "show", "7"]):
        _, shown = on_terminal(cli, *args)
        assert COLOUR.sub("", shown).replace("\r\n", "").isprintable()


def test_no_color_is_honoured(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[{**TASK, "priority": "high"}]))
    _, shown = on_terminal(cli, "task", "list", NO_COLOR="1")
    assert not re.search(r"\x1b\[[\d;]*3\d", shown)
    assert "▲ high" in shown


def test_a_narrow_terminal_shortens_only_the_title(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[{**TASK, "title": "long " * 40}]))
    _, shown = on_terminal(cli, "task", "list", width=60)
    lines = COLOUR.sub("", shown).splitlines()
    assert len(lines) == 2
    assert "…" in lines[1]
    assert "○ todo" in lines[1]
    assert "▷ medium" in lines[1]


def test_stats_draw_a_bar(cli: Cli, gateway: FakeGateway) -> None:
    figures = {
        "total_tasks": 4,
        "completed_tasks": 1,
        "completion_percentage": 25.0,
        "overdue_tasks": 0,
        "by_status": {"todo": 2, "in_progress": 1, "done": 1},
        "by_priority": {},
    }
    gateway.on("GET /stats/", Answer(body=figures))
    _, shown = on_terminal(cli, "stats")
    assert COLOUR.sub("", shown).startswith("█" * 20 + "░" * 20 + " 25%")


def test_an_error_on_a_narrow_terminal_breaks_between_words(isolated: Cli) -> None:
    wide = isolated("--url", "ftp://a", "task", "list").stderr
    _, shown = on_terminal(isolated, "--url", "ftp://a", "task", "list", width=30)
    narrow = COLOUR.sub("", shown)
    assert narrow.split() == wide.split()
    assert max(map(len, narrow.splitlines())) <= 30


def test_a_command_at_the_end_of_an_error_stays_on_one_line(guest: Cli) -> None:
    _, shown = on_terminal(guest, "task", "list", width=50)
    assert "tasktracker-cli login --username NAME" in COLOUR.sub("", shown).splitlines()
