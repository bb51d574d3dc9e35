"""Write a line for each alert that begins or ends to fire. `admin logs metrics` finds them.

Argument: the address of vmalert. It asks every few seconds, so it needs no port of its own.
"""

import json
import sys
import time
import urllib.request
from collections import Counter
from datetime import UTC, datetime
from http.client import HTTPException

SECONDS = 2
ABSENT_TIMES = 5  # in a row, until an alert has ended: after a restart vmalert knows none at first
LEVELS = {"critical": "error", "warning": "warning"}

Alert = dict[str, str]


def main() -> None:
    """Follow the alerts until the end."""
    url = f"{sys.argv[1]}/api/v1/alerts"
    known: dict[str, Alert] = {}
    absent: Counter[str] = Counter()
    while True:
        try:
            now = firing(url)
        except (OSError, HTTPException, ValueError):  # it starts, or is away: nothing is known
            time.sleep(SECONDS)
            continue
        for identity in now.keys() - known.keys():
            say("alert fires", now[identity], LEVELS.get(now[identity]["severity"], "info"))
        known |= now
        absent = Counter({each: absent[each] + 1 for each in known.keys() - now.keys()})
        for identity, times in absent.items():
            if times >= ABSENT_TIMES:
                say("alert ends", known.pop(identity), "info")
        time.sleep(SECONDS)


def firing(url: str) -> dict[str, Alert]:
    """Return the alerts that fire, by their labels. Raises OSError, HTTPException, ValueError."""
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310  # nosec B310 - the job's
        alerts = json.load(answer)["data"]["alerts"]
    return {
        json.dumps(each["labels"], sort_keys=True): {
            "alert": each["name"],
            "severity": each["labels"].get("severity", ""),
            "summary": each["annotations"].get("summary", ""),
        }
        for each in alerts
        if each["state"] == "firing"
    }


def say(event: str, alert: Alert, level: str) -> None:
    """Print a line in the form of the services' logs."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = json.dumps({"timestamp": at, "level": level, "event": event, **alert})
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
