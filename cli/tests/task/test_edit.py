"""task edit: what a user writes is sent, or kept; it is never lost."""

import json
from pathlib import Path

import pytest

from cli.tests.conftest import PROBLEM, TASK, Answer, Cli, FakeGateway
from cli.tests.on_terminal import on_terminal

OLD = {**TASK, "description": "# Heading\nfirst\n", "due_date": "2030-01-31T16:00:00Z"}
CHANGED = Answer(412, {"detail": "Task 7 has changed."}, PROBLEM)


@pytest.fixture
def task(gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/7", Answer(body=OLD, headers={"ETag": '"3"'}))
    gateway.on("PATCH /tasks/7", Answer(body=OLD))


@pytest.fixture
def editing(cli: Cli, tmp_path: Path) -> Cli:
    """Give the program of a user whose editor is a sed script, which a test puts into SCRIPT."""
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\ncp "$1" "$0.seen"\nsed -i -e "$SCRIPT" "$1"\n')
    editor.chmod(0o755)
    return Cli({**cli.env, "EDITOR": str(editor), "VISUAL": ""})


def drafts(cli: Cli) -> list[Path]:
    return list((Path(cli.env["XDG_STATE_HOME"]) / "tasktracker" / "drafts").glob("*"))


def sent(gateway: FakeGateway) -> object:
    return json.loads(gateway.requests[-1].body)


def test_the_editor_shows_the_task_as_it_is(editing: Cli, task: None, tmp_path: Path) -> None:
    done = editing("task", "edit", "7", SCRIPT="")
    assert done.returncode == 0
    shown = (tmp_path / "editor.seen").read_text().splitlines()
    assert [line for line in shown[: shown.index("# Heading")] if not line.startswith("#")] == [
        "title: Water the plants",
        "status: todo",
        "priority: medium",
        "due: 2030-01-31 17:00",
        "--- The description is everything below this line.",
    ]
    assert shown[-2:] == ["# Heading", "first"]


def test_no_change_sends_nothing_and_leaves_nothing(
    editing: Cli, gateway: FakeGateway, task: None
) -> None:
    done = editing("task", "edit", "7", SCRIPT="s/^$//")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Nothing was changed." in done.stderr
    assert [request.method for request in gateway.requests] == ["GET"]
    assert drafts(editing) == []


@pytest.mark.parametrize(
    ("script", "changes"),
    [
        ("s/^title:.*/title:  New: title /", {"title": "New: title"}),
        ("s/^status:.*/STATUS: done/", {"status": "done"}),
        ("s/^due:.*/due: 2031-01-31/", {"due_date": "2031-01-31T23:59:59+01:00"}),
        ("s/^due:.*/due:/", {"due_date": None}),
        ("s/^due:.*/due: none/", {"due_date": None}),
        ("/^title:/d; s/first/second/", {"description": "# Heading\nsecond"}),
        ("/^# Heading/,$d", {"description": None}),
        ("/^---/,$d; s/: medium/: low/", {"priority": "low"}),
        (r"s/$/\r/; s/: medium/: low/", {"priority": "low"}),
    ],
)
def test_only_what_was_changed_is_sent(
    editing: Cli, gateway: FakeGateway, task: None, script: str, changes: object
) -> None:
    done = editing("task", "edit", "7", SCRIPT=script)
    assert done.returncode == 0, done.stderr
    assert sent(gateway) == changes
    assert gateway.requests[-1].headers["if-match"] == '"3"'
    assert drafts(editing) == []


def test_a_title_that_a_line_cannot_hold_stays_unless_it_is_changed(
    editing: Cli, gateway: FakeGateway
) -> None:
    gateway.on("GET /tasks/7", Answer(body={**OLD, "title": "two\nlines \x1b[31m"}))
    gateway.on("PATCH /tasks/7", Answer(body=OLD))
    assert editing("task", "edit", "7", SCRIPT="s/: medium/: low/").returncode == 0
    assert sent(gateway) == {"priority": "low"}


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("s/^status:.*/status: finished/", "Status 'finished' is not one of todo"),
        ("s/^due:.*/due: someday/", "'someday' is not a due date"),
        ("s/^title:.*/title:/", "The title is empty"),
        ("s/^title:.*/no colon/", "Line 2, 'no colon', is not one of title"),
        ("s/^title:.*/owner: ada/", "is not one of title"),
        ("s/^title:.*/status: done/", "status is there twice"),
    ],
)
def test_what_cannot_be_understood_is_kept_and_can_be_gone_on_with(
    editing: Cli, gateway: FakeGateway, task: None, script: str, message: str
) -> None:
    done = editing("task", "edit", "7", SCRIPT=f"{script}; s/first/precious/")
    assert done.returncode == 2
    assert message in done.stderr
    [kept] = drafts(editing)
    assert "precious" in kept.read_text()
    assert f"task edit 7 --from {kept}" in done.stderr
    mend = "s/finished/done/; s/someday/fri/; s/^title:$/title: T/; /no colon/d; /owner/d; 3d"
    again = editing("task", "edit", "7", "--from", str(kept), SCRIPT=mend)
    assert again.returncode == 0, again.stderr
    assert sent(gateway)["description"] == "# Heading\nprecious"  # type: ignore[index]


def test_a_lost_race_keeps_the_text_on_top_of_theirs(
    editing: Cli, gateway: FakeGateway, task: None
) -> None:
    theirs = Answer(body={**OLD, "description": "yours"}, headers={"ETag": '"4"'})
    gateway.on("GET /tasks/7", Answer(body=OLD, headers={"ETag": '"3"'}), theirs)
    gateway.on("PATCH /tasks/7", CHANGED, Answer(body=OLD))
    done = editing("task", "edit", "7", SCRIPT="s/first/mine/")
    assert done.returncode == 6
    assert "Theirs: description # Heading\\nfirst\\n -> yours." in done.stderr
    [kept] = drafts(editing)
    assert "# Changed by someone else meanwhile: description" in kept.read_text()
    assert editing("task", "edit", "7", "--from", str(kept), SCRIPT="").returncode == 0
    assert sent(gateway) == {"description": "# Heading\nmine"}
    assert gateway.requests[-1].headers["if-match"] == '"4"'


def test_what_somebody_else_changed_in_another_field_is_kept(
    editing: Cli, gateway: FakeGateway, task: None
) -> None:
    theirs = Answer(body={**OLD, "status": "done"}, headers={"ETag": '"4"'})
    gateway.on("GET /tasks/7", Answer(body=OLD, headers={"ETag": '"3"'}), theirs)
    gateway.on("PATCH /tasks/7", CHANGED, Answer(body=OLD))
    done = editing("task", "edit", "7", SCRIPT="s/first/mine/")
    assert done.returncode == 0
    assert "Both changes are kept." in done.stderr
    assert sent(gateway) == {"description": "# Heading\nmine"}
    assert drafts(editing) == []


def test_a_text_older_than_the_task_says_how_the_task_is_now(
    editing: Cli, gateway: FakeGateway, task: None, tmp_path: Path
) -> None:
    old = tmp_path / "old.md"
    old.write_text('# Version "2".\ntitle: Mine\n')
    assert editing("task", "edit", "7", "--from", str(old), SCRIPT="").returncode == 0
    assert "# status: todo" in (tmp_path / "editor.seen").read_text()
    assert sent(gateway) == {"title": "Mine"}


def test_a_gateway_that_is_away_keeps_the_text(
    editing: Cli, gateway: FakeGateway, task: None
) -> None:
    gateway.on("PATCH /tasks/7", Answer(503, b""))
    assert editing("task", "edit", "7", SCRIPT="s/first/mine/").returncode == 7
    [kept] = drafts(editing)
    assert "mine" in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_dry_run_sends_nothing_and_keeps_the_text(
    editing: Cli, gateway: FakeGateway, task: None
) -> None:
    done = editing("task", "edit", "7", "--dry-run", "--json", SCRIPT="s/first/mine/")
    assert json.loads(done.stdout)["body"] == {"description": "# Heading\nmine"}
    assert [request.method for request in gateway.requests] == ["GET"]
    assert len(drafts(editing)) == 1


@pytest.mark.parametrize(
    ("editor", "code", "message"),
    [("/none/such", 2, "cannot be started"), ("false", 1, "ended with code 1")],
)
def test_an_editor_that_fails_is_one_sentence(
    cli: Cli, task: None, editor: str, code: int, message: str
) -> None:
    done = cli("task", "edit", "7", VISUAL=editor)
    assert done.returncode == code
    assert message in done.stderr
    assert drafts(cli) == []


def test_an_editor_that_fails_after_writing_keeps_the_text(
    editing: Cli, task: None, tmp_path: Path
) -> None:
    (tmp_path / "editor").write_text('#!/bin/sh\necho more >> "$1"\nexit 3\n')
    assert editing("task", "edit", "7").returncode == 1
    [kept] = drafts(editing)
    assert kept.read_text().endswith("more\n")


def test_without_any_editor_one_is_asked_for(cli: Cli, task: None, tmp_path: Path) -> None:
    done = cli("task", "edit", "7", PATH=str(tmp_path), EDITOR="", VISUAL="")
    assert done.returncode == 2
    assert "EDITOR=nano" in done.stderr


def test_an_editor_that_was_not_named_is_not_started_without_a_terminal(
    cli: Cli, task: None, tmp_path: Path
) -> None:
    (tmp_path / "vi").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "vi").chmod(0o755)
    done = cli("task", "edit", "7", PATH=str(tmp_path), EDITOR="", VISUAL="")
    assert done.returncode == 2
    assert done.stderr.startswith("error: There is no terminal for an editor.")
    assert drafts(cli) == []


def test_a_file_to_go_on_with_that_is_not_there_is_usage(cli: Cli, task: None) -> None:
    done = cli("task", "edit", "7", "--from", "/none/such")
    assert done.returncode == 2
    assert "cannot be read" in done.stderr


def test_at_a_terminal_the_editor_opens_again(
    editing: Cli, gateway: FakeGateway, task: None
) -> None:
    # The first time the status becomes one that is not there, the second time one that is.
    script = "s/^status: x/status: done/; s/^status: todo/status: x/"
    code, shown = on_terminal(editing, "task", "edit", "7", typed={"[Y/n]: ": "\n"}, SCRIPT=script)
    assert code == 0
    assert "Edit it again?" in shown
    assert sent(gateway) == {"status": "done"}


def test_at_a_terminal_no_keeps_the_text(editing: Cli, task: None) -> None:
    script = "s/^status: todo/status: x/"
    code, shown = on_terminal(editing, "task", "edit", "7", typed={"[Y/n]: ": "n\n"}, SCRIPT=script)
    assert code == 2
    assert "Your text is kept in" in shown
    assert shown.count("error:") == 1


@pytest.mark.parametrize("word", ["-", "x", "0"])
def test_what_is_no_id_is_not_edited(cli: Cli, gateway: FakeGateway, word: str) -> None:
    done = cli("task", "edit", "--", word)
    assert done.returncode == 2
    assert "is not the number of a task" in done.stderr
    assert gateway.requests == []
