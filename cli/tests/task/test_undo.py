"""Deleted tasks come back, and the last change is taken back."""

import json
import stat
from pathlib import Path

import pytest

from cli.tests.conftest import PROBLEM, TASK, Answer, Cli, FakeGateway


def create(user: Cli, title: str = "Water", *options: str) -> str:
    return str(user.json("task", "create", title, *options)["id"])


def titles(user: Cli, *options: str) -> list[str]:
    return [task["title"] for task in user.json("task", "list", *options)]


def journals(user: Cli) -> list[Path]:
    return list(Path(user.env["XDG_STATE_HOME"], "tasktracker", "undo").glob("*"))


def test_deleted_tasks_are_listed_and_restored(user: Cli) -> None:
    ids = [create(user, title) for title in ("a", "b", "c")]
    assert user("task", "delete", *ids[:2], "--yes").returncode == 0
    assert (titles(user), titles(user, "--deleted")) == (["c"], ["b", "a"])

    done = user("task", "restore", *ids[:2], "--quiet")

    assert (done.returncode, done.stdout) == (0, f"{ids[0]}\n{ids[1]}\n")
    assert (titles(user), titles(user, "--deleted")) == (["c", "b", "a"], [])


def test_the_setting_for_open_tasks_hides_no_deleted_one(user: Cli) -> None:
    task_id = create(user, "a", "--status", "done")
    user("task", "delete", task_id, "--yes")
    assert user("config", "set", "list", "open").returncode == 0

    assert task_id in user("task", "list", "--deleted").stdout
    assert user("task", "list", "--deleted", "--open").stdout == ""


def test_what_is_there_is_restored_as_it_is_and_undone_by_nothing(user: Cli) -> None:
    task_id = create(user)
    assert user.json("task", "restore", task_id)["title"] == "Water"
    assert user("task", "undo").returncode == 0
    assert titles(user) == []  # The creation was the last change.


def test_what_never_was_cannot_be_restored(user: Cli) -> None:
    done = user("task", "restore", "2147483647")
    assert (done.returncode, done.stdout) == (5, "")


def test_a_creation_is_undone_by_a_deletion_and_only_once(user: Cli) -> None:
    create(user, "stays")
    task_id = create(user, "goes")

    done = user("task", "undo")

    assert (done.returncode, done.stderr) == (0, f"✓ Deleted task {task_id} again.\n")
    assert titles(user) == ["stays"]
    again = user("task", "undo")
    assert again.returncode == 1
    assert "There is nothing to undo." in again.stderr


def test_a_deletion_of_several_is_undone_as_one(user: Cli) -> None:
    ids = [create(user, title) for title in "abc"]
    user("task", "delete", *ids, "--yes")

    assert user("task", "undo").returncode == 0

    assert titles(user) == [*"cba"]


@pytest.mark.parametrize(
    "change",
    [
        ["update", "--title", "New", "--no-due", "--status", "todo"],
        ["complete"],
        ["reopen"],
    ],
)
def test_a_change_is_undone_field_by_field(user: Cli, change: list[str]) -> None:
    options = ["--status", "in_progress", "--due", "2030-01-01"]
    task_id = create(user, "Old", *options)
    before = user.json("task", "show", task_id)
    user("task", "update", task_id, "--description", "is not touched by what follows")
    command, *fields = change
    assert user("task", command, task_id, *fields).returncode == 0

    assert user("task", "undo").returncode == 0

    after = user.json("task", "show", task_id)
    assert after.pop("description") == "is not touched by what follows"
    names = ("title", "status", "due_date", "is_completed")
    assert [after[name] for name in names] == [before[name] for name in names]


def test_a_restoration_is_undone_by_a_deletion(user: Cli) -> None:
    task_id = create(user)
    user("task", "delete", task_id, "--yes")
    user("task", "restore", task_id)

    assert user("task", "undo").returncode == 0

    assert titles(user, "--deleted") == ["Water"]


@pytest.mark.parametrize("first", [["update", "--title", "New"], ["complete"]])
def test_what_has_changed_since_stays_as_it_is(user: Cli, tmp_path: Path, first: list[str]) -> None:
    changed, other = create(user, "a"), create(user, "b")
    command, *fields = first
    user("task", command, changed, other, *fields)
    elsewhere = Cli({**user.env, "XDG_STATE_HOME": str(tmp_path / "elsewhere")})
    logins = Path(user.env["XDG_STATE_HOME"], "tasktracker", "logins")
    copy = Path(elsewhere.env["XDG_STATE_HOME"], "tasktracker", "logins")
    copy.mkdir(parents=True)
    for file in logins.glob("*"):
        (copy / file.name).write_bytes(file.read_bytes())
    assert elsewhere("task", "update", changed, "--title", "Theirs").returncode == 0

    done = user("task", "undo")

    assert done.returncode == 6
    assert f"Task {changed} was changed in the meantime" in done.stderr
    assert user.json("task", "show", changed)["title"] == "Theirs"
    assert user.json("task", "show", other)["title"] == "b"
    assert user("task", "undo").returncode == 1


def test_what_changed_nothing_is_no_change(user: Cli) -> None:
    task_id = create(user)
    user("task", "reopen", task_id)

    assert user("task", "undo").stderr == f"✓ Deleted task {task_id} again.\n"


def test_an_import_leaves_nothing_to_undo(user: Cli, tmp_path: Path) -> None:
    create(user, "before")
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps([{"title": "imported"}]))
    assert user("task", "import", str(file)).returncode == 0

    assert user("task", "undo").returncode == 1
    assert titles(user) == ["imported", "before"]


def test_a_dry_run_says_what_would_be_sent(user: Cli) -> None:
    task_id = create(user)
    user("task", "complete", task_id)

    would = user("task", "undo", "--dry-run").stdout

    assert would == f'PATCH /api/v1/tasks/{task_id} {{"status": "todo"}}\n'
    assert user.json("task", "show", task_id)["status"] == "done"
    assert user("task", "undo").returncode == 0


def test_what_can_be_undone_is_private_and_goes_with_the_login(user: Cli) -> None:
    create(user)
    [file] = journals(user)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700

    assert user("logout").returncode == 0

    assert journals(user) == []


def test_what_nobody_could_be_asked_about_can_be_undone_later(
    cli: Cli, gateway: FakeGateway
) -> None:
    gateway.on("POST /tasks/", Answer(201, TASK, {"ETag": '"1"', "Content-Type": "a/json"}))
    assert cli("task", "create", "A").returncode == 0
    gateway.on("DELETE /tasks/7", None, Answer(204))

    assert cli("task", "undo", TASKTRACKER_TIMEOUT="0.5").returncode == 7
    assert cli("task", "undo").returncode == 0
    assert gateway.requests[-1].headers["if-match"] == '"1"'


def test_a_journal_that_cannot_be_written_costs_nothing_else(
    cli: Cli, gateway: FakeGateway
) -> None:
    Path(cli.env["XDG_STATE_HOME"], "tasktracker", "undo").write_text("in the way")
    gateway.on("POST /tasks/", Answer(201, TASK))

    assert cli("task", "create", "A").returncode == 0
    assert cli("task", "undo").returncode == 1


def test_a_task_that_is_gone_is_told(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("DELETE /tasks/7", Answer(204))
    gateway.on("POST /tasks/7/restore", Answer(404, {"detail": "There is no task 7."}, PROBLEM))
    assert cli("task", "delete", "7", "--yes").returncode == 0

    done = cli("task", "undo")

    assert done.returncode == 5
    assert "There is no task 7." in done.stderr
