"""A user's way through the real services, with the installed program only."""

import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from cli.tests.conftest import PASSWORD, PROGRAM, Cli, log_in, register
from cli.tests.services import KEY
from servicekit.keys import shared
from servicekit.tokens import Principal, issue
from tasktracker_cli.logins.credentials import Credentials, Login


def test_from_an_empty_list_to_the_right_share_of_completed_tasks(user: Cli) -> None:
    assert user.json("task", "list") == []
    user.json("task", "create", "One", "--priority", "high", "--due", "2020-01-31")
    two = user.json("task", "create", "Two", "--status", "in_progress", "--description", "a\nb")
    three = user.json("task", "create", "Three", "--priority", "low", "--due", "2999-12-31")
    assert [task["title"] for task in user.json("task", "list")] == ["Three", "Two", "One"]
    titles = [task["title"] for task in user.json("task", "list", "--status", "in_progress")]
    assert titles == ["Two"]
    assert [task["id"] for task in user.json("task", "list", "--priority", "low")] == [three["id"]]
    assert user.json("task", "complete", str(two["id"]))["status"] == "done"
    stats = user.json("stats")
    assert stats["total_tasks"] == 3
    assert stats["completed_tasks"] == 1
    assert stats["completion_percentage"] == 33.33
    assert stats["overdue_tasks"] == 1
    assert "33.33%" in user("stats").stdout


def test_a_due_date_is_the_end_of_the_users_own_day(user: Cli) -> None:
    task = user.json("task", "create", "Pay rent", "--due", "2030-07-31")
    assert datetime.fromisoformat(task["due_date"]) == datetime(2030, 7, 31, 21, 59, 59, tzinfo=UTC)
    assert "2030-07-31 23:59" in user("task", "show", str(task["id"])).stdout


def test_update_changes_clears_and_leaves_the_rest(user: Cli) -> None:
    created = user.json("task", "create", "Old", "--description", "text", "--due", "2030-01-01")
    task_id = str(created["id"])
    changed = user.json("task", "update", task_id, "--title", "New", "--no-due")
    assert changed["title"] == "New"
    assert changed["due_date"] is None
    assert changed["description"] == "text"
    assert user.json("task", "update", task_id, "--no-description")["description"] is None
    assert user.json("task", "show", task_id)["title"] == "New"


def test_reopen_and_delete(user: Cli) -> None:
    task_id = str(user.json("task", "create", "Again", "--status", "done")["id"])
    assert user.json("task", "reopen", task_id)["status"] == "todo"
    assert user("task", "delete", task_id, "--yes").returncode == 0
    for command in ("show", "complete", "reopen"):
        assert user("task", command, task_id).returncode == 5


def test_a_list_longer_than_a_page_comes_whole_and_in_order(user: Cli, address: str) -> None:
    login = Credentials(Path(user.env["XDG_STATE_HOME"]) / "tasktracker").load(address)
    assert login
    headers = {"Authorization": f"Bearer {login.access_token}"}
    titles = [f"Task {number}" for number in range(203)]
    with httpx.Client(base_url=address, headers=headers, timeout=60) as api:
        for title in titles:
            api.post("/api/v1/tasks/", json={"title": title}).raise_for_status()
    listed = user.json("task", "list", "--limit", "500")
    assert [task["title"] for task in listed] == titles[::-1]
    done = user("task", "list", "--limit", "202", "--json")
    assert [task["title"] for task in json.loads(done.stdout)] == titles[:0:-1]
    assert "higher --limit" in done.stderr


def test_another_users_task_is_not_found(user: Cli, tmp_path: Path) -> None:
    task_id = str(user.json("task", "create", "Mine")["id"])
    other = Cli({**user.env, "XDG_STATE_HOME": str(tmp_path / "other")})
    assert register(other, "other-user") == 0
    assert log_in(other, "other-user") == 0
    assert other("task", "show", task_id).returncode == 5
    assert other("task", "delete", task_id, "--yes").returncode == 5
    assert other.json("task", "list") == []


def test_a_name_that_is_taken_is_a_conflict_in_any_case(newcomer: Cli) -> None:
    assert register(newcomer, "grace") == 0
    assert register(newcomer, "Grace") == 6


def test_a_wrong_password_and_an_unknown_user_are_told_the_same(newcomer: Cli) -> None:
    assert register(newcomer, "linus") == 0
    said = [
        newcomer("login", "--username", name, "--password-stdin", stdin="wrong\n")
        for name in ("linus", "nobody")
    ]
    assert [done.returncode for done in said] == [4, 4]
    assert said[0].stderr == said[1].stderr


@pytest.mark.parametrize("title", ["", "   ", "x" * 256, "lone \udced surrogate"])
def test_a_title_that_the_service_refuses_is_explained(user: Cli, title: str) -> None:
    done = user("task", "create", title)
    assert done.returncode == 2
    assert "title" in done.stderr.lower()


def test_hostile_text_comes_back_unchanged_in_json_and_harmless_to_eyes(user: Cli) -> None:
    title = "\x1b[31mred\u202e [bold]x[/bold]"
    task = user.json("task", "create", title)
    assert task["title"] == title
    shown = user("task", "list").stdout
    assert r"\x1b[31mred\u202e [bold]x[/bold]" in shown


def test_an_expired_token_is_not_logged_in(user: Cli) -> None:
    past = datetime.now(UTC) - timedelta(hours=1)
    token = issue(shared(KEY), Principal(1, False), timedelta(minutes=15), past)
    folder = Path(user.env["XDG_STATE_HOME"]) / "tasktracker"
    Credentials(folder).save(user.env["TASKTRACKER_URL"], Login("ada", token))
    for command in (["whoami"], ["task", "list"], ["stats"]):
        done = user(*command)
        assert done.returncode == 4
        assert "has expired" in done.stderr


def test_logging_out_ends_it(user: Cli) -> None:
    assert "@example.com" in user("whoami").stdout
    assert user("logout").returncode == 0
    assert user("task", "list").returncode == 4


def test_a_session_outlives_its_access_tokens_in_eight_processes(user: Cli) -> None:
    address = user.env["TASKTRACKER_URL"]
    credentials = Credentials(Path(user.env["XDG_STATE_HOME"]) / "tasktracker")
    first = credentials.load(address)
    assert first is not None
    credentials.save(address, replace(first, expires_at=0.0))
    running = [
        subprocess.Popen([PROGRAM, "whoami"], env=user.env, stdout=subprocess.DEVNULL)
        for _ in range(8)
    ]
    assert [process.wait(timeout=60) for process in running] == [0] * 8
    assert user("task", "list").returncode == 0
    # What a process leaves that is killed between the gateway's answer and its own write.
    credentials.save(address, replace(first, expires_at=0.0))
    done = user("whoami")
    assert done.returncode == 4
    assert "Log in again" in done.stderr


def test_a_password_change_ends_other_sessions_and_keeps_this_one(
    user: Cli, tmp_path: Path
) -> None:
    name = user.json("whoami")["username"]
    elsewhere = Cli({**user.env, "XDG_STATE_HOME": str(tmp_path / "elsewhere")})
    assert log_in(elsewhere, name) == 0
    lines = f"{PASSWORD}\nanother battery staple\n"
    assert user("account", "password", "--password-stdin", stdin=lines).returncode == 0
    assert user("whoami").returncode == 0
    assert elsewhere("whoami").returncode == 4
    assert log_in(elsewhere, name, "another battery staple") == 0
    assert user("account", "update", "--full-name", "Countess").returncode == 0
    assert elsewhere.json("account", "show")["full_name"] == "Countess"


def test_a_session_that_was_left_is_over_for_its_copies(user: Cli) -> None:
    credentials = Credentials(Path(user.env["XDG_STATE_HOME"]) / "tasktracker")
    copy = credentials.load(user.env["TASKTRACKER_URL"])
    assert copy is not None
    assert user("logout").returncode == 0
    credentials.save(user.env["TASKTRACKER_URL"], replace(copy, expires_at=0.0))
    assert user("whoami").returncode == 4


def test_sessions_are_seen_and_ended(user: Cli, tmp_path: Path) -> None:
    name = user.json("whoami")["username"]
    others = [Cli({**user.env, "XDG_STATE_HOME": str(tmp_path / each)}) for each in "abc"]
    assert [log_in(other, name) for other in others] == [0, 0, 0]

    sessions = user.json("account", "sessions", "list")
    assert [each["current"] for each in sessions].count(True) == 1
    assert {each["program"].partition("/")[0] for each in sessions} == {"tasktracker-cli"}
    (last,) = [each["id"] for each in others[2].json("account", "sessions", "list")
               if each["current"]]  # fmt: skip

    assert user("account", "sessions", "end", last).returncode == 0
    assert [other("whoami").returncode for other in others] == [0, 0, 4]
    assert user("account", "sessions", "end", last).returncode == 5
    assert user("account", "sessions", "end", "--others").returncode == 0
    assert [other("whoami").returncode for other in others] == [4, 4, 4]
    assert len(user.json("account", "sessions", "list")) == 1


def test_the_address_changes_with_the_password_alone(user: Cli) -> None:
    before = user.json("account", "show")
    options = ["account", "update", "--email", f"new-{before['email']}", "--password-stdin"]
    done = user(*options, stdin="a wrong one\n")
    assert done.returncode == 1
    assert "The current password is not correct. Nothing was changed: try again." in done.stderr
    assert user.json("account", "show")["email"] == before["email"]
    assert user(*options, stdin=f"{PASSWORD}\n").returncode == 0
    assert user.json("account", "show")["email"] == f"new-{before['email']}"


def test_a_program_uses_a_token_that_its_owner_made(user: Cli) -> None:
    scopes = ["--scope", "tasks:read", "--scope", "tasks:write"]
    create = ["token", "create", "--name", "ci", *scopes, "--password-stdin", "--quiet"]
    token = user(*create, stdin=f"{PASSWORD}\n").stdout.strip()
    program = Cli({**user.env, "TASKTRACKER_TOKEN": token})
    assert program("task", "create", "by a program").returncode == 0
    assert [task["title"] for task in program.json("task", "list")] == ["by a program"]
    assert program.json("stats")["total_tasks"] == 1
    for refused in (["account", "show"], ["token", "list"]):
        done = program(*refused)
        assert done.returncode == 1
        assert "Unset TASKTRACKER_TOKEN and log in" in done.stderr
    (listed,) = user.json("token", "list")
    assert listed["last_used_at"]
    assert user("token", "revoke", listed["id"]).returncode == 0
    assert user.json("token", "list") == []
