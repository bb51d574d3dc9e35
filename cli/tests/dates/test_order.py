"""Which number of 1.12.2031 is the day."""

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.tests.conftest import Cli
from tasktracker_cli.dates.order import of_format, of_locale
from tasktracker_cli.dates.reading import parse_due
from tasktracker_cli.errors import UsageError

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("order", "text", "day"),
    [
        ("day-first", "1.12.2031", "2031-12-01"),
        ("day-first", "1/12/2031 5pm", "2031-12-01"),
        ("day-first", "1.12.", "2026-12-01"),
        ("day-first", "1.2.", "2027-02-01"),
        ("month-first", "1.12.2031", "2031-01-12"),
        ("month-first", "1/2/2031", "2031-01-02"),
        ("day-first", "12/24/2031", "2031-12-24"),
        ("month-first", "24.12.2031", "2031-12-24"),
    ],
)
def test_the_order_that_the_user_has_set_is_followed(order: str, text: str, day: str) -> None:
    assert f"{parse_due(text, NOW, lambda _: order).moment:%Y-%m-%d}" == day


@pytest.mark.parametrize(
    ("form", "separator", "order"),
    [
        ("%d.%m.%Y", ".", "day-first"),  # German
        ("%d.%m.%Y", "/", ""),
        ("%d/%m/%y", "/", "day-first"),  # British
        ("%m/%d/%Y", "/", "month-first"),  # American
        ("%m/%d/%Y", ".", ""),
        ("%-d.%-m.%Y", ".", "day-first"),
        ("%e. %m. %Y", ".", "day-first"),
        ("%Y-%m-%d", "-", ""),
        ("%Y.%m.%d", ".", ""),
        ("%D", "/", "month-first"),
        ("", ".", ""),
    ],
)
def test_a_locale_speaks_for_its_own_separator(form: str, separator: str, order: str) -> None:
    assert of_format(form, separator) == order


def test_a_locale_that_is_none_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("", "C", "POSIX", "C.UTF-8", "xx_XX.UTF-8"):
        monkeypatch.setenv("LC_ALL", name)
        monkeypatch.delenv("LC_TIME", raising=False)
        monkeypatch.delenv("LANG", raising=False)
        assert of_locale("/") == ""


def test_the_locale_of_the_user_is_asked(isolated: Cli, tmp_path: Path) -> None:
    if shutil.which("localedef") is None or not Path("/usr/share/i18n/locales/de_DE").exists():
        pytest.skip("this machine cannot make a locale: localedef or its sources are not there")
    german = tmp_path / "de_DE.UTF-8"
    command = ["localedef", "--no-archive", "-i", "de_DE", "-f", "UTF-8", str(german)]
    subprocess.run(command, check=False, capture_output=True)
    isolated.env.update(LOCPATH=str(tmp_path), LC_TIME="de_DE.UTF-8")
    assert due(isolated, "1.12.2031") == "2031-12-01T23:59:59+01:00"
    assert isolated(*create("1/12/2031")).returncode == 2


def test_the_setting_says_which_comes_first(isolated: Cli) -> None:
    assert isolated(*create("1.12.2031")).returncode == 2
    assert isolated("config", "set", "date-order", "day-first").returncode == 0
    assert due(isolated, "1.12.2031") == "2031-12-01T23:59:59+01:00"
    assert isolated("config", "set", "date-order", "month-first").returncode == 0
    assert due(isolated, "1.12.2031") == "2031-01-12T23:59:59+01:00"
    assert isolated("config", "unset", "date-order").returncode == 0
    assert isolated(*create("1.12.2031")).returncode == 2


def create(when: str) -> list[str]:
    return ["task", "create", "x", "--due", when, "--dry-run"]


def due(cli: Cli, when: str, *options: str) -> str:
    cli.env["TASKTRACKER_TOKEN"] = "a-token"
    return str(cli.json(*options, *create(when))["body"]["due_date"])


def test_ambiguous_numbers_are_refused_without_an_order() -> None:
    with pytest.raises(UsageError, match="either way round"):
        parse_due("1.12.2031", NOW, lambda _: "")
