"""Single settings in the rendered configuration of an agent that runs.

A whole rendering could change more, which needs a restart of the agent: that is for `up`.
"""

import re

from tasktracker_cluster.errors import StaleStateError
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import Site

CERTIFICATE = "# This certificate"  # the comment with its fingerprint


def change(site: Site, agent: str, setting: str, value: str) -> None:
    """Set one setting of an agent, which must be in the configuration once.

    Raises StaleStateError when it is not there.
    """
    line = re.compile(rf'^(\s*{re.escape(setting)}\s*[=:]\s*"?)[^"\n]*', re.MULTILINE)
    found = 0
    for file in sorted((site.agent / agent).glob("*.hcl")):
        text, count = line.subn(rf"\g<1>{value}", file.read_text())
        if count:
            files.write(file, text, mode=0o600)
        found += count
    if found != 1:
        raise StaleStateError(
            f"The configuration of {agent} has {setting!r} {found} times.",
            "Make a new one: ./just up",
        )
