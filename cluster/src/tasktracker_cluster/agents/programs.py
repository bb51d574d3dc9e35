"""The programs `nomad` and `consul`, as clients of their agents: they fail while servers elect."""

import time
from collections.abc import Callable

from tasktracker_cluster.agents.api import LOST_LEADER, NO_LEADER, NO_NODE, PATIENCE_SECONDS
from tasktracker_cluster.errors import CommandError
from tasktracker_cluster.machine.wait import POLL_SECONDS

# What `nomad alloc exec` says when it does not reach the task's machine through the servers.
NOT_REACHED = ("failed to exec into task",)


def run_patiently(run: Callable[[], str]) -> str:
    """Run a program, and again while the servers elect a leader. Return what it printed.

    It may have done its work when a leader is lost, so it must be one that may be done twice.
    Raises what `run` does.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return run()
        except CommandError as error:
            if not _passes(error) or time.monotonic() >= deadline:
                raise
        time.sleep(POLL_SECONDS)


def _passes(error: CommandError) -> bool:
    texts = (*NO_LEADER, *LOST_LEADER, *NO_NODE, *NOT_REACHED)
    return any(text in line for line in error.evidence for text in texts)
