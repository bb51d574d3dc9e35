"""Words of the command line. The errors are argparse's: it shows them after the usage."""

import argparse
from pathlib import Path


def count(word: str) -> int:
    """Return a whole number of at least 1."""
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word} is not a whole number from 1 on")
    return int(word)


def duration(word: str) -> float:
    """Return a time of at least a second. wrk counts whole ones, and no fewer."""
    try:
        value = float(word)
    except ValueError:
        value = 0
    if not 1 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{word} is not a time from 1 to 3600 seconds")
    return value


def new_file(word: str) -> Path:
    """Return the path of a file that can be written: results must not be lost after the run."""
    path = Path(word)
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{word} cannot be a file: is its folder there?")
    return path
