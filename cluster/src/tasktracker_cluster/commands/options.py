"""The options that all reporting commands of the operator share."""

from typing import Any

from tasktracker_cli.commands.options import DataCommand


class ReportCommand(DataCommand):
    """A command that prints data in the format that the user chooses."""

    key = "name"

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        # It calls this machine's own agents, never a gateway on another machine.
        self.params = [option for option in self.params if option.name != "url"]
