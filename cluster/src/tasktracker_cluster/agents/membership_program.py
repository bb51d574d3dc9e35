"""The supervisor's program `membership`, in a file of its own: it changes when the agents do not.

It runs only where there are other machines. Its code is in the checkout, as that of every admin
command.
"""

import shlex
import sys
from pathlib import Path

from tasktracker_cluster.agents import certificates, version
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import Site

NAME = "membership"

# The last three variables change when the program must be restarted.
_CONF = """\
; Admits machines to the cluster (on the first machine), or follows which machines are servers.
[program:membership]
autostart = false
command = {command}
environment = TASKTRACKER_HOME="{home}",TASKTRACKER_BIND="{bind}",TASKTRACKER_INSTANCES="{instances}",CODE="{code}",CERTIFICATE="{certificate}",TOOLS="{tools}"
directory = {home}
priority = 4
autorestart = true
startsecs = 1
startretries = 1000
stopwaitsecs = 10
"""  # noqa: E501  # a line of this file is one value


def file(site: Site) -> Path:
    """Return the file, which the supervisor's own configuration includes."""
    return site.agent / "membership.conf"


def render(site: Site) -> bool:
    """Write the file, and return whether it changed: the program must be restarted then."""
    text = _CONF.format(
        command=_command(site).replace("%", "%%"),
        home=site.home,
        bind=site.bind,
        instances=site.instances or "",  # a machine that joins adds no more than `up` was told
        code=version.of(site.checkout),
        certificate=certificates.identity(site, certificates.MEMBERSHIP).fingerprint,
        tools=certificates.identity(site, certificates.TOOLS).fingerprint,
    )
    return files.write(file(site), text)


def _command(site: Site) -> str:
    # The last argument tells to which cluster the process belongs (machine/processes.py).
    python, conf = shlex.quote(sys.executable), site.agent / "supervisord.conf"
    log = site.logs / "membership.log"
    script = f"exec {python} -m tasktracker_cluster.membership {conf} >/dev/null 2>>{log}"
    return shlex.join(["/bin/sh", "-c", script])
