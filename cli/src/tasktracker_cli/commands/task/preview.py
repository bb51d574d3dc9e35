"""A dry run: requests are shown instead of sent.

What can be known without changing anything is checked all the same: that there is a login, that
the fields are right, and that the tasks are there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tasktracker_cli.commands.task.batch import raise_worst, results
from tasktracker_cli.errors import CliError
from tasktracker_cli.session import Session
from tasktracker_cli.terminal.text import visible


def request(
    method: str, path: str, body: Mapping[str, Any] | None = None, etag: str = ""
) -> dict[str, Any]:
    """Describe a request; `path` is the API's, below the gateway's address."""
    described: dict[str, Any] = {"method": method, "path": f"/api/v1{path}"}
    if etag:
        described["headers"] = {"If-Match": etag}
    if body is not None:
        described["body"] = dict(body)
    return described


def show_each(
    session: Session, ids: Sequence[int], described: Callable[[int, str], Mapping[str, Any]]
) -> None:
    """Print the request for each task that is there; `described` takes its number and its tag."""
    failures: list[CliError] = []
    seen = list(results(session, ids, session.tasks.get, failures))
    show(session, [described(int(one.raw["id"]), one.etag) for one in seen])
    raise_worst(failures)


def show(session: Session, requests: Sequence[Mapping[str, Any]]) -> None:
    """Print the requests that a command would send."""
    session.output.note("This is a dry run: nothing was changed.")
    if session.output.choices.quiet or not requests:
        return
    if len(requests) == 1:
        session.output.record(requests[0], lambda: _line(requests[0]))
    else:
        session.output.records(requests, lambda raws: map(_line, raws))


def _line(described: Mapping[str, Any]) -> str:
    body = described.get("body")
    content = f" {json.dumps(body, ensure_ascii=False)}" if body is not None else ""
    return visible(f"{described['method']} {described['path']}{content}")
