"""`logs`: the logs of a service or an agent, or a search in all of them."""

import json
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasktracker_cli.errors import UsageError
from tasktracker_cli.session import Session
from tasktracker_cli.terminal.choices import Format
from tasktracker_cli.terminal.text import visible
from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.commands import record_lines
from tasktracker_cluster.errors import AdminError, NoLogError, NoRecordError
from tasktracker_cluster.jobs import logs
from tasktracker_cluster.membership import reports
from tasktracker_cluster.records import conditions, entries, log_files, store
from tasktracker_cluster.records.conditions import Conditions
from tasktracker_cluster.records.record import Level, Record
from tasktracker_cluster.topology import ALL_MAIN_TASKS

if TYPE_CHECKING:
    from rich.text import Text

app = typer.Typer()

LINES = 50
STORE_SECONDS = 10  # to say which logs it has; without an answer its lines are left out

# The fields of a line: different names in the services, in Traefik and in its access log.
TIMES, MESSAGES = ("timestamp", "time", "StartUTC"), ("event", "message", "msg")
NAMES = (*ALL_MAIN_TASKS, *supervisor.LOGGED)


def _services(incomplete: str) -> list[str]:
    return [name for name in NAMES if name.startswith(incomplete)]


@app.command("logs")
def show_logs(
    ctx: typer.Context,
    service: Annotated[
        str,
        typer.Argument(
            metavar="SERVICE",
            help="A service's name, or backup, store, release, consul, nomad, pages, membership "
            "or supervisord.",
            autocompletion=_services,
            show_default=False,
        ),
    ] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines.")] = False,
    task: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another task than the service's main task.")
    ] = None,
    lines: Annotated[
        int | None,
        typer.Option(
            "--lines", "-n", metavar="N", min=0, max=1_000_000,
            help=f"How many of the last lines: {LINES}, but all that a search finds.",
        ),
    ] = None,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Search: from 90s, 15m, 1h or 2d ago, or a date.")
    ] = "",
    request_id: Annotated[
        str, typer.Option(metavar="ID", help="Search: of one request, in every service.")
    ] = "",
    level: Annotated[Level | None, typer.Option(help="Search: of this level or a worse.")] = None,
    user_id: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Search: requests of one user.")
    ] = None,
    status: Annotated[
        str, typer.Option(metavar="N", help="Search: answers of a status, as 404 or 5xx.")
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Search: one JSON object a line.")
    ] = False,
) -> None:  # fmt: skip
    """Show the logs of a service's running instances, or of an agent; or search in all logs.

    A terminal shows them in a readable form. A pipe gets the lines unchanged, mostly JSON.

    The instances are those of all machines, and the agents those of this one. A machine that has
    joined asks the first one for the lines of instances, and does not follow them.

    Without a service, or with an option of a search, it reads the files of all logs on this
    machine, also of instances that have ended, and shows what it finds in the order of time. This
    works while the cluster is down, too. While `observe` runs, the first machine finds the lines of
    all machines. Times are in UTC.

    \b
    Examples:
      sudo tasktracker-cli admin logs task-service -f
      sudo tasktracker-cli admin logs task-service --task connect-proxy-task-service
      sudo tasktracker-cli admin logs user-service -n 1000 | jq 'select(.status >= 500)'
      sudo tasktracker-cli admin logs --request-id 5f2c41d06b8a4e1f9d3c7b6a50e8f412
      sudo tasktracker-cli admin logs --since 1h --level error
      sudo tasktracker-cli admin logs task-service --since 2d --user-id 7 --status 5xx --json
    """
    session: Session = ctx.obj
    searched = any((since, request_id, level, user_id, status))
    if not (searched or as_json) and service:
        count = LINES if lines is None else lines
        for line in _last(Cluster.from_environment(), service, task, count, follow=follow):
            session.output.show(_pretty(line) if session.output.terminal else line.text)
        return
    if as_json:
        session.output.choices.choose_format(Format.NDJSON)
    if follow:
        raise UsageError("A search does not follow.", "Leave --follow out, or name a service only.")
    wanted = Conditions(
        service=service,
        task=task or "",
        since=conditions.moment(since, datetime.now(UTC)) if since else None,
        request_id=request_id,
        level=level or "",
        user_id=user_id,
        status=status,
    )
    if lines is None and not searched:
        lines = LINES
    cluster = Cluster.at_once(timeout=STORE_SECONDS)
    failures: list[AdminError] = []
    found = _found(cluster, wanted, lines, failures)
    count = _show(session, found, as_json=as_json)
    if failures:
        session.output.note(
            "The store of logs did not answer, so lines of ended instances are missing: "
            f"{failures[0].told()}"
        )
    if not cluster.site.node.is_first:
        session.output.note(
            "Only the logs of this machine were searched. While `observe` runs, the first machine "
            f"finds those of all: {cluster.site.node.first}."
        )
    if not count:
        raise NoRecordError(
            "No log has such a line.",
            "Look further back, or leave a condition out. Logs of an instance end with it.",
        )


def _last(
    cluster: Cluster, service: str, task: str | None, count: int, *, follow: bool
) -> Iterator[logs.Line]:
    node = cluster.site.node
    if node.is_first or service in supervisor.LOGGED:
        return logs.read(logs.sources(cluster, service, task), count, follow)
    _must_be_known(service)
    if follow:  # it has no token for logs, and the first machine answers once
        raise UsageError(
            "A machine that has joined does not follow the log of a job.",
            f"Leave --follow out, or follow it on the first machine, {node.first}.",
        )
    if count > reports.MOST_LINES:
        raise UsageError(f"On a machine that has joined, at most {reports.MOST_LINES} lines.")
    return iter(reports.ask_logs(cluster.site, service, task, count))


def _must_be_known(service: str) -> None:
    if service not in NAMES:
        raise NoLogError(f"There is no service {service!r}.", f"There are {', '.join(NAMES)}.")


def _found(
    cluster: Cluster, wanted: Conditions, lines: int | None, failures: list[AdminError]
) -> Iterator[Record]:
    if wanted.service:
        _must_be_known(wanted.service)
    logs = log_files.find(cluster.site)
    stored = store.of_gone_files(cluster, wanted, lines, failures)
    found = entries.search(logs, wanted, stored)
    return found if lines is None else iter(deque(found, maxlen=lines))


def _show(session: Session, found: Iterator[Record], *, as_json: bool) -> int:
    count = 0
    for record in found:
        count += 1
        if as_json:
            session.output.event(record_lines.raw(record))
        elif session.output.terminal:
            session.output.show(record_lines.coloured(record))
        else:
            session.output.write(f"{record_lines.plain(record)}\n")
    return count


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
        (f"{level:<7}", record_lines.COLOURS.get(level, "green")), " ",
        (visible(message), "bold"), " ", (visible(rest), "dim"),
    )  # fmt: skip
