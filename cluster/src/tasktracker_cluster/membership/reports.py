"""What the first machine alone knows of the cluster: its own reports, for machines that joined."""

import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any, Literal

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import CommandError
from tasktracker_cluster.jobs import logs
from tasktracker_cluster.jobs.logs import Line
from tasktracker_cluster.membership import caller
from tasktracker_cluster.site import Site

What = Literal["status", "doctor"]
Row = dict[str, Any]

MOST_LINES = 10_000  # of each log
LIMIT_SECONDS = 180  # while another machine is lost, `doctor` waits for it again and again
WAIT_SECONDS = LIMIT_SECONDS  # for the report before. Each caller that waits keeps a connection.

_one_at_a_time = threading.Lock()


def ask(site: Site, what: What) -> list[Row]:
    """Return the rows that a command prints on the first machine.

    Raises UnreachableFirstError, and RefusedJoinError when it gives none.
    """
    return list(caller.call(site, "/report", {"what": what})["rows"])


def make(site: Site, what: What) -> list[Row]:
    """Return the rows that a command prints on this machine.

    A process of its own makes them: it can be ended. Raises CommandError when it gives none.
    """
    command = [sys.executable, "-m", "tasktracker_cli", "admin", what, "--json"]
    if not _one_at_a_time.acquire(timeout=WAIT_SECONDS):
        raise _failure(what, f"other reports took longer than {WAIT_SECONDS} s")
    try:
        printed, errors = _run(command, {**os.environ, "TASKTRACKER_HOME": str(site.home)})
    except subprocess.TimeoutExpired as error:
        reason = f"it took longer than {LIMIT_SECONDS} s"
        raise _failure(what, reason) from error
    finally:
        _one_at_a_time.release()
    try:
        return list(json.loads(printed))  # also with exit code 1: the rows say what is broken
    except ValueError as error:
        raise _failure(what, _reason(errors)) from error


def ask_logs(site: Site, job: str, task: str | None, lines: int) -> list[Line]:
    """Return what `last_lines` does on the first machine. Raises what `ask` does."""
    asked: dict[str, object] = {"job": job, "task": task, "lines": lines}
    return [Line(*each) for each in caller.call(site, "/logs", asked)["lines"]]


def last_lines(cluster: Cluster, job: str, task: str | None, lines: int) -> list[tuple[str, str]]:
    """Return writer and text of the last lines of each log of a job's instances, on any machine.

    Raises what jobs.logs.sources does.
    """
    found = logs.read(logs.sources(cluster, job, task), lines, follow=False)
    return [(line.writer, line.text) for line in found]


def _run(command: list[str], env: dict[str, str]) -> tuple[str, str]:
    """Return what a program printed. After LIMIT_SECONDS it ends, with all that it has started."""
    with subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            return process.communicate(timeout=LIMIT_SECONDS)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise


def _reason(printed: str) -> str:
    """Return the message of the error that a command printed, as JSON unless it is a defect."""
    try:
        return str(json.loads(printed)["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return (printed.strip().splitlines() or ["it printed nothing"])[-1]


def _failure(what: What, reason: str) -> CommandError:
    return CommandError(
        f"`{what}` failed on the first machine: {reason.rstrip('.')}.", f"There: ./just {what}"
    )
