"""`python -m tools.audit [--strict] [--osv URL] [CHECK...]`: exit code 1 if a check finds a fault.

A check that cannot run prints the reason; with --strict that, too, gives exit code 1.
"""

import argparse
import sys
from pathlib import Path

from tools.audit.checks import CHECKS, Options
from tools.audit.programs import MissingError


def main(words: list[str]) -> int:
    """Run the chosen checks, print their results, and return the exit code."""
    parser = argparse.ArgumentParser(prog="./just audit", description=__doc__)
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=", ".join(CHECKS))
    parser.add_argument("--strict", action="store_true", help="fail when a check cannot run")
    parser.add_argument("--osv", metavar="URL", help="use this OSV service for Python packages")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help=argparse.SUPPRESS)
    chosen = parser.parse_args(words)
    if unknown := set(chosen.checks) - CHECKS.keys():
        parser.error(f"there is no check {', '.join(sorted(unknown))}")
    options = Options(chosen.root.resolve(), chosen.osv)
    states = [_state(name, options) for name in chosen.checks or CHECKS]
    return int("found" in states or (chosen.strict and "not checked" in states))


def _state(name: str, options: Options) -> str:
    found: list[str] = []
    try:
        found.extend(CHECKS[name](options))
        state, why = ("found", "") if found else ("held", "")
    except MissingError as error:
        state, why = ("found" if found else "not checked", str(error))
    print(f"{name}: {state}" + (f": {why}" if why else ""))
    for each in found:
        print(f"  {each}")
    return state


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
