"""The options that all reporting commands of the operator share."""

from tasktracker_cli.commands.options import DataCommand


class ReportCommand(DataCommand):
    """A command that prints data in the format that the user chooses."""

    key = "name"
    calls_gateway = False  # but this machine's own agents
