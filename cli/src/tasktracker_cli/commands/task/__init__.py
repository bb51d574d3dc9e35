"""task create, list, today, next, show, update, edit, complete, reopen, delete, and more."""

from __future__ import annotations

from tasktracker_cli.aliases import ShortNames
from tasktracker_cli.lazy import LazyCommand

_HERE = "tasktracker_cli.commands.task"

app = ShortNames(
    name="task",
    commands=[
        LazyCommand("create", f"{_HERE}.create", "Create a task."),
        LazyCommand("list", f"{_HERE}.listing", "List your tasks, newest first."),
        LazyCommand(
            "today",
            f"{_HERE}.agenda",
            "List what is due today or overdue, and not done.",
        ),
        LazyCommand(
            "next", f"{_HERE}.agenda", "List what to do next: the most urgent of what is open."
        ),
        LazyCommand("show", f"{_HERE}.listing", "Show tasks in full."),
        LazyCommand("update", f"{_HERE}.change", "Change tasks; other fields stay as they are."),
        LazyCommand(
            "edit",
            f"{_HERE}.edit",
            "Change a task in your editor: VISUAL, EDITOR, or one that is there.",
        ),
        LazyCommand("complete", f"{_HERE}.change", "Mark tasks as done."),
        LazyCommand("reopen", f"{_HERE}.change", "Mark tasks as not done."),
        LazyCommand("delete", f"{_HERE}.delete", "Delete tasks. For 30 days they can be restored."),
        LazyCommand(
            "restore",
            f"{_HERE}.undo",
            "Bring deleted tasks back; one that is there stays.",
        ),
        LazyCommand("undo", f"{_HERE}.undo", "Undo what the last command here changed."),
        LazyCommand(
            "import", f"{_HERE}.import_export", "Create tasks from a JSON, NDJSON or CSV file."
        ),
        LazyCommand(
            "export",
            f"{_HERE}.import_export",
            "Write all your tasks, oldest first, to a JSON, NDJSON or CSV file.",
        ),
    ],
    rich_markup_mode=None,
)
