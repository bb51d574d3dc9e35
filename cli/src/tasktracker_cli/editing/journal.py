"""What the last command of this client changed, kept so that it can be undone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tasktracker_cli.atomic_files import make_private, write_private
from tasktracker_cli.gateway.tasks import Version

Kind = Literal["created", "changed", "deleted", "restored"]


@dataclass(frozen=True)
class Step:
    """What was done to one task.

    etag: the state that it was left in, empty if it is not there. before: the fields that were
    changed, as they were.
    """

    task_id: int
    kind: Kind
    etag: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)


def changed(before: Version, changes: Iterable[str], after: Version) -> Step:
    """Return the step for a task whose fields `changes` were changed."""
    earlier = {name: before.raw.get(name) for name in changes}
    return Step(int(before.raw["id"]), "changed", after.etag, earlier)


class Journal:
    """The steps of the last command that changed something, in a file of mode 0600.

    The first step of a run replaces the steps of the run before. When the file cannot be written,
    nothing can be undone, and the command goes on. A file that cannot be read counts as empty.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun = False

    def add(self, step: Step) -> None:
        """Keep one more step of this run."""
        with suppress(OSError):
            if self._begun:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(_line(step))
            else:
                self.keep([step])
                self._begun = True

    def keep(self, steps: Iterable[Step]) -> None:
        """Keep these and no others."""
        make_private(self._path.parent)
        write_private(self._path, "".join(map(_line, steps)))

    def load(self) -> list[Step]:
        """Return the steps in the order in which they were done."""
        try:
            lines = self._path.read_text("utf-8").splitlines()
            return [Step(**json.loads(line)) for line in lines]
        except (OSError, ValueError, TypeError):
            return []

    def forget(self) -> None:
        """Keep nothing: what was changed now cannot be undone as one."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def _line(step: Step) -> str:
    return json.dumps(asdict(step)) + "\n"
