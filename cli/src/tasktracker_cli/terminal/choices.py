"""What the user chose about the output: its format, its fields, how much of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise, takewhile

from tasktracker_cli.errors import UsageError


class Format(StrEnum):
    """How data are printed: a table for people, the others for programs."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    YAML = "yaml"


@dataclass
class Choices:
    """The options that every command with data shares, as they were given."""

    format: Format | None = None
    fields: tuple[str, ...] = ()
    jq: str | None = None
    quiet: bool = False
    pager: bool = True
    guess: Format | None = None
    key: str = "id"

    @property
    def for_people(self) -> bool:
        """Return whether data are shown the way people read them."""
        return self.format in {None, Format.TABLE} and not (self.jq or self.quiet)

    @property
    def errors_are_json(self) -> bool:
        """Return whether errors and notes are for programs, like the data."""
        return (self.format or self.guess) in {Format.JSON, Format.NDJSON}

    def choose_format(self, text: str) -> None:
        """Take a format by its name. Raises UsageError for no format, or a second one."""
        try:
            chosen = Format(text)
        except ValueError:
            raise UsageError(
                f"{text!r} is not a format.", f"Give one of {', '.join(Format)}."
            ) from None
        if self.format not in {None, chosen}:
            raise UsageError("Two formats were given.", "Give one of them.")
        self.format = chosen

    def choose_fields(self, text: str, known: Sequence[str]) -> None:
        """Take names separated by commas. Raises UsageError for one that objects do not have."""
        names = tuple(name.strip() for name in text.split(","))
        for name in names:
            if name not in known:
                raise UsageError(f"There is no field {name!r}.", f"There are {', '.join(known)}.")
        self.fields = names

    def check(self, key: str) -> None:
        """Refuse what contradicts itself; `key` is the field that --quiet prints."""
        self.key = key
        if self.quiet and (self.format or self.fields or self.jq):
            raise UsageError("--quiet prints nothing else.", "Leave the other output options out.")
        if self.jq and self.format not in {None, Format.JSON, Format.NDJSON}:
            raise UsageError("--jq selects from JSON.", f"Leave --output {self.format} out.")


def expected(arguments: Sequence[str]) -> Choices:
    """Guess the format from a command line that may be wrong, so that its error fits it."""
    options = list(takewhile(lambda argument: argument != "--", arguments))
    words = {"--json": Format.JSON}
    for name in (Format.JSON, Format.NDJSON):
        words |= {f"--output={name}": name, f"-o{name}": name, f"-o {name}": name}
        words[f"--output {name}"] = name
    asked = options + [" ".join(pair) for pair in pairwise(options)]
    return Choices(guess=next((words[word] for word in asked if word in words), None))
