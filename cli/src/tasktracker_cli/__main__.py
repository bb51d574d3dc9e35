"""The entry point: settings of the interpreter that make a short run quicker, then the program."""

from __future__ import annotations

import gc
import sys

_THRESHOLD = 50_000  # objects made, less objects freed, before the collector looks for cycles


def run() -> int:
    """Run the program and return its exit code."""
    # Imports make objects and hardly any garbage: to look for it takes a tenth of the start.
    gc.set_threshold(_THRESHOLD)
    from tasktracker_cli import main

    try:
        return main.run()
    finally:
        # At its end the interpreter would look at every object again, although the system takes
        # back all memory.
        gc.freeze()


if __name__ == "__main__":
    sys.exit(run())
