"""Find the files that the current user can read or write.

Read absolute names from standard input, and try each name as it is and relative to the working
folder. Print a JSON object with two lists of names. Python gets this file as text (`python -c`).
"""

import json
import os
import sys

PROBE = ".intruder"


def main() -> None:
    here = os.getcwd()
    found: dict[str, list[str]] = {"read": [], "write": []}
    for name in sys.stdin.read().split("\0"):
        names = (name, os.path.relpath(name, here))
        if any(map(can_read, names)):
            found["read"].append(name)
        if any(map(can_write, names)):
            found["write"].append(name)
    json.dump(found, sys.stdout)


def can_read(name: str) -> bool:
    if os.path.isdir(name) and not os.path.islink(name):
        return can(lambda: os.listdir(name))
    return can(lambda: os.close(os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)))


def can_write(name: str) -> bool:
    """Open a file without changing it; make a link in a folder, and remove it."""
    if os.path.isdir(name) and not os.path.islink(name):
        return can(lambda: make_link(os.path.join(name, PROBE)))
    return can(lambda: os.close(os.open(name, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)))


def make_link(link: str) -> None:
    os.symlink("/etc/passwd", link)
    os.unlink(link)


def can(attempt) -> bool:  # type: ignore[no-untyped-def]  # it runs on any Python
    try:
        attempt()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
