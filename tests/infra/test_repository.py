"""Texts that no file of the repository may contain."""

import re
from pathlib import Path

from tests.infra.reading import ROOT, run

# A package index may have a mirror, and a checkout may be in any folder.
INDEX = re.compile(r"https?://\S*(pypi|/simple\b|proxy\.golang|deb\.debian|pythonhosted)", re.I)
PLACE = re.compile(r"(?<![\w.}])/(root|work|home/\w+)/")


def tracked() -> list[Path]:
    listed = run("git", "ls-files", "-z")
    assert listed.returncode == 0, listed.stderr
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked()
        if path.suffix not in (".png", ".ico")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_the_address_of_a_package_index() -> None:
    assert lines_with(INDEX) == []


def test_no_file_names_a_folder_of_a_developers_machine() -> None:
    assert lines_with(PLACE) == []


def test_a_lock_holds_no_address_at_all() -> None:
    locks = [*(ROOT / "requirements").glob("*.lock"), *(ROOT / "tools").glob("*/go.sum")]
    assert [lock for lock in locks if re.search("https?://", lock.read_text())] == []
