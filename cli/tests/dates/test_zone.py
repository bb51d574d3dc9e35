"""What TZ may be: a name, a POSIX rule, or a clear error."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from cli.tests.conftest import Cli
from tasktracker_cli.dates.reading import parse_due
from tasktracker_cli.errors import UsageError

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        ("CET-1CEST", "2030-01-31T17:00:00+01:00"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2030-01-31T17:00:00+01:00"),
        ("UTC0", "2030-01-31T17:00:00+00:00"),
        ("EST5EDT", "2030-01-31T17:00:00-05:00"),
        ("<+0545>-5:45", "2030-01-31T17:00:00+05:45"),
        (":Europe/Berlin", "2030-01-31T17:00:00+01:00"),
        ("Asia/Kolkata", "2030-01-31T17:00:00+05:30"),
        ("UTC", "2030-01-31T17:00:00+00:00"),
        ("", "2030-01-31T17:00:00+00:00"),
    ],
)
def test_zones_that_posix_knows_are_known(
    zone: str, moment: str, live_in: Callable[[str], None]
) -> None:
    live_in(zone)
    assert str(parse_due("31 jan 2030 5pm", NOW)) == moment
    assert str(parse_due("2030-01-31T17:00", NOW)) == moment
    assert parse_due("fri", NOW).moment.date().isoformat() == "2026-11-27"


@pytest.mark.parametrize("zone", ["Europe/Berln", "IST", "CET-", "../etc/passwd", "Berlin Time"])
def test_a_zone_that_there_is_not_is_an_error(zone: str, live_in: Callable[[str], None]) -> None:
    live_in(zone)
    for text in ("fri", "2030-01-31", "in an hour"):
        with pytest.raises(UsageError, match="which is no time zone") as refused:
            parse_due(text, NOW)
        assert "Europe/Berlin" in refused.value.hint


def test_the_program_says_it_in_one_line(isolated: Cli) -> None:
    done = isolated("task", "create", "x", "--due", "fri", "--dry-run", TZ="Europe/Berln")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: TZ is 'Europe/Berln', which is no time zone of this machine."
        " Set it to one like Europe/Berlin or CET-1CEST, or unset it.\n"
    )
    done = isolated("task", "create", "x", "--due", "2031-12-01", "--dry-run", TZ="CET-1CEST")
    assert "Due Mon 1 Dec 2031" in done.stderr
