"""complete: what the scripts of `completion` ask when Tab is pressed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer._click.shell_completion import (
    CompletionItem,
    ShellComplete,
)  # Typer shows it nowhere else

from tasktracker_cli.terminal.text import visible

app = typer.Typer()


@app.command(hidden=True)
def complete(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(help="The command line, without the program.")],
) -> None:
    """Print candidates for the last word: a value and its explanation per line.

    \b
    Example:
      tasktracker-cli complete -- task sh
    """
    root = ctx.find_root()
    lines = Lines(root.command, {"obj": ctx.obj}, str(root.info_name), "")
    lines.words = words
    typer.echo(lines.complete(), nl=False)


class Lines(ShellComplete):
    """Suggestions as text, the same for every shell: each script does its own quoting."""

    name = "lines"
    source_template = ""
    words: Sequence[str] = ("",)

    def source_vars(self) -> dict[str, Any]:
        return {}

    def get_completion_args(self) -> tuple[list[str], str]:
        return list(self.words[:-1]), self.words[-1]

    def format_completion(self, item: CompletionItem) -> str:
        # The shell completes paths better itself.
        about = str(item.help or "").partition("\n")[0]
        return f"{visible(str(item.value))}\t{visible(about)}\n" if item.type == "plain" else ""

    def complete(self) -> str:
        found = self.get_completions(*self.get_completion_args())
        return "".join(self.format_completion(item) for item in found)
