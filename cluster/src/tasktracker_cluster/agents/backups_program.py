"""The supervisor's program `backups`, which has them copied elsewhere, and tries to restore them.

It also tells the store of metrics how old they are.

It runs only where backups are on. Its code is in the checkout, as that of every admin command.
"""

import shlex
import sys
from pathlib import Path

from tasktracker_cluster import topology
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import Site

NAME = "backups"

_CONF = """\
; Has the repository of backups copied when something in it is new, tries each week to restore them, and tells their age.
[program:backups]
autostart = false
command = {command}
environment = TASKTRACKER_HOME="{home}",TASKTRACKER_BIND="{bind}"
directory = /
priority = 5
autorestart = true
startsecs = 1
startretries = 1000
stopasgroup = true
killasgroup = true
stopwaitsecs = 20
"""  # noqa: E501  # a line of this file is one value


def file(site: Site) -> Path:
    """Return the file, which the supervisor's own configuration includes."""
    return site.agent / "backups.conf"


def is_on(site: Site) -> bool:
    """Return whether this machine keeps backups."""
    return site.barman_conf.exists()


def render(site: Site) -> bool:
    """Write the file, and return whether it changed: the program must be restarted then."""
    command = _command(site).replace("%", "%%")
    return files.write(file(site), _CONF.format(command=command, home=site.home, bind=site.bind))


def _command(site: Site) -> str:
    # The last argument tells to which cluster the process belongs (machine/processes.py).
    program = shlex.quote(str(Path(sys.executable).with_name("tasktracker-cli")))
    watch = shlex.quote(str(Path(__file__).with_name("backups.sh")))
    conf = site.agent / "supervisord.conf"
    words = f"{watch} {site.backup} {program} {topology.METRICS_PORT} {conf}"
    return shlex.join(["/bin/sh", "-c", f"exec /bin/sh {words} >/dev/null 2>>{_log(site)}"])


def _log(site: Site) -> Path:
    return site.logs / f"{NAME}.log"
