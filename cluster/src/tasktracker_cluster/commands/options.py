"""Options that mean the same in every command of the operator's."""

from typing import Any

from tasktracker_cli.commands.options import DataCommand


class ReportCommand(DataCommand):
    """A command that prints what is known, in the format that the user chooses."""

    key = "name"

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        # It asks this machine's own agents, and no gateway elsewhere.
        self.params = [option for option in self.params if option.name != "url"]
