"""The user's time zone: what TZ says, or the system.

The C library reads a name that it does not know as UTC, without a word.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

from tasktracker_cli.errors import UsageError

# POSIX.1-2017, 8.3: CET-1CEST, UTC0, <+0530>-5:30, EST5EDT,M3.2.0,M11.1.0
_NAME = r"([A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)"
_OFFSET = r"[+-]?[0-9]{1,2}(:[0-9]{2}){0,2}"
_RULE = rf"(J?[0-9]{{1,3}}|M[0-9]{{1,2}}\.[1-5]\.[0-6])(/{_OFFSET})?"
_POSIX = re.compile(f"{_NAME}{_OFFSET}({_NAME}({_OFFSET})?(,{_RULE},{_RULE})?)?")
_FOLDERS = ("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo")


def check() -> None:
    """Raise UsageError if TZ names no time zone."""
    _check(os.environ.get("TZ", ""), os.environ.get("TZDIR", ""))


@cache
def _check(text: str, folder: str) -> None:
    name = text.removeprefix(":")
    if not name or _POSIX.fullmatch(name):
        return
    if any((Path(place) / name).is_file() for place in (folder, *_FOLDERS) if place):
        return
    raise UsageError(
        f"TZ is {text!r}, which is no time zone of this machine.",
        "Set it to one like Europe/Berlin or CET-1CEST, or unset it.",
    )
