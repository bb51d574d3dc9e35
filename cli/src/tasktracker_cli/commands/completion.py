"""completion install, bash, zsh, fish."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from tasktracker_cli.environment import config_dir, data_dir
from tasktracker_cli.errors import CliError, UsageError
from tasktracker_cli.session import Session

app = typer.Typer(help="Let Tab complete in your shell.")

PROGRAM = "tasktracker-cli"


class Shell(StrEnum):
    """The shells that have a completion script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command()
def install(
    ctx: typer.Context,
    shell: Annotated[
        Shell | None,
        typer.Argument(
            metavar="NAME", help="bash, zsh or fish; without it the one that SHELL names."
        ),
    ] = None,
) -> None:
    """Put the completion script where your shell looks for it.

    No file of yours is changed. Where the shell has to be told of the place, the line is shown.

    \b
    Examples:
      tasktracker-cli completion install
      tasktracker-cli completion install zsh
    """
    session: Session = ctx.obj
    shell = shell or _current(os.environ)
    path = _place(shell)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_script(shell), "utf-8")
    except OSError as error:
        raise CliError(
            f"{path} cannot be written: {error.strerror}.",
            f"Print the script with: {PROGRAM} completion {shell}",
        ) from None
    session.output.say(f"Wrote {path}. New shells complete {PROGRAM} after Tab.")
    if line := _line(shell, path):
        session.output.note(f"Your ~/.{shell}rc needs this line, if it is not there: {line}")


@app.command()
def bash() -> None:
    """Print the script for bash.

    \b
    Example:
      eval "$(tasktracker-cli completion bash)"
    """
    typer.echo(_script(Shell.BASH), nl=False)


@app.command()
def zsh() -> None:
    """Print the script for zsh.

    \b
    Example:
      tasktracker-cli completion zsh > ~/.zfunc/_tasktracker-cli
    """
    typer.echo(_script(Shell.ZSH), nl=False)


@app.command()
def fish() -> None:
    """Print the script for fish.

    \b
    Example:
      tasktracker-cli completion fish | source
    """
    typer.echo(_script(Shell.FISH), nl=False)


def _script(shell: Shell) -> str:
    folder = resources.files("tasktracker_cli") / "completions"
    return (folder / f"{PROGRAM}.{shell}").read_text("utf-8")


def _current(environ: Mapping[str, str]) -> Shell:
    name = Path(environ.get("SHELL", "")).name
    if name not in list(Shell):
        raise UsageError(
            "SHELL names no shell that can complete.", f"Give one of {', '.join(Shell)}."
        )
    return Shell(name)


def _place(shell: Shell) -> Path:
    """Return where the shell, or the line that it needs, finds the script."""
    if shell is Shell.FISH:
        return config_dir(name="fish") / "completions" / f"{PROGRAM}.fish"
    if shell is Shell.ZSH:
        return data_dir("zsh") / "site-functions" / f"_{PROGRAM}"
    return data_dir("bash-completion") / "completions" / PROGRAM


def _line(shell: Shell, path: Path) -> str:
    """Return the line that the shell's own file needs; empty if the shell finds the script."""
    if shell is Shell.ZSH:
        return f"fpath=({path.parent} $fpath); autoload -U compinit; compinit"
    # The package bash-completion loads the script; without it a line has to.
    if shell is Shell.BASH and not Path("/usr/share/bash-completion/bash_completion").exists():
        return f"source {path}"
    return ""
