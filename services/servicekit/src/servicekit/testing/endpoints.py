"""Records which test makes each call give each answer that the OpenAPI documents name.

`pytest services --endpoints docs/endpoints.md` writes the page. It fails if a documented answer was
never given, or if an answer was given that is not documented.
"""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit.routing import TEMPLATE, RoutingTable

# The page names so many tests for each answer, and prefers those that get few other answers.
_TESTS_PER_ANSWER = 2
_HEAD = """# Every call and its answers

`./just endpoints` writes this page from what the services' tests received, and fails where an
answer that an OpenAPI document names was never given, or one was given that it does not name. Not
in the documents: `/metrics`, `/docs` and `/openapi.json`, which `servicekit.testing.conformance`
asks every service for, as well as for methods that a path does not take.
"""


@dataclass(frozen=True)
class Answer:
    """The status that a call of a service had. `title` is that of the service's document."""

    title: str
    method: str
    path: str
    status: int


class AnswerLog:
    """The answers of this run, each with the tests that got it."""

    def __init__(self) -> None:
        self.tests: dict[Answer, set[str]] = defaultdict(set)

    def recording(self, app: Starlette) -> ASGIApp:
        """Return the application, recorded. Only a FastAPI has a document, and so a title."""
        title = app.title if isinstance(app, FastAPI) else ""

        async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    # A body that is too large is refused before routing.
                    path = scope.get(TEMPLATE) or RoutingTable(app.routes).resolve(scope["path"])[1]
                    key = Answer(title, scope["method"], path or "", message["status"])
                    self.tests[key].add(_current_test())
                await send(message)

            await app(scope, receive, noting)

        return recorded


ANSWERS = AnswerLog()


def _current_test() -> str:
    """Return `path::name`, without the parameters: one line is enough for all."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").partition("[")[0].partition(" (")[0]


def documented(root: Path) -> dict[Answer, str]:
    """Return each answer in the services' documents, with the name of the service's folder."""
    found = {}
    for file in sorted(root.glob("services/*/openapi.json")):
        document = json.loads(file.read_text())
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                for status in sorted(map(int, operation["responses"])):
                    answer = Answer(document["info"]["title"], method.upper(), path, status)
                    found[answer] = file.parent.name
    return found


def faults(root: Path, seen: Mapping[Answer, Iterable[str]]) -> list[str]:
    """Return a sentence for each difference between documents and tests."""
    known = documented(root)
    calls = {(each.title, each.method, each.path) for each in known}
    extra = [
        each for each in seen if (each.title, each.method, each.path) in calls and each not in known
    ]
    return [f"no test makes it happen: {each}" for each in known if each not in seen] + [
        f"not documented: {each} in {min(seen[each])}" for each in extra
    ]


def page(root: Path, seen: Mapping[Answer, set[str]]) -> str:
    """Return the page as Markdown."""
    counts = Counter(test for tests in seen.values() for test in tests)
    lines = [_HEAD]
    service = ""
    for answer, folder in documented(root).items():
        if folder != service:
            service = folder
            lines += ["", f"## {answer.title}", "", "| Call | Status | Tests |", "|---|---|---|"]
        tests = sorted(seen.get(answer, ()), key=lambda test: (counts[test], test))[
            :_TESTS_PER_ANSWER
        ]
        names = "<br>".join(f"`{test}`" for test in tests)
        lines.append(f"| `{answer.method} {answer.path}` | {answer.status} | {names} |")
    return "\n".join(lines) + "\n"
