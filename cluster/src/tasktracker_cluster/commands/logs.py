"""`logs`: the logs of a service or an agent."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasktracker_cli.session import Session
from tasktracker_cli.terminal.text import visible
from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import logs
from tasktracker_cluster.topology import JOBS, RELEASE_JOBS

if TYPE_CHECKING:
    from rich.text import Text

app = typer.Typer()

# The fields of a line: different names in the services, in Traefik and in its access log.
TIMES, MESSAGES = ("timestamp", "time", "StartUTC"), ("event", "message", "msg")
LEVELS = {"warning": "yellow", "warn": "yellow", "error": "bold red", "critical": "bold red"}


def _services(incomplete: str) -> list[str]:
    names = (*JOBS, *RELEASE_JOBS, *supervisor.PROGRAMS)
    return [name for name in names if name.startswith(incomplete)]


@app.command("logs")
def show_logs(
    ctx: typer.Context,
    service: Annotated[
        str,
        typer.Argument(
            help="A service's name, or store, release, consul, nomad or pages.",
            autocompletion=_services,
        ),
    ],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines.")] = False,
    task: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another task than the service's main task.")
    ] = None,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, max=1_000_000, help="How many of the last lines.")
    ] = 50,
) -> None:
    """Show the logs of a service's running instances, or of an agent.

    A terminal shows them in a readable form. A pipe gets the lines unchanged, mostly JSON.

    \b
    Examples:
      sudo tasktracker-cli admin logs task-service -f
      sudo tasktracker-cli admin logs task-service --task connect-proxy-task-service
      sudo tasktracker-cli admin logs user-service -n 1000 | jq 'select(.status >= 500)'
    """
    session: Session = ctx.obj
    sources = logs.sources(Cluster.from_environment(), service, task)
    for line in logs.read(sources, lines, follow):
        session.output.show(_pretty(line) if session.output.terminal else line.text)


def _pretty(line: logs.Line) -> "Text":
    from rich.text import Text

    try:
        facts: dict[str, Any] = json.loads(line.text)
        when = next(str(facts.pop(name)) for name in TIMES if name in facts)
    except (ValueError, AttributeError, StopIteration, TypeError):
        return Text.assemble((line.writer, "cyan"), " ", visible(line.text))
    level = str(facts.pop("level", "info")).lower()
    message = next((str(facts.pop(name)) for name in MESSAGES if name in facts), "")
    facts.pop("service", None)
    rest = " ".join(f"{name}={value}" for name, value in facts.items())
    return Text.assemble(
        (line.writer, "cyan"), " ", (visible(when[11:23]), "dim"), " ",
        (f"{level:<7}", LEVELS.get(level, "green")), " ", (visible(message), "bold"), " ",
        (visible(rest), "dim"),
    )  # fmt: skip
