"""What `tasktracker-cli help TOPIC` explains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tasktracker_cli.errors import ERRORS, INTERRUPTED
from tasktracker_cli.gateway import models


@dataclass(frozen=True)
class Topic:
    """A page of help; `text` makes it when it is asked for."""

    title: str
    text: Callable[[], str]


def _exit_codes() -> str:
    codes = "\n".join(
        f"  {one.exit_code:<4} {one.code:<14} {about}" for one, about in ERRORS.items()
    )
    return f"""\
The exit code says what kind of failure it was, and with --json so does "code":

  0                   all is well
{codes}
  {INTERRUPTED:<4}                left with Ctrl-C or Ctrl-D

With --output json or ndjson an error is one line of JSON on standard error:

  {{"error": {{"code": "not-found", "message": "...", "hint": "...", "status": 404,
             "request_id": "..."}}}}

Notes and the requests that --verbose shows are such lines, too: {{"note": ...}}, {{"trace": ...}}.
"status" and "request_id" are there if the gateway answered with them. Where several things
were asked for, the exit code is that of the worst. Codes are never renamed.

The commands of "admin" have more codes: docs/operations/reference.md lists them. Their exit
code is 1.
"""


def _environment() -> str:
    return """\
  TASKTRACKER_URL        the gateway's address; --url wins, a profile's address loses
  TASKTRACKER_PROFILE    the profile to use; --profile wins
  TASKTRACKER_TOKEN      a token to use instead of a login; it is never kept
  TASKTRACKER_TIMEOUT    seconds to wait for the gateway, from 0.1 to 3600 (15)
  TASKTRACKER_TRACES_URL where --trace finds traces (http://localhost:16686)
  TASKTRACKER_PAGER      shows lists that are longer than the screen; empty for none.
                         Without it PAGER, else less
  VISUAL, EDITOR         opened by: tasktracker-cli task edit
  NO_COLOR               no colours
  FORCE_COLOR,           colours and all that is for people, in a pipe too
  CLICOLOR_FORCE
  HTTP_PROXY,            a proxy for gateways elsewhere; what is on this machine is always
  HTTPS_PROXY, NO_PROXY  reached directly
  TZ                     the time zone of dates: Europe/Berlin, CET-1CEST
  LC_ALL, LC_TIME, LANG  whether the day comes first in 1.2.2031
  XDG_CONFIG_HOME        profiles, settings and aliases are in tasktracker/config.json
                         below it (~/.config)
  XDG_STATE_HOME         logins are in tasktracker/logins below it (~/.local/state)
  XDG_DATA_HOME          scripts of bash and zsh for completion are below it (~/.local/share)
  SHELL                  the shell that completion install is for, unless it is named
"""


def _dates() -> str:
    return """\
A due date is a day, a time of day, or both in either order: 'tomorrow 5pm', '17:00 on friday'.
A day alone means its end; a time alone is the first to come. Every word has to have a meaning;
otherwise the date is refused, with what may be said instead. What was understood is shown.

Days
  2031-12-31  2031/12/31  31.12.2031     1.12.2031 by the setting date-order, or your locale
  31 dec  dec 31st, 2031  thu 31 dec     without a year: the first to come
  the 15th  15th of next month           the first to come
  today  tomorrow  tmr  yesterday        'the day after tomorrow', too
  fri  friday                            the first after today
  this friday  next friday               if the week, Monday to Sunday, leaves no doubt which
  friday next week  friday in 2 weeks    or: in 2 weeks on friday
  eod  eow  eom  eoy                     the end of the day, of the week (Sunday), ...
  end of next month  end of feb 2031     or: start of next week
  in 3 days  +3d  a week ago  -2w        d, w, mo, y; days, weeks, months, years; numbers to twenty
  10 days from today                     after, from, before: any day, as in
  1 week before 31 dec                   '3 days after tomorrow'

Times
  17:00  5pm  5:30 pm  noon              17h and 17h30 on a day, or after at
  midnight                               the end of the day: 'friday midnight'
  morning  afternoon  evening  tonight   9:00, 15:00, 18:00, 20:00; 'tonight at 9'
  17:00Z  5pm UTC  17:00+05:30           other zones have no one name: 5pm IST is refused
  in 2 hours  +90min  1h30m  half an hour
  2 hours before friday noon             hours are counted from a time: real hours, even if the
                                         clock is changed meanwhile

Not understood, as there are two meanings: 'tomorrow at 5', 17h alone, 3m, 1/2/2031, 'next
week', and 'next friday' while this week's is still to come. `none` is no due date at all. A time
is local; TZ may name another zone.
"""


def _output() -> str:
    return f"""\
Data go to standard output, messages to standard error. --output chooses the format of data:

  table    for people: colours, relative dates and a pager on a terminal; in a pipe tabs
           between the columns, whole values and a header
  json     the gateway's own objects, indented; a list is one array
  ndjson   one object a line
  csv      RFC 4180, with a header. Text is not changed, so a spreadsheet may take what begins
           with = for a formula; an import gives the same tasks again
  yaml     the same as json, easier to read

--fields a,b,c chooses and orders the fields, --jq EXPR selects from the JSON
(pip install 'tasktracker-cli[jq]'), --quiet prints bare ids. In json, ndjson and yaml, names
and types do not change; new fields may be added.

task list --watch --output ndjson prints each task, and again when it has changed. When one is
not in the list any more, it prints {{"event": "deleted", "id": 7}}, or "left" instead of
"deleted" if the task is still there and does not fit.

  a task   {_wrapped(models.TASK_FIELDS)}
  a user   {_wrapped(models.USER_FIELDS)}
  stats    {_wrapped(models.STATS_FIELDS)}
"""


def _wrapped(names: tuple[str, ...]) -> str:
    import textwrap

    return textwrap.fill(
        ", ".join(names), 90, subsequent_indent=" " * 11, initial_indent=" " * 11
    ).strip()


TOPICS = {
    "dates": Topic("due dates: digits, words, what is refused", _dates),
    "exit-codes": Topic("what an exit code says, and errors as JSON", _exit_codes),
    "environment": Topic("the variables that are read", _environment),
    "output": Topic("formats, fields, and what stays as it is", _output),
}
