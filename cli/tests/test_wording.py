"""How errors are worded: a sentence, then another one or a command to type."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tasktracker_cli
from tasktracker_cli.errors import CliError, UsageError

SOURCE = Path(tasktracker_cli.__file__).parent
# What `doctor` says of a hop is part of a sentence, and its repair a bare command.
PARTS = {"BrokenHopError"}


def words(node: ast.expr) -> str | None:
    """Return the text of a literal, with {} for what is not known before it runs."""
    if isinstance(node, ast.JoinedStr):
        parts = (words(each) if isinstance(each, ast.Constant) else "{}" for each in node.values)
        return "".join(part or "" for part in parts)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def raised() -> Iterator[tuple[str, str | None, str | None]]:
    """Give the place, the message and the hint of each error that the source makes."""
    kinds = set(re.findall(r"class (\w+)\((?:\w*Error)\)", "".join(map(Path.read_text, files()))))
    for file in files():
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                name = call.func.id
                if name in kinds - PARTS | {"CliError"} and name != "BrokenFileError":
                    message, hint = ([words(one) for one in call.args] + [None, None])[:2]
                    yield f"{file.relative_to(SOURCE)}:{call.lineno}", message, hint


def files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def test_a_message_and_a_hint_are_two_sentences() -> None:
    found = list(raised())
    assert len(found) > 80
    wrong = [
        (place, text)
        for place, message, hint in found
        for text, ends in ((message, r"[.?]"), (hint, r"[.?]|: .+"))
        if text and text.strip("{} ") and not re.fullmatch(rf"[^a-z].*({ends})", text, re.DOTALL)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (CliError("It broke"), "It broke."),
        (CliError("It broke", "Mend it."), "It broke. Mend it."),
        (UsageError("Is it?", "See: man it"), "Is it? See: man it"),
    ],
)
def test_a_message_without_a_full_stop_gets_one(error: CliError, told: str) -> None:
    assert error.told() == told
    assert str(error.facts()["message"]).endswith((".", "?"))
