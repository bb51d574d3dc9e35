"""How tasks and figures fit terminals of any width."""

from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console, RenderableType

from cli.tests.conftest import TASK
from tasktracker_cli.gateway import models
from tasktracker_cli.terminal.tables import TaskTable
from tasktracker_cli.terminal.views import Views

NOW = datetime(2030, 6, 15, 12, tzinfo=UTC)


def drawn(picture: RenderableType, width: int) -> list[str]:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(picture)
    return [line.rstrip() for line in capture.get().splitlines()]


def task(**fields: Any) -> models.Task:
    return models.task({**TASK, **fields})


@pytest.mark.parametrize(
    ("width", "there", "gone"),
    [
        (80, ["○ todo", "▲ high", "yesterday"], []),
        (50, ["○", "▲", "yesterday"], ["todo", "high"]),
        (30, ["○", "▲", "…"], ["yesterday"]),
    ],
)
def test_a_narrow_terminal_has_less_but_every_task_on_a_line(
    width: int, there: list[str], gone: list[str]
) -> None:
    late = task(title="long " * 40, priority="high", due_date="2030-06-14T12:00:00Z")
    header, line = drawn(TaskTable([late], NOW), width)
    assert header.split()[:2] == ["ID", "TITLE"]
    assert len(line) <= width
    assert all(words in line for words in there)
    assert not any(words in line for words in gone)


def test_tables_that_follow_each_other_line_up() -> None:
    first = drawn(TaskTable([task()], NOW, more=True), 80)
    second = drawn(TaskTable([task(id=123456)], NOW, header=False, more=True), 80)
    assert first[1].index("○") == second[0].index("○")


def stats(**more: Any) -> models.Stats:
    counts = {"by_status": {"todo": 3, "in_progress": 1, "done": 0}, "by_priority": {"high": 0}}
    facts = {"total_tasks": 4, "completed_tasks": 0, "completion_percentage": 0, "overdue_tasks": 0}
    return models.stats(facts | counts | more)


def test_figures_have_a_bar_each() -> None:
    lines = drawn(Views(now=NOW).stats(stats()), 80)
    assert lines[0] == "█" * 10 + "░" * 30 + " 0%"
    todo = next(line for line in lines if line.startswith("○ todo"))
    assert todo.count("█") == 30
    assert todo.endswith("  3")
    assert next(line for line in lines if "high" in line).count("█") == 0


def test_what_is_there_at_all_is_seen_in_its_bar() -> None:
    lines = drawn(Views(now=NOW).stats(stats(by_status={"todo": 9999, "done": 1})), 80)
    assert next(line for line in lines if "done" in line).count("█") == 1


def test_figures_fit_a_narrow_terminal_and_no_tasks() -> None:
    empty = stats(by_status={"todo": 0}, total_tasks=0)
    for figures in (stats(), empty):
        assert max(map(len, drawn(Views(now=NOW).stats(figures), 24))) <= 24
