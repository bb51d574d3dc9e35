"""task create, list, today, next, show, update, edit, complete, reopen, delete, and more."""

from __future__ import annotations

from tasktracker_cli.aliases import ShortNames
from tasktracker_cli.lazy import Lazy

_HERE = "tasktracker_cli.commands.task"

app = ShortNames(
    name="task",
    commands=[
        Lazy("create", f"{_HERE}.create", "Create a task."),
        Lazy("list", f"{_HERE}.listing", "List your tasks, newest first."),
        Lazy(
            "today",
            f"{_HERE}.agenda",
            "List what is due today or overdue, and not done.",
        ),
        Lazy("next", f"{_HERE}.agenda", "List what to do next: the most urgent of what is open."),
        Lazy("show", f"{_HERE}.listing", "Show tasks in full."),
        Lazy("update", f"{_HERE}.change", "Change tasks; what you do not name stays as it is."),
        Lazy(
            "edit",
            f"{_HERE}.edit",
            "Change a task in your editor: VISUAL, EDITOR, or one that is there.",
        ),
        Lazy("complete", f"{_HERE}.change", "Mark tasks as done."),
        Lazy("reopen", f"{_HERE}.change", "Mark tasks as not done."),
        Lazy("delete", f"{_HERE}.delete", "Delete tasks. For 30 days they can be restored."),
        Lazy(
            "restore",
            f"{_HERE}.undo",
            "Bring deleted tasks back; one that is there stays.",
        ),
        Lazy("undo", f"{_HERE}.undo", "Undo what the last command here changed."),
        Lazy("import", f"{_HERE}.transfer", "Create tasks from a JSON, NDJSON or CSV file."),
        Lazy(
            "export",
            f"{_HERE}.transfer",
            "Write all your tasks, oldest first, to a JSON, NDJSON or CSV file.",
        ),
    ],
    rich_markup_mode=None,
)
