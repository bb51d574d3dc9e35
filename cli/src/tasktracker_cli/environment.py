"""What the environment says: how long to wait, where traces are, and where files are kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tasktracker_cli.errors import UsageError

DEFAULT_TIMEOUT = 15.0  # seconds
DEFAULT_TRACES_URL = "http://localhost:16686"
SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 0.1, 3600.0  # seconds
_NAME = "tasktracker"


def timeout_seconds(environ: Mapping[str, str] = os.environ) -> float:
    """Return how long to wait for the gateway, in seconds: TASKTRACKER_TIMEOUT or the default."""
    text = environ.get("TASKTRACKER_TIMEOUT", "")
    try:
        seconds = float(text or DEFAULT_TIMEOUT)
    except ValueError:
        seconds = 0.0
    if not SHORTEST_TIMEOUT <= seconds <= LONGEST_TIMEOUT:
        bounds = f"from {SHORTEST_TIMEOUT:g} to {LONGEST_TIMEOUT:g}"
        raise UsageError(f"TASKTRACKER_TIMEOUT is {text!r}.", f"Give it seconds, {bounds}.")
    return seconds


def traces_url(environ: Mapping[str, str] = os.environ) -> str:
    """Return where traces are stored: TASKTRACKER_TRACES_URL or this machine's own store."""
    url = environ.get("TASKTRACKER_TRACES_URL") or DEFAULT_TRACES_URL
    if not _is_http(url):
        raise UsageError(
            f"TASKTRACKER_TRACES_URL is {url!r}.", f"Give it an address like {DEFAULT_TRACES_URL}."
        )
    return url.rstrip("/")


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Reading the port checks it.
        return parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def state_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for this program's state: logins, drafts, and what can be undone."""
    return _xdg(environ, "XDG_STATE_HOME", ".local/state") / _NAME


def config_dir(environ: Mapping[str, str] = os.environ, name: str = _NAME) -> Path:
    """Return the folder for a program's configuration, by default of this program."""
    return _xdg(environ, "XDG_CONFIG_HOME", ".config") / name


def data_dir(name: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for a program's data, such as the scripts that a shell loads."""
    return _xdg(environ, "XDG_DATA_HOME", ".local/share") / name


def _xdg(environ: Mapping[str, str], variable: str, otherwise: str) -> Path:
    base = Path(environ.get(variable, ""))
    # The XDG specification says to ignore a relative path.
    return base if base.is_absolute() else Path.home() / otherwise
