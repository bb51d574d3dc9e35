"""The objects that commands share: the gateway, the login there, the terminal, the settings."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from tasktracker_cli import environment
from tasktracker_cli.address import Gateway
from tasktracker_cli.errors import NotLoggedInError, UsageError
from tasktracker_cli.terminal.output import Output

if TYPE_CHECKING:
    from tasktracker_cli.aliases import Aliases
    from tasktracker_cli.config_file import ConfigFile
    from tasktracker_cli.editing.journal import Journal
    from tasktracker_cli.gateway.access import Access, StoredLogin
    from tasktracker_cli.gateway.client import Client
    from tasktracker_cli.gateway.tasks import Tasks
    from tasktracker_cli.gateway.transport import Exchange
    from tasktracker_cli.logins.credentials import Credentials
    from tasktracker_cli.logins.profiles import Profile, Profiles
    from tasktracker_cli.settings import Settings
    from tasktracker_cli.terminal.plain import PlainViews
    from tasktracker_cli.terminal.views import Views
    from tasktracker_cli.traces.context import Trace


class Session:
    """One run of the program. What is large is imported when a command first needs it.

    `url` and `profile_name` are what the command line or the environment says, if anything.
    """

    def __init__(self, output: Output) -> None:
        self.output = output
        self.url: str | None = None
        self.profile_name: str | None = None
        self.verbose = False
        self.traced = False
        self.trace: Trace | None = None  # of the requests, from the first connection on

    @cached_property
    def configuration(self) -> ConfigFile:
        from tasktracker_cli.config_file import ConfigFile

        return ConfigFile(environment.config_dir())

    @cached_property
    def profiles(self) -> Profiles:
        from tasktracker_cli.logins.profiles import Profiles

        return Profiles(self.configuration)

    @cached_property
    def settings(self) -> Settings:
        from tasktracker_cli.settings import Settings

        return Settings(self.configuration)

    @cached_property
    def aliases(self) -> Aliases:
        from tasktracker_cli.aliases import Aliases

        return Aliases(self.configuration)

    @cached_property
    def profile(self) -> Profile:
        """The profile that was named, or the one in use unless the address is another's."""
        if self.profile_name:
            return self.profiles.get(self.profile_name)
        current = self.profiles.current()
        if self.url and Gateway.parse(self.url) != Gateway.parse(current.url):
            return self.profiles.get("default")
        return current

    @cached_property
    def gateway(self) -> Gateway:
        return Gateway.parse(self.url or self.profile.url)

    @cached_property
    def credentials(self) -> Credentials:
        from tasktracker_cli.logins.credentials import Credentials

        return Credentials(environment.state_dir())

    @property
    def login_key(self) -> str:
        """The name under which the login of this gateway and profile is kept."""
        from tasktracker_cli.logins.credentials import key

        return key(self.gateway.origin, self.profile.name)

    @cached_property
    def guest(self) -> Client:
        """A client without a token, to make an account or log in with."""
        return self.connect(None)

    @cached_property
    def client(self) -> Client:
        """The user's client. Raises NotLoggedInError, before any request, without a login."""
        return self.connect(self.access)

    @cached_property
    def access(self) -> Access:
        """What gives requests their token: TASKTRACKER_TOKEN, or the login that was kept."""
        from tasktracker_cli.gateway.access import GivenToken
        from tasktracker_cli.gateway.models import is_token

        token = os.environ.get("TASKTRACKER_TOKEN")
        if not token:
            return self._stored_login()
        if not is_token(token):
            raise UsageError("TASKTRACKER_TOKEN is not a token.", "Give it one, or unset it.")
        return GivenToken(token)

    def _stored_login(self) -> StoredLogin:
        """Return the login of this gateway and profile. Raises NotLoggedInError without one."""
        from tasktracker_cli.gateway.access import StoredLogin

        login = self.credentials.load(self.login_key)
        if login is None:
            raise NotLoggedInError(
                f"You are not logged in at {self.gateway.origin}.",
                "Log in with: tasktracker-cli login --username NAME",
            )
        return StoredLogin(
            self.credentials, self.login_key, login, lambda token: self.guest.refresh(token)
        )

    def date_order(self, separator: str) -> str:
        """Return which number of 1.2.2031 is the day, by the user's setting or the locale."""
        from tasktracker_cli.dates.order import of_locale
        from tasktracker_cli.settings import DATE_ORDER

        order = self.settings.get(DATE_ORDER)
        return of_locale(separator) if order == DATE_ORDER.values[0] else order

    @cached_property
    def tasks(self) -> Tasks:
        """The user's tasks."""
        from tasktracker_cli.gateway.tasks import Tasks

        return Tasks(self.client)

    @cached_property
    def journal(self) -> Journal:
        """What was changed last with this gateway and profile."""
        from urllib.parse import quote

        from tasktracker_cli.editing.journal import Journal

        name = f"{quote(self.login_key, safe='')}.ndjson"
        return Journal(environment.state_dir() / "undo" / name)

    @cached_property
    def views(self) -> Views | PlainViews:
        """How objects look to the reader of standard output: a person or a file."""
        if not self.output.terminal:
            from tasktracker_cli.terminal.plain import PlainViews

            return PlainViews()
        from datetime import UTC, datetime

        from tasktracker_cli.terminal.views import Views

        return Views(now=datetime.now(UTC))

    def connect(self, access: Access | None, timeout: float | None = None) -> Client:
        """Return a client with a connection of its own; `timeout` is in seconds."""
        from tasktracker_cli.gateway.client import Client
        from tasktracker_cli.gateway.transport import Transport

        transport = Transport(
            self.gateway,
            timeout or environment.timeout_seconds(),
            self._observe,
            self._begin_trace().headers if self.traced else {},
            self._count,
        )
        return Client(transport, access, lambda: self.output.progress("Waiting for the gateway"))

    def _begin_trace(self) -> Trace:
        from tasktracker_cli.traces.context import Trace

        self.trace = self.trace or Trace()
        return self.trace

    def _count(self) -> None:
        if self.trace is not None:
            self.trace.requests += 1

    def _observe(self, exchange: Exchange) -> None:
        if self.verbose:
            self.output.trace(
                f"{exchange.method} {exchange.path} {exchange.status}"
                f" {exchange.milliseconds:.0f} ms, request id {exchange.request_id}"
            )
