"""Two people at one task: nothing of either is lost unseen."""

import json
from concurrent.futures import ThreadPoolExecutor

from cli.tests.conftest import PROBLEM, TASK, Answer, Cli, FakeGateway

BEFORE = Answer(body=TASK, headers={"ETag": '"3"'})
NOW = Answer(body={**TASK, "status": "done", "title": "T" * 60}, headers={"ETag": '"4"'})
CHANGED = Answer(412, {"detail": "Task 7 has changed."}, PROBLEM)


def test_an_update_names_the_state_that_it_saw(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/7", BEFORE)
    gateway.on("PATCH /tasks/7", Answer(body=TASK))
    assert cli("task", "update", "7", "--priority", "high").returncode == 0
    assert gateway.requests[-1].headers["if-match"] == '"3"'


def test_a_lost_race_says_what_both_changed(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/7", BEFORE, NOW)
    gateway.on("PATCH /tasks/7", CHANGED)
    done = cli("task", "update", "7", "--priority", "high", "--title", "Mine")
    assert done.returncode == 6
    theirs = f"title Water the plants -> {'T' * 39}…, status todo -> done"
    yours = "title Mine, priority high"
    assert f"Theirs: {theirs}. Yours, which was not saved: {yours}." in done.stderr
    assert "task show 7" in done.stderr


def test_changes_of_different_fields_are_both_kept(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/7", BEFORE, NOW)
    gateway.on("PATCH /tasks/7", CHANGED, Answer(body=TASK))
    done = cli("task", "update", "7", "--priority", "high")
    assert done.returncode == 0
    assert "in other fields: title Water the plants ->" in done.stderr
    assert "Both changes are kept." in done.stderr
    assert gateway.requests[-1].headers["if-match"] == '"4"'
    assert json.loads(gateway.requests[-1].body) == {"priority": "high"}


def test_a_task_that_changes_again_and_again_is_left_alone_in_the_end(
    cli: Cli, gateway: FakeGateway
) -> None:
    gateway.on("GET /tasks/7", BEFORE, NOW)
    gateway.on("PATCH /tasks/7", CHANGED)
    assert cli("task", "update", "7", "--priority", "high").returncode == 6
    assert len(gateway.requests) < 20


def test_programs_are_told_the_code_and_the_status(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/7", BEFORE, NOW)
    gateway.on("PATCH /tasks/7", CHANGED)
    done = cli("task", "update", "7", "--status", "in_progress", "--json")
    error = json.loads(done.stderr)["error"]
    assert (error["code"], error["status"]) == ("conflict", 412)


def test_of_many_at_once_each_change_is_saved_or_told(user: Cli) -> None:
    task = str(user.json("task", "create", "Mine")["id"])
    changes = [["--title", "Ours"], ["--priority", "high"], ["--description", "More"]] * 2
    with ThreadPoolExecutor(len(changes)) as pool:
        done = list(pool.map(lambda change: user("task", "update", task, *change), changes))
    assert {one.returncode for one in done} <= {0, 6}
    saved = [change for change, one in zip(changes, done, strict=True) if one.returncode == 0]
    after = user.json("task", "show", task)
    fields = {name.removeprefix("--"): value for name, value in saved}
    assert saved
    assert {name: after[name] for name in fields} == fields
