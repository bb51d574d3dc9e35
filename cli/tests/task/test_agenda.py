"""task today, task next: on the real services."""

from cli.tests.conftest import Cli


def create(user: Cli, title: str, *options: str) -> str:
    return user("task", "create", title, "--quiet", *options).stdout.strip()


def titles(user: Cli, *command: str) -> list[str]:
    return [task["title"] for task in user.json("task", *command)]


def test_today_is_what_is_due_by_tonight_and_not_done(user: Cli) -> None:
    create(user, "whenever")
    create(user, "later", "--due", "tomorrow")
    create(user, "now", "--due", "today")
    create(user, "late", "--due", "3 days ago", "--status", "in_progress")
    create(user, "over", "--due", "yesterday", "--status", "done")
    assert titles(user, "today") == ["late", "now"]


def test_next_is_what_is_due_and_then_what_matters_most(user: Cli) -> None:
    create(user, "small", "--priority", "low")
    create(user, "large", "--priority", "high")
    create(user, "large and begun", "--priority", "high", "--status", "in_progress")
    create(user, "done", "--priority", "high", "--status", "done")
    create(user, "due", "--due", "today", "--priority", "low")
    create(user, "late", "--due", "yesterday")
    create(user, "later", "--due", "in 3 days")
    everything = titles(user, "next")
    assert everything[:2] == ["late", "due"]
    assert sorted(everything[2:4]) == ["large", "large and begun"]
    assert everything[4:] == ["later", "small"]
    assert titles(user, "next", "-n", "1") == ["late"]
    assert titles(user, "next", "-n", "3") == everything[:3]


def test_nothing_to_do_is_told(user: Cli) -> None:
    create(user, "whenever", "--status", "done")
    assert "Nothing is due today." in user("task", "today").stderr
    assert "Nothing is open." in user("task", "next").stderr
    assert user.json("task", "today") == []
