"""What an interrupted restore leaves running.

Its server and programs outlive a killed command, and the processes of a server outlive a killed
server, too: they would go on to write into a folder that is being deleted.
"""

import os
import pwd
import signal
from contextlib import suppress
from functools import partial
from pathlib import Path

from tasktracker_cluster.machine import processes, wait

LIMIT_SECONDS = 300  # a server that waits for a slow disk


def end(data: Path, user: str) -> None:
    """End all processes of this user that run in a data folder, or have it as an argument.

    Servers first: one that can end by itself leaves no shared memory behind.
    """
    uid = pwd.getpwnam(user).pw_uid
    for number, program in ((signal.SIGQUIT, "/postgres"), (signal.SIGKILL, "")):
        are_gone = partial(_signal, data, uid, program, number)
        wait.until(f"the end of what uses {data}", are_gone, LIMIT_SECONDS)


def _signal(data: Path, uid: int, program: str, number: int) -> bool:
    """Signal the processes whose program has this end, and return whether there is none."""
    found = [each for each in Path("/proc").glob("[0-9]*") if _uses(each, data, uid, program)]
    for each in found:
        with suppress(ProcessLookupError):
            os.kill(int(each.name), number)
    return not found


def _uses(process: Path, data: Path, uid: int, program: str) -> bool:
    try:
        words = processes.command_line(process)
        cwd = Path(os.readlink(process / "cwd"))
        is_own = process.stat().st_uid == uid
    except OSError:  # the process has ended
        return False
    is_there = str(data) in words or cwd.is_relative_to(data)
    return is_own and is_there and words[0].endswith(program)
