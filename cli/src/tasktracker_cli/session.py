"""What every command works with: the gateway it talks to, the login there, the terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from tasktracker_cli import config
from tasktracker_cli.credentials import Credentials, Login
from tasktracker_cli.errors import NotLoggedInError
from tasktracker_cli.output import Output

if TYPE_CHECKING:
    from tasktracker_cli.client import Client
    from tasktracker_cli.plain import PlainViews
    from tasktracker_cli.tasks import Tasks
    from tasktracker_cli.views import Views


class Session:
    """One run of the program. HTTP and rich are imported when a command first needs them."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self.url = config.DEFAULT_URL

    @cached_property
    def gateway(self) -> config.Gateway:
        return config.Gateway.parse(self.url)

    @cached_property
    def credentials(self) -> Credentials:
        return Credentials(config.state_dir())

    @cached_property
    def guest(self) -> Client:
        """A client without a token, to make an account or log in with."""
        return self._client(None)

    @cached_property
    def client(self) -> Client:
        """The client of whoever is logged in; NotLoggedInError before any request if nobody is."""
        return self.another_client()

    def another_client(self) -> Client:
        """A client like `client`, for another thread: each has a connection of its own."""
        login = self.credentials.load(self.gateway.origin)
        if login is None:
            raise NotLoggedInError(
                f"You are not logged in at {self.gateway.origin}.",
                "Log in with: tasktracker-cli login --username NAME",
            )
        return self._client(login)

    @cached_property
    def tasks(self) -> Tasks:
        """The tasks of whoever is logged in."""
        from tasktracker_cli.tasks import Tasks

        return Tasks(self.client)

    @cached_property
    def views(self) -> Views | PlainViews:
        """How objects look to whoever reads stdout."""
        if not self.output.terminal:
            from tasktracker_cli.plain import PlainViews

            return PlainViews()
        from tasktracker_cli.views import Views

        return Views(now=datetime.now(UTC))

    def _client(self, login: Login | None) -> Client:
        from tasktracker_cli.client import Client
        from tasktracker_cli.transport import Transport

        transport = Transport(self.gateway, config.timeout_seconds())
        return Client(transport, login, lambda: self.output.progress("Waiting for the gateway"))
