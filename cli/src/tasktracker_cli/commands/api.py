"""api METHOD PATH: any request, for what no command does."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from tasktracker_cli.commands.options import GatewayCommand
from tasktracker_cli.commands.request import Request, body_of, read_header, read_method, target_of
from tasktracker_cli.errors import NotLoggedInError, UsageError
from tasktracker_cli.gateway.problems import bad_answer, json_of, refusal
from tasktracker_cli.gateway.tasks import next_query
from tasktracker_cli.gateway.transport import Answer
from tasktracker_cli.session import Session
from tasktracker_cli.terminal import serializers
from tasktracker_cli.terminal.text import visible_json, visible_lines

app = typer.Typer()


@app.command(cls=GatewayCommand)
def api(
    ctx: typer.Context,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="GET, POST, PATCH, DELETE ...")],
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="Below /api/v1/; with a slash in front, as it is.")
    ],
    fields: Annotated[
        list[str] | None,
        typer.Option("--raw-field", "-f", metavar="NAME=TEXT", help="A field whose value is text."),
    ] = None,
    typed: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            "-F",
            metavar="NAME=VALUE",
            help="A field whose value is JSON if it is true, false, null or a number;"
            " @FILE reads it there.",
        ),
    ] = None,
    input_: Annotated[
        str | None,
        typer.Option("--input", metavar="FILE", help="Send this as the body; - is standard input."),
    ] = None,
    headers: Annotated[
        list[str] | None,
        typer.Option("--header", "-H", metavar="NAME:VALUE", help="A header to send."),
    ] = None,
    paginate: Annotated[
        bool, typer.Option("--paginate", help="Get every page of a list, as one array.")
    ] = False,
    include: Annotated[
        bool, typer.Option("--include", "-i", help="Print the status and the headers first.")
    ] = False,
    jq: Annotated[
        str | None, typer.Option("--jq", metavar="EXPR", help="Select from the JSON with jq.")
    ] = None,
) -> None:
    """Send any request to the gateway's API.

    It carries your login, if there is one. Fields are the query of a GET, and an object in JSON
    otherwise, or the query beside --input. The answer's body is printed as it came; on a terminal
    JSON is indented. A refusal's body is printed, too, and ends with the exit code that it has in
    every command.

    \b
    Examples:
      tasktracker-cli api GET tasks/ -f status=todo --paginate --jq '.[].title'
      tasktracker-cli api POST tasks/ -f title="Water the plants" -F is_completed=false
      tasktracker-cli api PATCH tasks/7 -F due_date=null -H 'If-Match: "3"' -i
      tasktracker-cli api GET /health
    """
    session: Session = ctx.obj
    if paginate and method.upper() != "GET":
        raise UsageError("--paginate gets pages.", "Use it with GET.")
    request = Request(
        read_method(method),
        target_of(path),
        *body_of(read_method(method), fields or [], typed or [], input_),
        dict(map(read_header, headers or [])),
    )
    printer = _Printer(session, include=include, jq=jq)
    if paginate:
        printer.pages(_pages(session, request))
    else:
        printer.answer(_answer(session, request))


def _answer(session: Session, request: Request) -> Answer:
    """Send the request: with the login if there is one, for there are paths that need none."""
    try:
        client = session.client
    except NotLoggedInError:
        client = session.guest
    return client.exchange(*request.parts())


def _pages(session: Session, request: Request) -> Iterator[Answer]:
    """Yield the answers of a list, page by page; all but the last are successes."""
    while True:
        answer = _answer(session, request)
        yield answer
        following = next_query(answer.headers) if answer.is_success else None
        if following is None:
            return
        request = request.with_query(following)


class _Printer:
    def __init__(self, session: Session, *, include: bool, jq: str | None) -> None:
        self._session = session
        self._include = include
        self._jq = jq

    def answer(self, answer: Answer) -> None:
        """Print an answer; raise the error that a refusal is."""
        if self._include:
            self._print("".join(_head(answer)))
        if self._jq and answer.is_success:
            self._select(json_of(answer))
        elif answer.body:
            self._print_body(answer)
        if not answer.is_success:
            paths = f"See what paths there are at {self._session.gateway.origin}/docs"
            raise refusal(answer, {404: paths, 405: paths})

    def pages(self, answers: Iterator[Answer]) -> None:
        """Print the elements of all pages as one array, or what jq selects from each page."""
        found: list[Any] = []
        for answer in answers:
            if not answer.is_success or self._include:
                self.answer(answer)
                continue
            page = json_of(answer)
            if not isinstance(page, list):
                raise bad_answer("--paginate takes a list, and this is none")
            if self._jq:
                self._select(page)
            else:
                found += page
        if not self._jq and not self._include:
            indent = 2 if self._session.output.terminal else None
            text = json.dumps(found, indent=indent, ensure_ascii=False)
            self._print(f"{visible_json(text)}\n")

    def _select(self, value: Any) -> None:
        terminal = self._session.output.terminal
        for text in serializers.selected(self._jq or ".", value, terminal=terminal):
            self._print(text)

    def _print_body(self, answer: Answer) -> None:
        if not self._session.output.terminal:
            sys.stdout.flush()
            sys.stdout.buffer.write(answer.body)
            sys.stdout.buffer.flush()
            return
        try:
            text = visible_json(json.dumps(answer.json(), indent=2, ensure_ascii=False))
        except (ValueError, RecursionError):
            text = "\n".join(visible_lines(answer.body.decode("utf-8", "replace")))
        self._print(text if text.endswith("\n") else f"{text}\n")

    def _print(self, text: str) -> None:
        self._session.output.write(text)


def _head(answer: Answer) -> Iterator[str]:
    yield f"HTTP {answer.status}\n"
    for name, value in answer.headers.items():
        yield f"{visible_lines(f'{name}: {value}')[0]}\n"
    yield "\n"
