"""Which number of 1.2.2031 is the day: what the locale says of dates."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

DAY_FIRST = "day-first"
MONTH_FIRST = "month-first"

Order = Callable[[str], str]
"""Gives one of the two for dates with this separator, . or /; empty where nothing says so."""


def of_locale(separator: str) -> str:
    """Return the order in dates of the user's locale, if it separates them in this way."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_TIME", "LANG"))
    name = next((name for name in names if name), "C")
    if name.partition(".")[0] in {"C", "POSIX"}:
        return ""
    return of_format(_date_format(), separator)


def of_format(form: str, separator: str) -> str:
    """Return the order in a format like %d.%m.%Y, if it has this separator."""
    form = form.replace("%D", "%m/%d/%y")
    fields = "".join(re.findall(r"%[-_0EO^]?([demyY])", form)).lower().replace("e", "d")
    if separator not in form:
        return ""
    return {"dmy": DAY_FIRST, "mdy": MONTH_FIRST}.get(fields, "")


def _date_format() -> str:
    """Return the locale's own format for dates; empty if it is not installed."""
    import locale

    before = locale.setlocale(locale.LC_TIME)
    try:
        locale.setlocale(locale.LC_TIME, "")
        return locale.nl_langinfo(locale.D_FMT)
    except locale.Error:
        return ""
    finally:
        locale.setlocale(locale.LC_TIME, before)
