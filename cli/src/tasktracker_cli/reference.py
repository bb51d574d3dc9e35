"""Write docs/cli.md from the program's own help: `python -m tasktracker_cli.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup

from tasktracker_cli.lazy import LazyCommand
from tasktracker_cli.main import PROGRAM, program
from tasktracker_cli.terminal.help_formatter import HelpContext
from tasktracker_cli.topics import TOPICS

WIDTH = 80

INTRODUCTION = f"""\
# {PROGRAM}

What `{PROGRAM} --help` says of every command, and `{PROGRAM} help` of what concerns them all.
This page is made by `./just reference`; a test compares it with the program.
"""


def page() -> str:
    """Return the whole page, in Markdown."""
    topics = [f"## help {name}\n\n{_block(topic.text())}" for name, topic in TOPICS.items()]
    commands = [f"## {path}\n\n{_block(text)}" for path, text in _commands(_root())]
    return "\n".join([INTRODUCTION, *commands, *topics])


def _root() -> Any:
    group = program()
    names = group.context_settings["help_option_names"]
    return HelpContext(group, info_name=PROGRAM, terminal_width=WIDTH, help_option_names=names)


def _commands(context: Any) -> Iterator[tuple[str, str]]:
    """Yield each command's path and help, a group's before those in it."""
    yield context.command_path, context.get_help()
    if not isinstance(context.command, TyperGroup):
        return
    for name, command in context.command.commands.items():
        if not command.hidden:
            real = command.real if isinstance(command, LazyCommand) else command
            yield from _commands(HelpContext(real, info_name=name, parent=context))


def _block(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
    return f"```text\n{lines}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(page())
