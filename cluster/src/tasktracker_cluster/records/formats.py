"""The formats of the programs' logs: JSON, and the lines of those that write text.

JSON: the services, Traefik, the store of artifacts. Text: Consul and Nomad, Envoy, PostgreSQL,
the supervisor, and the program `membership`.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

# The names of a field differ from program to program. Traefik's times are in whole seconds, except
# that of a request's start.
TIMES = ("timestamp", "StartUTC", "time", "ts")
EVENTS = ("event", "message", "msg")
RENAMED = {
    "DownstreamStatus": "status",
    "RequestMethod": "method",
    "downstream_X-Request-Id": "request_id",
}

LEVELS = {
    **dict.fromkeys(("trace", "trac", "debug", "debg", "blat"), "debug"),
    **dict.fromkeys(("warn", "warning"), "warning"),
    **dict.fromkeys(("error", "err", "erro"), "error"),
    **dict.fromkeys(("critical", "crit", "fatal", "panic"), "critical"),
}

# PostgreSQL writes these lines after the message that they belong to.
POSTGRES_MORE = re.compile(
    r"\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] (?:DETAIL|HINT|CONTEXT|QUERY|STATEMENT|LOCATION):"
)


@dataclass(frozen=True)
class Said:
    """What an entry says. `time` is None when it does not say when."""

    time: datetime | None
    level: str
    event: str
    fields: dict[str, str] = field(default_factory=dict)


def read(text: str) -> Said:
    """Read an entry. A text of no known format is an event without a time."""
    first, _, rest = text.partition("\n")
    said = _json(first) if first.startswith("{") else _text(first)
    return Said(said.time, said.level, f"{said.event}\n{rest}", said.fields) if rest else said


def is_continuation(line: str) -> bool:
    """Return whether a line belongs to the entry before it."""
    if line[:1] in (" ", "\t"):
        return _AGENT.match(line) is None  # Nomad's lines begin with spaces
    return line[:1].isdigit() and POSTGRES_MORE.match(line) is not None


def from_fields(fields: dict[str, str]) -> Said:
    """Return what a JSON object says, after `flat`."""
    rest = {RENAMED.get(name, name): value for name, value in fields.items()}
    time = next((found for name in TIMES if (found := _time(rest.get(name, "")))), None)
    level = _level(rest.pop("level", ""))
    event = next((rest.pop(name) for name in EVENTS if name in rest), "")
    for name in TIMES:
        rest.pop(name, None)
    if not event and "method" in rest:
        event = "request"  # in the access log of Traefik, which has no word for it
    return Said(time, level, event, rest)


def flat(facts: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Return the values of a JSON object as text. Names of inner objects are joined by dots."""
    found: dict[str, str] = {}
    for name, value in facts.items():
        if isinstance(value, dict):
            found.update(flat(value, f"{prefix}{name}."))
        elif isinstance(value, str):
            found[prefix + name] = value
        elif isinstance(value, float):
            found[prefix + name] = number(value)
        elif value is not None:
            found[prefix + name] = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return {name: value for name, value in found.items() if value}


def number(value: float) -> str:
    """Return a number with six decimals at most, without zeros at its end."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _json(line: str) -> Said:
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError):
        return Said(None, "info", line)
    return from_fields(flat(facts))


def _text(line: str) -> Said:
    for pattern, clock in _FORMATS:
        if found := pattern.match(line):
            parts = found.groupdict()
            try:
                time = clock(parts["time"], parts.get("zone") or "")
            except ValueError:  # no such day
                break
            return Said(time, _level(parts.get("level") or ""), parts["event"])
    return Said(None, "info", line)


def _level(word: str) -> str:
    return LEVELS.get(word.lower(), "info")


def _time(text: str) -> datetime | None:
    try:
        if re.fullmatch(r"\d+\.\d+(e\+?\d+)?", text):
            return datetime.fromtimestamp(float(text), UTC)
        time = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _iso(text: str, _zone: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _local(text: str, zone: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if zone in ("UTC", "GMT") else time.astimezone(UTC)


def _common(text: str, _zone: str) -> datetime:
    return datetime.strptime(text, "%d/%b/%Y %H:%M:%S").astimezone(UTC)


_AGENT = re.compile(
    r"\s*(?P<time>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d{4}))\s+\[(?P<level>\w+)\]\s+(?P<event>.*)"
)
_FORMATS: tuple[tuple[re.Pattern[str], Callable[[str, str], datetime]], ...] = (
    (_AGENT, _iso),
    (
        re.compile(
            r"\[(?P<time>\d{4}-\d\d-\d\d [\d:.]+)\]\[\d+\]\[(?P<level>\w+)\]\s*(?P<event>.*)"
        ),
        _local,  # Envoy
    ),
    (
        re.compile(
            r"(?P<time>\d{4}-\d\d-\d\d [\d:.]+) (?P<zone>\S+) \[\d+\] "
            r"(?P<event>(?P<level>[A-Z]+\d?):.*)"
        ),
        _local,  # PostgreSQL
    ),
    (
        re.compile(r"(?P<time>\d{4}-\d\d-\d\d [\d:]+,\d{3}) (?P<level>[A-Z]{4}) (?P<event>.*)"),
        _local,  # the supervisor
    ),
    (
        re.compile(r"(?P<event>\S+ - - \[(?P<time>\d\d/\w{3}/\d{4} [\d:]+)\].*)"),
        _common,  # membership
    ),
)
