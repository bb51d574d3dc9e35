"""The tests that documents name, and those that there are."""

import re
from functools import cache

from tests.infra.reading import ROOT


def named_tests(text: str) -> set[str]:
    """Return the names of tests that a text has as code."""
    return set(re.findall(r"`(test_\w+)`", text))


@cache
def defined_tests() -> set[str]:
    """Return the names of all tests of this repository."""
    folders = ("services/**/*.py", "cli/tests/**/*.py", "cluster/tests/**/*.py", "tests/**/*.py")
    files = [file for folder in folders for file in ROOT.glob(folder)]
    return {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())}
