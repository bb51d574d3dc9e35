"""The entry point: settings of the interpreter that make a short run quicker, then the program."""

from __future__ import annotations

import gc
import sys

_THRESHOLD = 50_000  # objects made, less objects freed, before the collector looks for cycles


def run() -> int:
    """Run the program and return its exit code."""
    # Imports make objects and hardly any garbage: looking for it takes a tenth of the start.
    gc.set_threshold(_THRESHOLD)
    from tasktracker_cli import main

    try:
        return main.run()
    finally:
        # The interpreter collects twice while it ends. There is no use in that: memory goes back
        # to the system as a whole.
        gc.freeze()


if __name__ == "__main__":
    sys.exit(run())
